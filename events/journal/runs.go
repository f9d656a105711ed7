package journal

import (
	"bytes"
	"errors"
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
	// Started is the first event, or that of the last resume; its zero value
	// means that the journal is empty or unreadable.
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

// Runs lists the runs in a folder, the oldest id first, without decoding more
// than the beginning and the end of each journal. A folder that does not exist
// holds none; what is not a run is passed over.
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
	content, err := os.ReadFile(filepath.Join(dir, Name))
	if err != nil {
		return s, err
	}
	content = content[:bytes.LastIndexByte(content, '\n')+1] // the last line may be torn
	s.readBegin(content)
	s.readEnd(content)
	held, err := holder(dir)
	if err == nil {
		s.Owner = held.Owner
	}
	// Without a lock the journal must do: its writer may be about to lock.
	locked := err == nil
	s.Alive = (locked || s.Status == events.StatusRunning) && Alive(s.Owner)
	return s, nil
}

// readBegin finds the beginning: that of the last go at the run.
func (s *Summary) readBegin(content []byte) {
	for rec, err := range Read(bytes.NewReader(content)) {
		if started, ok := rec.Event.(events.RunStarted); ok && err == nil {
			s.Started, s.StartedAt, s.Owner = started, rec.Time, started.Owner
		}
		break
	}
	at := bytes.LastIndex(content, resumedKind)
	if at < 0 {
		return
	}
	line, _ := lastLine(content[:at+1+bytes.IndexByte(content[at:], '\n')])
	var rec events.Record
	if rec.UnmarshalJSON(line) != nil {
		return
	}
	if resumed, ok := rec.Event.(events.RunResumed); ok {
		s.Started, s.StartedAt, s.Owner = events.RunStarted(resumed), rec.Time, resumed.Owner
	}
}

// resumedKind is in the line of a RunResumed; in a text it would be escaped.
var resumedKind = []byte(`"kind":"` + events.RunResumed{}.Kind() + `"`)

// readEnd finds how the run ended.
func (s *Summary) readEnd(content []byte) {
	for {
		line, before := lastLine(content)
		var rec events.Record
		if len(line) == 0 || rec.UnmarshalJSON(line) != nil || s.conclude(rec) {
			return
		}
		content = before
	}
}

// conclude says whether the record decides how the run ended: what tidies up
// later may follow the end.
func (s *Summary) conclude(rec events.Record) (decided bool) {
	switch e := rec.Event.(type) {
	case events.RunEnded:
		s.Status, s.Exit = e.Status, e.Exit
	case events.ClusterDeleted, events.SpanEnded:
		return false
	}
	return true
}

// lastLine returns the last line that has an end, and the text before it.
func lastLine(text []byte) (line, before []byte) {
	end := bytes.LastIndexByte(text, '\n')
	if end < 0 {
		return nil, nil
	}
	begin := bytes.LastIndexByte(text[:end], '\n')
	return text[begin+1 : end], text[:begin+1]
}
