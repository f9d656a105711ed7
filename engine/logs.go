package engine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dcosflow/dcosflow/dag"
)

// How much of an attempt's output a failure shows.
const (
	tailLines = 20
	tailWidth = 2000
)

// logs keeps what one attempt says: in two files, byte for byte but for
// secrets, and its last lines for reports. A file is made when its first byte
// comes. It is safe for concurrent use.
type logs struct {
	redactor *redactor
	dir      string // the run's
	folder   string // relative to dir
	// name tells the attempts apart, also those of earlier goes at the run.
	name string

	// silent logs keep nothing but how much there was.
	silent bool

	mu             sync.Mutex
	closed         bool // what comes late, of a step that was given up, is lost
	lost           context.CancelCauseFunc
	tail           tail
	stdout, stderr stream
}

func (r *run) newLogs(id dag.ID, name string) *logs {
	l := &logs{redactor: &r.redactor, dir: r.Plan.Run.Dir, folder: logFolder(id), name: name}
	if i := r.instance(id); i != nil {
		l.silent = i.Sensitive
	}
	l.stdout = stream{logs: l, name: "stdout"}
	l.stderr = stream{logs: l, name: "stderr"}
	return l
}

// errLogLost stops an attempt whose log cannot be written; close tells why.
var errLogLost = errors.New("its log cannot be written")

// whenLost has stop called with errLogLost at the first error of writing a file,
// also when that was before.
func (l *logs) whenLost(stop context.CancelCauseFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = stop
	if cmp.Or(l.stdout.err, l.stderr.err) != nil {
		stop(errLogLost)
	}
}

// lines returns the last lines of both streams, in the order in which they
// came. It is called after close.
func (l *logs) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail.lines()
}

// file names the log that says most, relative to the run's folder: that of the
// error output, if there was any. Empty when nothing was said.
func (l *logs) file() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range []*stream{&l.stderr, &l.stdout} {
		if s.file != nil {
			return s.path()
		}
	}
	return ""
}

// close writes what was held back, and returns the first error of writing the
// files.
func (l *logs) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, s := range []*stream{&l.stdout, &l.stderr} {
		if s.unkept > 0 {
			s.take(fmt.Appendf(nil, "(sensitive: %d bytes are not kept)\n", s.unkept))
		}
		s.take(l.redactor.next(&s.blotted, nil, true))
		s.flush()
		if s.file == nil {
			continue
		}
		if err := s.file.Close(); s.err == nil {
			s.err = err
		}
	}
	return cmp.Or(l.stdout.err, l.stderr.err)
}

// stream is one of the two outputs. An error of its file does not reach the
// writer, which would take it for trouble with the machine; logs.close has it.
type stream struct {
	logs    *logs
	name    string
	file    *os.File
	err     error
	blotted blotted
	unkept  int64  // the bytes of a silent log
	partial []byte // the line that has not ended
}

func (s *stream) path() string {
	return filepath.Join(s.logs.folder, s.logs.name+"."+s.name)
}

func (s *stream) Write(p []byte) (int, error) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	if s.logs.closed {
		return len(p), nil
	}
	if s.logs.silent {
		s.unkept += int64(len(p))
		return len(p), nil
	}
	s.take(s.logs.redactor.next(&s.blotted, p, false))
	return len(p), nil
}

// take stores bytes without secrets.
func (s *stream) take(p []byte) {
	s.store(p)
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		s.partial = append(s.partial, line[:min(len(line), tailWidth-min(tailWidth, len(s.partial)))]...)
		if ended {
			s.logs.tail.add(s.partial)
			s.partial = s.partial[:0]
		}
		rest = after
	}
}

func (s *stream) store(p []byte) {
	if s.err != nil || len(p) == 0 {
		return
	}
	if s.file == nil {
		s.file, s.err = createLog(filepath.Join(s.logs.dir, s.path()))
	}
	if s.err == nil {
		_, s.err = s.file.Write(p)
	}
	if s.err != nil && s.logs.lost != nil {
		s.logs.lost(errLogLost)
	}
}

func (s *stream) flush() {
	if len(s.partial) > 0 {
		s.logs.tail.add(s.partial)
		s.partial = nil
	}
}

func createLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// tail is the last lines of an output. It reuses its memory: there may be
// millions of lines.
type tail struct {
	ring  [tailLines][]byte
	count int
}

func (t *tail) add(line []byte) {
	at := &t.ring[t.count%tailLines]
	*at = append((*at)[:0], line...)
	t.count++
}

// lines returns them from the oldest to the newest.
func (t *tail) lines() []string {
	var lines []string
	for i := max(0, t.count-tailLines); i < t.count; i++ {
		line := strings.TrimRight(string(t.ring[i%tailLines]), "\r")
		lines = append(lines, strings.ToValidUTF8(line, "\uFFFD"))
	}
	return lines
}

// The longest name of a log folder; file systems allow 255 bytes.
const maxFolder = 150

// logFolder names the folder of an instance's logs: its address in characters
// that are safe everywhere, different for different addresses.
func logFolder(id dag.ID) string {
	var name strings.Builder
	rest := string(id)
	for {
		before, after, keyed := strings.Cut(rest, `["`)
		encode(&name, before, "")
		if !keyed {
			break
		}
		end := keyEnd(after)
		name.WriteByte('.')
		if rest = strings.TrimPrefix(after[end:], `"]`); rest == "" {
			encode(&name, after[:end], "")
			break
		}
		encode(&name, after[:end], ".") // a dot would be the end of the key
	}
	folder := name.String()
	if len(folder) > maxFolder {
		folder = fmt.Sprintf("%s-%x", folder[:maxFolder], sha256.Sum256([]byte(id)))[:maxFolder+17]
	}
	return filepath.Join("logs", folder)
}

// keyEnd is where a quoted key ends.
func keyEnd(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text)
}

// encode writes text so that it is fit for a file name, also without the bytes
// that are refused.
func encode(name *strings.Builder, text, refused string) {
	for _, b := range []byte(text) {
		if safe(b) && strings.IndexByte(refused, b) < 0 {
			name.WriteByte(b)
		} else {
			fmt.Fprintf(name, "%%%02X", b)
		}
	}
}

func safe(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("._-", b) >= 0
}
