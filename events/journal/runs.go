package journal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// Summary is what the folder of a run says at a glance.
type Summary struct {
	// ID is the name of the folder; Dir is its path.
	ID, Dir string
	// Started is the first event; its zero value means that the journal is
	// empty or unreadable.
	Started   events.RunStarted
	StartedAt time.Time
	// Owner is who runs or ran it, Alive whether that process still does.
	Owner events.Owner
	Alive bool
	// Status is StatusRunning unless the journal says how the run ended; a run
	// that is not alive was then killed.
	Status events.Status
	Exit   int
}

// Runs lists the runs in a folder, the oldest id first, by reading only the
// beginning and the end of each journal. A folder that does not exist holds
// none; what is not a run is passed over.
func Runs(dir string) ([]Summary, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var runs []Summary
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		s, err := Glance(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, s)
	}
	return runs, nil
}

// Glance reads the summary of one run. The error wraps fs.ErrNotExist when the
// folder holds no journal.
func Glance(dir string) (Summary, error) {
	s := Summary{ID: filepath.Base(dir), Dir: dir, Status: events.StatusRunning}
	file, err := os.Open(filepath.Join(dir, Name))
	if err != nil {
		return s, err
	}
	defer file.Close()
	for rec, err := range Read(file) {
		if started, ok := rec.Event.(events.RunStarted); ok && err == nil {
			s.Started, s.StartedAt, s.Owner = started, rec.Time, started.Owner
		}
		break
	}
	if err := s.readEnd(file); err != nil {
		return s, err
	}
	held, err := holder(dir)
	if err == nil {
		s.Owner = held.Owner
	}
	// Without a lock the journal must do: its writer may be about to lock.
	locked := err == nil
	s.Alive = (locked || s.Status == events.StatusRunning) && Alive(s.Owner)
	return s, nil
}

// endSize is how much of the end of a journal is read. RunEnded is small; with
// larger outputs the whole journal is read.
const endSize = 64 << 10

func (s *Summary) readEnd(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	from := max(0, info.Size()-endSize)
	end := make([]byte, info.Size()-from)
	if _, err := file.ReadAt(end, from); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	last, whole := lastLine(end)
	if !whole && from > 0 {
		return s.readAll()
	}
	var rec events.Record
	if rec.UnmarshalJSON(last) == nil {
		s.conclude(rec)
	}
	return nil
}

func (s *Summary) readAll() error {
	run, err := Load(s.Dir)
	if errors.As(err, new(*CorruptError)) {
		return nil // one damaged journal must not hide the other runs
	}
	if err == nil && run.Ended != nil {
		s.Status, s.Exit = run.Ended.Status, run.Ended.Exit
	}
	return err
}

func (s *Summary) conclude(rec events.Record) {
	if ended, ok := rec.Event.(events.RunEnded); ok {
		s.Status, s.Exit = ended.Status, ended.Exit
	}
}

// lastLine returns the last line that has an end; whole says that its
// beginning is in the text too.
func lastLine(text []byte) (line []byte, whole bool) {
	end := bytes.LastIndexByte(text, '\n')
	if end < 0 {
		return nil, false
	}
	begin := bytes.LastIndexByte(text[:end], '\n')
	return text[begin+1 : end], begin >= 0
}
