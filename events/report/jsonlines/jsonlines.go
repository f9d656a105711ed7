// Package jsonlines reports a run for machines: one event per line, as the
// journal has it.
package jsonlines

import (
	"encoding/json"
	"io"

	"github.com/dcosflow/dcosflow/events"
)

// Report writes records to a stream.
type Report struct{ encoder *json.Encoder }

var _ events.Sink = (*Report)(nil)

// New returns a report that writes to w.
func New(w io.Writer) *Report { return &Report{encoder: json.NewEncoder(w)} }

// Write writes a record on one line.
func (r *Report) Write(rec events.Record) error { return r.encoder.Encode(rec) }
