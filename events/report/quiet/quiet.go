// Package quiet reports only what a person must know: failures as they come,
// and the summary.
package quiet

import (
	"fmt"
	"io"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report"
)

// Report writes failures and the summary.
type Report struct {
	// Style is set before the first record.
	Style report.Style

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
	case events.RunEnded:
		return report.Summary(r.w, &r.run, r.Style)
	}
	return nil
}

func (r *Report) say(format string, args ...any) error {
	_, err := fmt.Fprintf(r.w, format, args...)
	return err
}
