// Package quiet reports only what a person must know: failures as they come,
// and the summary.
package quiet

import (
	"errors"
	"fmt"
	"io"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report"
)

// Report writes failures and the summary.
type Report struct {
	// Style and Errors are set before the first record. Errors receives what
	// went wrong, at the end; nil means the same stream as all else.
	Style  report.Style
	Errors io.Writer

	w   io.Writer
	run events.Run
}

var _ events.Sink = (*Report)(nil)

// New returns a report that writes to w.
func New(w io.Writer) *Report { return &Report{w: w} }

// Write takes the next record.
func (r *Report) Write(rec events.Record) error {
	r.run.Apply(rec)
	switch e := rec.Event.(type) {
	case events.InstanceEnded:
		if e.State == events.Failed && e.Failure != nil {
			return r.say("%s %s: %s\n", r.Style.Red("FAILED"), e.Address, report.Reason(*e.Failure))
		}
	case events.Warning:
		return r.say("%s %s\n", r.Style.Yellow("warning:"), e.Message)
	case events.RunResumed:
		if e.Rerun != "" {
			return errors.Join(r.failures(), r.say("rerun %s: what failed runs again\n", e.Rerun))
		}
	case events.RunEnded:
		return r.conclude()
	}
	return nil
}

func (r *Report) failures() error {
	w := r.Errors
	if w == nil {
		w = r.w
	}
	return report.Failures(w, &r.run, r.Style)
}

func (r *Report) conclude() error {
	if err := r.failures(); err != nil {
		return err
	}
	return report.Summary(r.w, &r.run, r.Style)
}

func (r *Report) say(format string, args ...any) error {
	_, err := fmt.Fprintf(r.w, format, args...)
	return err
}
