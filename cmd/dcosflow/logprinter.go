package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dcosflow/dcosflow/events"
)

// logPrinter prints log files, each time what has come since the last.
type logPrinter struct {
	dir            string
	stdout, stderr io.Writer
	// attempt is which attempt to print, counted also over the rounds of a group;
	// 0 means the last one, and all that follow.
	attempt int

	tails   []*logTail
	printed bool
	prefix  bool
}

// logTail is one file and how far it was printed.
type logTail struct {
	address, path string
	w             io.Writer
	offset        int64
	partial       []byte // the line that has not ended, where lines have a prefix
}

// print prints what is new of the instances.
func (p *logPrinter) print(matching []*events.Instance) error {
	p.prefix = p.prefix || len(matching) > 1
	for _, i := range matching {
		attempt := len(i.Files)
		if p.attempt > 0 {
			attempt = p.attempt
		}
		if attempt == 0 || attempt > len(i.Files) {
			continue
		}
		p.tail(i, i.Files[attempt-1], "stdout", p.stdout)
		p.tail(i, i.Files[attempt-1], "stderr", p.stderr)
	}
	for _, t := range p.tails {
		if err := p.advance(t); err != nil {
			return err
		}
	}
	return nil
}

func (p *logPrinter) tail(i *events.Instance, name, stream string, w io.Writer) {
	path := filepath.Join(p.dir, i.Log, name+"."+stream)
	for _, t := range p.tails {
		if t.path == path {
			return
		}
	}
	p.tails = append(p.tails, &logTail{address: i.Address, path: path, w: w})
}

// advance prints what a file has beyond what was printed. A step that prints
// nothing has none.
func (p *logPrinter) advance(t *logTail) error {
	file, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(t.offset, io.SeekStart); err != nil {
		return err
	}
	n, err := io.Copy(writerFunc(func(b []byte) error { return p.write(t, b) }), file)
	t.offset += n
	p.printed = p.printed || n > 0
	return err
}

func (p *logPrinter) write(t *logTail, b []byte) error {
	if !p.prefix {
		_, err := t.w.Write(b)
		return err
	}
	t.partial = append(t.partial, b...)
	for {
		line, rest, ended := bytes.Cut(t.partial, []byte("\n"))
		if !ended {
			return nil
		}
		if err := t.line(line); err != nil {
			return err
		}
		t.partial = append(t.partial[:0], rest...)
	}
}

// flush prints last lines that have no end.
func (p *logPrinter) flush() error {
	for _, t := range p.tails {
		if len(t.partial) > 0 {
			if err := t.line(t.partial); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *logTail) line(text []byte) error {
	_, err := fmt.Fprintf(t.w, "%s | %s\n", t.address, text)
	return err
}

// writerFunc makes a function an io.Writer.
type writerFunc func([]byte) error

func (f writerFunc) Write(b []byte) (int, error) {
	if err := f(b); err != nil {
		return 0, err
	}
	return len(b), nil
}
