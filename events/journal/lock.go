package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dcosflow/dcosflow/events"
)

// lockName is the lock's name in the folder of a run.
const lockName = "lock"

// Holder is who runs a run.
type Holder struct {
	events.Owner
	Command []string `json:"command"`
}

// LockedError says that another process runs the run.
type LockedError struct{ Holder Holder }

// Error names the process.
func (e *LockedError) Error() string {
	return fmt.Sprintf("the run is in the hands of process %d on %s", e.Holder.PID, e.Holder.Host)
}

// Lock is the right to write in the folder of a run.
type Lock struct{ path string }

// Acquire locks the folder of a run, which it makes when it is missing. The
// lock of a dead process is taken over; that of a living one is a
// *LockedError.
func Acquire(dir string, h Holder) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockName)
	err := place(path, h)
	if errors.Is(err, fs.ErrExist) {
		if held, err := holder(dir); err == nil && Alive(held.Owner) {
			return nil, &LockedError{Holder: held}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		err = place(path, h)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return &Lock{path: path}, nil
}

// Release gives the lock back.
func (l *Lock) Release() error { return os.Remove(l.path) }

// place makes the lock with its content in one step, so that nobody ever sees
// an empty one.
func place(path string, h Holder) error {
	content, err := json.Marshal(h)
	if err != nil {
		return err
	}
	draft := fmt.Sprintf("%s.%d", path, h.PID)
	if err := os.WriteFile(draft, append(content, '\n'), 0o644); err != nil {
		return err
	}
	defer os.Remove(draft)
	return os.Link(draft, path)
}

func holder(dir string) (Holder, error) {
	var h Holder
	content, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(content, &h)
}
