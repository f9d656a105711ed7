// Package jsonlines reports a run for machines: one event per line, as the
// journal has it.
package jsonlines

import (
	"encoding/json"
	"io"

	"github.com/dcosflow/dcosflow/events"
)

// Report writes records to a stream, a line in one call.
type Report struct {
	w io.Writer
	// tag is added to every line: which run of several it is about.
	tag []byte
}

var _ events.Sink = (*Report)(nil)

// New returns a report that writes to w.
func New(w io.Writer) *Report { return &Report{w: w} }

// Tag adds the run and its variant to every line, so that the lines of several
// runs can share a stream. It is called before the first record.
func (r *Report) Tag(run, variant string) error {
	tag, err := json.Marshal(struct {
		Run     string `json:"run"`
		Variant string `json:"variant"`
	}{run, variant})
	r.tag = tag
	return err
}

// Write writes a record on one line.
func (r *Report) Write(rec events.Record) error {
	line, err := rec.AppendJSON(nil)
	if err != nil {
		return err
	}
	if r.tag != nil {
		line = append(append(line[:len(line)-1], ','), r.tag[1:]...)
	}
	_, err = r.w.Write(append(line, '\n'))
	return err
}
