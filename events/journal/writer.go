// Package journal is the record of a run on disk: an append-only file of
// events, one JSON object per line, the lock that says who runs it, and the
// list of runs. Every other view of a run can be made from its journal.
package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// Name is the journal's name in the folder of a run.
const Name = "journal.jsonl"

// syncDelay is how late a record may reach the disk: those that come meanwhile
// share one sync.
const syncDelay = 50 * time.Millisecond

// ErrExists says that the folder holds the journal of another run: choose
// another one.
var ErrExists = errors.New("there is a journal already")

// Writer appends records to a journal. A record is in the file when Write
// returns and on the disk 50 ms later; a SpanStarting is there at once, because
// the world changes next. It is safe for concurrent use.
type Writer struct {
	path string

	mu      sync.Mutex
	file    *os.File
	pending *time.Timer // nil when everything is synced or being synced
	err     error       // the first one; nothing is written after it
	syncing sync.WaitGroup
	line    []byte // of the last record, for its room
}

var _ events.Sink = (*Writer)(nil)

// Create makes the folder of a run and an empty journal in it. It returns
// ErrExists when there is one.
func Create(dir string) (*Writer, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, Name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create %s: %w", path, ErrExists)
	}
	if err != nil {
		return nil, err
	}
	return &Writer{path: path, file: file}, nil
}

// Reopen opens the journal in the folder of a run to append to it, and returns
// the fold of what it holds. A torn last line is removed. The run's lock must be
// held.
func Reopen(dir string) (*Writer, *events.Run, error) {
	path := filepath.Join(dir, Name)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, err
	}
	run, whole, err := fold(file)
	if err == nil {
		err = file.Truncate(whole)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("reopen %s: %w", path, err), file.Close())
	}
	return &Writer{path: path, file: file}, run, nil
}

// Write appends a record. After an error, also one of an earlier sync, the
// journal takes nothing more and returns that error.
func (w *Writer) Write(r events.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	line, err := r.AppendJSON(w.line[:0])
	if err != nil {
		return err
	}
	w.line = append(line, '\n')
	if _, err := w.file.Write(w.line); err != nil {
		w.err = err
		return err
	}
	if _, urgent := r.Event.(events.SpanStarting); urgent {
		w.err = w.file.Sync()
		return w.err
	}
	if w.pending == nil {
		w.syncing.Add(1)
		w.pending = time.AfterFunc(syncDelay, w.sync)
	}
	return nil
}

// sync runs on the timer's goroutine; writing goes on meanwhile.
func (w *Writer) sync() {
	defer w.syncing.Done()
	w.mu.Lock()
	w.pending = nil
	w.mu.Unlock()
	err := w.file.Sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = errors.Join(w.err, err)
}

// Close syncs and closes the journal. It returns the first error of the
// journal's life.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.pending != nil && w.pending.Stop() {
		w.pending = nil
		w.syncing.Done()
	}
	w.mu.Unlock()
	w.syncing.Wait()
	err := errors.Join(w.file.Sync(), w.file.Close())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("close %s: %w", w.path, err)
	}
	return w.err
}
