package wrap

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"
)

// tailLimit is how much of stderr an error keeps.
const tailLimit = 64 << 10

// Streams separate what a wrapped command writes from what is said about it:
// until the marker came, nothing is the command's output. Its writers may be
// used from several goroutines.
type Streams struct {
	mu             sync.Mutex
	stdout, stderr io.Writer
	group          int
	// held and early came on stdout and stderr before the marker.
	held, early bytes.Buffer
	tail        []byte
	started     chan struct{}
	// failed is the first error of a writer that was given to NewStreams; broken
	// is closed then.
	failed error
	broken chan struct{}
}

// NewStreams returns streams that write to stdout and stderr; nil discards.
func NewStreams(stdout, stderr io.Writer) *Streams {
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	return &Streams{stdout: stdout, stderr: stderr, started: make(chan struct{}), broken: make(chan struct{})}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Stdout takes the wrapped command's standard output.
func (s *Streams) Stdout() io.Writer { return writerFunc(s.writeStdout) }

// Stderr takes the wrapped command's error output.
func (s *Streams) Stderr() io.Writer { return writerFunc(s.writeStderr) }

// Started is closed when the command has begun.
func (s *Streams) Started() <-chan struct{} { return s.started }

// Group returns the command's process group, 0 when it has not begun.
func (s *Streams) Group() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.group
}

// Refusal returns what came instead of the command's output: why it could not
// be started.
func (s *Streams) Refusal() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(s.held.String() + s.early.String())
}

// Broken is closed when a writer that was given to NewStreams failed.
func (s *Streams) Broken() <-chan struct{} { return s.broken }

// Failed returns the first error of a writer that was given to NewStreams.
func (s *Streams) Failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Tail returns the end of the command's error output, at most 64 KiB.
func (s *Streams) Tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.tail[max(0, len(s.tail)-tailLimit):])
}

func (s *Streams) writeStdout(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.group == 0 {
		return s.held.Write(p)
	}
	return s.pass(s.stdout, p)
}

func (s *Streams) writeStderr(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.group != 0 {
		return s.writeError(p)
	}
	s.early.Write(p)
	line, rest, whole := bytes.Cut(s.early.Bytes(), []byte("\n"))
	id, ok := strings.CutPrefix(string(line), marker)
	group, err := strconv.Atoi(id)
	if !whole || !ok || err != nil {
		return len(p), nil
	}
	s.group = group
	close(s.started)
	if _, err := s.pass(s.stdout, s.held.Bytes()); err != nil {
		return 0, err
	}
	if _, err := s.writeError(rest); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *Streams) writeError(p []byte) (int, error) {
	s.tail = append(s.tail, p...)
	// Cutting only at twice the limit makes the cost of copying constant a byte.
	if len(s.tail) > 2*tailLimit {
		s.tail = append([]byte(nil), s.tail[len(s.tail)-tailLimit:]...)
	}
	return s.pass(s.stderr, p)
}

func (s *Streams) pass(w io.Writer, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := w.Write(p)
	if err != nil && s.failed == nil {
		s.failed = err
		close(s.broken)
	}
	return n, err
}
