package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dcosflow/dcosflow/events"
)

// lockName is the lock's name in the folder of a run.
const lockName = "lock"

// Holder is who runs a run.
type Holder struct {
	events.Owner
	Command []string `json:"command"`
}

// LockedError says that another process runs the run. Holder is zero when it
// has not said who it is.
type LockedError struct{ Holder Holder }

// Error names the process.
func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return "the run is in the hands of another process"
	}
	return fmt.Sprintf("the run is in the hands of process %d on %s", e.Holder.PID, e.Holder.Host)
}

// Lock is the right to write in the folder of a run. The kernel's lock on the
// file decides, and ends with the process; the content says who it is.
type Lock struct{ file *os.File }

// Acquire locks the folder of a run, which it makes when it is missing. The
// lock of a dead process is taken over; that of a living one is a
// *LockedError.
func Acquire(dir string, h Holder) (*Lock, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	for {
		l, err := open(filepath.Join(dir, lockName))
		if errors.Is(err, errReleased) {
			continue
		}
		if errors.Is(err, syscall.EWOULDBLOCK) {
			held, _ := holder(dir) // without its name it is locked all the same
			return nil, &LockedError{Holder: held}
		}
		if err == nil {
			err = l.sign(h)
		}
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		return l, nil
	}
}

// makeDir makes the folder of a run. Only its owner can look into it: there are
// bundles and collected files with secrets in them.
func makeDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Release gives the lock back.
func (l *Lock) Release() error {
	// The file goes while it is locked, so that nobody removes another's.
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}

// errReleased says that the file was removed before it could be locked.
var errReleased = errors.New("the lock was released meanwhile")

// open locks the file, which it makes when it is missing.
func open(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := seize(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Lock{file}, nil
}

func seize(file *os.File) error {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	locked, err := file.Stat()
	if err != nil {
		return err
	}
	placed, err := os.Stat(file.Name())
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(locked, placed) {
		return errReleased
	}
	return err
}

// sign writes who holds the lock: over the last holder in one step, and only
// then what is left of that one goes, so that no reader finds the file empty.
func (l *Lock) sign(h Holder) error {
	content, err := json.Marshal(h)
	if err == nil {
		_, err = l.file.WriteAt(content, 0)
	}
	if err == nil {
		err = l.file.Truncate(int64(len(content)))
	}
	if err != nil {
		return errors.Join(err, l.Release())
	}
	return nil
}

// holder reads the first value of the lock; the rest of a longer one may follow.
func holder(dir string) (Holder, error) {
	var h Holder
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return h, err
	}
	defer file.Close()
	err = json.NewDecoder(file).Decode(&h)
	if errors.Is(err, io.EOF) {
		return h, fmt.Errorf("the lock of %s is empty", dir)
	}
	return h, err
}
