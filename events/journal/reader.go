package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/dcosflow/dcosflow/events"
)

// CorruptError is a journal that is damaged before its end: what follows the
// line cannot be trusted.
type CorruptError struct {
	Line int
	Err  error
}

// Error names the line.
func (e *CorruptError) Error() string { return fmt.Sprintf("journal line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong with the line.
func (e *CorruptError) Unwrap() error { return e.Err }

// Read yields the records of a journal. A last line that is torn, because its
// writer died, is dropped. The last thing it yields may be an error of the
// reader or a *CorruptError.
func Read(r io.Reader) iter.Seq2[events.Record, error] {
	return read(r, new(int64))
}

// read is Read; whole becomes the size of the lines that were yielded.
func read(r io.Reader, whole *int64) iter.Seq2[events.Record, error] {
	return func(yield func(events.Record, error) bool) {
		lines := bufio.NewReader(r)
		var last int64
		for number := 1; ; number++ {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				return // with or without the beginning of a torn line
			}
			if err != nil {
				yield(events.Record{}, err)
				return
			}
			rec, err := parse(line, last)
			if err != nil {
				if _, end := lines.Peek(1); !errors.Is(end, io.EOF) {
					yield(events.Record{}, &CorruptError{Line: number, Err: err})
				}
				return
			}
			last = rec.Seq
			*whole += int64(len(line))
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func parse(line []byte, last int64) (events.Record, error) {
	var rec events.Record
	if err := json.Unmarshal(line, &rec); err != nil {
		return rec, err
	}
	if rec.Seq != last+1 {
		return rec, fmt.Errorf("record %d follows record %d", rec.Seq, last)
	}
	return rec, nil
}

// Load folds the journal in the folder of a run.
func Load(dir string) (*events.Run, error) {
	path := filepath.Join(dir, Name)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	run, _, err := fold(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return run, nil
}

func fold(r io.Reader) (run *events.Run, whole int64, err error) {
	run = &events.Run{}
	for rec, err := range read(r, &whole) {
		if err != nil {
			return nil, 0, err
		}
		run.Apply(rec)
	}
	return run, whole, nil
}
