package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// event is a line of `go test -json`.
type event struct {
	Action  string
	Test    string
	Output  string
	Elapsed float64
}

// report folds the events of a test run into one line per row, in the order of
// the list. Tests that belong to no row follow with -- instead of an id.
type report struct {
	out   io.Writer
	rows  []row
	next  int // the first row that is not printed yet
	asked bool
	// All by top-level test; "" is the package.
	ended   map[string]event
	skipped map[string]bool
	output  map[string]*strings.Builder
	others  []string
	failed  bool
}

func newReport(out io.Writer, rows []row, asked bool) *report {
	return &report{
		out: out, rows: rows, asked: asked,
		ended: map[string]event{}, skipped: map[string]bool{}, output: map[string]*strings.Builder{},
	}
}

func (r *report) read(in io.Reader) error {
	lines := json.NewDecoder(in)
	for {
		var e event
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the output of go test -json: %w", err)
		}
		r.add(e)
	}
}

func (r *report) add(e event) {
	top, _, sub := strings.Cut(e.Test, "/")
	switch e.Action {
	case "output":
		r.keep(top, e.Output)
	case "build-output":
		r.keep("", e.Output)
	case "pass", "fail", "skip":
		r.failed = r.failed || e.Action != "pass"
		switch {
		case sub:
			r.skipped[top] = r.skipped[top] || e.Action == "skip"
		case top != "":
			r.end(top, e)
		}
	}
}

func (r *report) keep(test, output string) {
	b := r.output[test]
	if b == nil {
		b = &strings.Builder{}
		r.output[test] = b
	}
	b.WriteString(output)
}

func (r *report) end(test string, e event) {
	// A skipped subtest hides in a test that passes: the row did not pass.
	if r.skipped[test] && e.Action == "pass" {
		e.Action = "skip"
	}
	r.ended[test] = e
	if !r.hasRow(test) {
		r.others = append(r.others, test)
	}
	r.flush()
}

func (r *report) hasRow(test string) bool {
	for _, row := range r.rows {
		if row.test == test {
			return true
		}
	}
	return false
}

// flush prints the rows that are known, up to the first that is not.
func (r *report) flush() {
	for ; r.next < len(r.rows); r.next++ {
		row := r.rows[r.next]
		if !row.done {
			fmt.Fprintf(r.out, "%s TODO %s\n", row.id, row.title)
			r.failed = r.failed || r.asked
			continue
		}
		e, ok := r.ended[row.test]
		if !ok {
			return
		}
		r.line(row.id, row.test, e)
	}
}

func (r *report) line(id, test string, e event) {
	fmt.Fprintf(r.out, "%s %s %s %.1fs\n", id, strings.ToUpper(e.Action), test, e.Elapsed)
	if e.Action != "pass" {
		r.show(test)
	}
}

// show prints what a test said, indented, so that no line looks like a row.
func (r *report) show(test string) {
	if b := r.output[test]; b != nil {
		for line := range strings.Lines(b.String()) {
			fmt.Fprint(r.out, "    ", strings.TrimRight(line, "\n"), "\n")
		}
	}
}

// close prints the rest: rows whose test never ran are failures. It returns the
// exit code.
func (r *report) close() int {
	for _, row := range r.rows[r.next:] {
		if _, ok := r.ended[row.test]; row.done && !ok {
			r.keep(row.test, "the test did not run to its end\n")
			r.ended[row.test] = event{Action: "fail"}
			r.failed = true
		}
	}
	r.flush()
	for _, test := range r.others {
		r.line("--", test, r.ended[test])
	}
	if !r.failed {
		return 0
	}
	r.show("")
	return 1
}
