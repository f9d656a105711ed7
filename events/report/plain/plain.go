// Package plain reports a run line by line, for pipes and CI: nothing moves,
// and no line ever mixes with another.
package plain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report"
)

// silence is after how long without a line the report says what still runs.
const silence = 30 * time.Second

// Report writes a line for everything that starts, ends or is worth knowing.
type Report struct {
	// Style and Errors are set before the first record. Errors receives what
	// went wrong, at the end; nil means the same stream as all else.
	Style  report.Style
	Errors io.Writer

	w   io.Writer
	run events.Run
	// saidAt is when the last line was written.
	saidAt time.Time
	// idle are the instances that did no work for one reason, not yet said.
	idle []events.InstanceEnded
}

var (
	_ events.Sink   = (*Report)(nil)
	_ events.Ticker = (*Report)(nil)
)

// New returns a report that writes to w.
func New(w io.Writer) *Report { return &Report{w: w} }

// Write takes the next record.
func (r *Report) Write(rec events.Record) error {
	r.run.Apply(rec)
	ended, ok := rec.Event.(events.InstanceEnded)
	if ok && idle(ended) {
		return r.gather(ended, rec.Time)
	}
	if err := r.flush(rec.Time); err != nil {
		return err
	}
	if ok {
		return r.ended(ended, rec.Time)
	}
	return r.other(rec)
}

// Tick says what still runs when nothing was said for long.
func (r *Report) Tick(now time.Time) error {
	if err := r.flush(now); err != nil {
		return err
	}
	if r.run.Started.Run == "" || r.run.Ended != nil || now.Sub(r.saidAt) < silence {
		return nil
	}
	running := r.run.InProgress()
	names := make([]string, len(running))
	for i, instance := range running {
		names[i] = fmt.Sprintf("%s (%s)", instance.Address, report.Duration(now.Sub(instance.StartedAt)))
	}
	if len(names) == 0 {
		return r.say(now, "wait", "still at work")
	}
	return r.say(now, "wait", "still running: %s", list(names))
}

func (r *Report) other(rec events.Record) error {
	at := rec.Time
	switch e := rec.Event.(type) {
	case events.RunStarted:
		r.saidAt = at
		_, err := fmt.Fprintf(r.w, "run %s: %s (%s), seed %d\n", r.Style.Bold(e.Run), e.Title(), e.File, e.Seed)
		return err
	case events.RunResumed:
		r.saidAt = at
		if e.Rerun != "" {
			return r.rerun(e, at)
		}
		_, err := fmt.Fprintf(r.w, "run %s goes on: %s (%s)\n", r.Style.Bold(e.Run), events.RunStarted(e).Title(), e.File)
		return err
	case events.ResumePlanned:
		return r.resumed(e, at)
	case events.BackendProgress:
		return r.say(at, "prepare", "%s: %s", e.Backend, e.Line)
	case events.NodeBooted:
		if len(e.FailedUnits) > 0 {
			return r.say(at, "note", "%s booted with failed units: %s", e.Node, strings.Join(e.FailedUnits, ", "))
		}
	case events.InstancesAdded:
		return r.say(at, "expand", "%s: %d instances", e.Placeholder, len(e.Addresses))
	case events.InstanceStarted:
		return r.started(e, at)
	case events.InstanceProgress:
		return r.say(at, "...", "%s: %s", e.Address, e.Line)
	case events.AttemptFailed:
		return r.say(at, "retry", "%s: attempt %d failed: %s; again in %s",
			e.Address, e.Attempt, report.Reason(e.Failure), report.Duration(e.Wait))
	case events.SpanHeld:
		return r.say(at, "holds", "%s", e.Address)
	case events.SpanEnded:
		return r.spanEnded(e, at)
	case events.RegionFailed:
		return r.say(at, "retry", "%s: attempt %d of %d failed%s; all of it again in %s",
			e.Address, e.Attempt, e.Attempts, causedBy(e), report.Duration(e.Wait))
	case events.ClusterDeleted:
		return r.say(at, "removed", "cluster %s in %s", e.Cluster, report.Duration(e.Took))
	case events.Warning:
		return r.say(at, "warning", "%s", e.Message)
	case events.RunCanceling:
		return r.say(at, "stop", "%s; running steps are stopped, then the finalisers run", e.Cause)
	case events.CleanupFailed:
		return r.say(at, "LEFT", "cluster %s: %s", e.Cluster, e.Message)
	case events.RunEnded:
		return r.conclude()
	}
	return nil
}

// resumed says what is reused and what runs. Each that runs again has a line
// with the reason.
func (r *Report) resumed(e events.ResumePlanned, at time.Time) error {
	if err := r.say(at, "resume", "%d reused, %d run again, %d run for the first time", len(e.Reused), len(e.Again), len(e.New)); err != nil {
		return err
	}
	if len(e.Reused) > 0 {
		if err := r.say(at, "reused", "%s", list(e.Reused)); err != nil {
			return err
		}
	}
	for _, again := range e.Again {
		if err := r.say(at, "again", "%s: %s", again.Address, again.Reason); err != nil {
			return err
		}
	}
	if len(e.New) == 0 {
		return nil
	}
	return r.say(at, "new", "%s", list(e.New))
}

// rerun shows what failed, which nobody will see again if it passes now.
func (r *Report) rerun(e events.RunResumed, at time.Time) error {
	if err := r.failures(); err != nil {
		return err
	}
	return r.say(at, "rerun", "%s: what failed runs again", e.Rerun)
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

func (r *Report) started(e events.InstanceStarted, at time.Time) error {
	attempt, description := "", ""
	if e.Attempt > 1 {
		attempt = fmt.Sprintf(" (attempt %d of %d)", e.Attempt, e.Attempts)
	}
	if e.Description != "" {
		description = ": " + e.Description
	}
	return r.say(at, "start", "%s%s%s", e.Address, attempt, description)
}

// spanEnded says nothing of what its own process ended: its instance ends next.
func (r *Report) spanEnded(e events.SpanEnded, at time.Time) error {
	switch {
	case e.Message != "":
		return r.say(at, "LEFT", "%s was not ended: %s", e.Address, e.Message)
	case e.Orphan:
		return r.say(at, "ended", "%s, which was left open", e.Address)
	}
	return nil
}

func causedBy(e events.RegionFailed) string {
	if e.Cause == e.Address {
		return ": it took too long"
	}
	return fmt.Sprintf(" because of %s", e.Cause)
}

func (r *Report) ended(e events.InstanceEnded, at time.Time) error {
	took := report.Duration(e.Took)
	switch e.State {
	case events.Reused:
		return nil // said when the run was resumed
	case events.Succeeded:
		return r.say(at, "ok", "%s in %s", e.Address, took)
	case events.Failed:
		reason := ""
		if e.Failure != nil {
			reason = ": " + report.Reason(*e.Failure)
		}
		if e.Tolerated {
			reason += " (tolerated)"
		}
		return r.say(at, "FAILED", "%s after %s%s", e.Address, took, reason)
	}
	return r.say(at, string(e.State), "%s%s", e.Address, because(e.Reason))
}

// idle says that an instance did no work: there may be hundreds with one
// reason.
func idle(e events.InstanceEnded) bool {
	switch e.State {
	case events.Skipped, events.Disabled:
		return true
	case events.Canceled:
		return e.Attempts == 0
	}
	return false
}

// gather keeps what did no work for one reason, to say it once.
func (r *Report) gather(e events.InstanceEnded, at time.Time) error {
	if len(r.idle) > 0 && (r.idle[0].State != e.State || r.idle[0].Reason != e.Reason) {
		if err := r.flush(at); err != nil {
			return err
		}
	}
	r.idle = append(r.idle, e)
	return nil
}

func (r *Report) flush(at time.Time) error {
	if len(r.idle) == 0 {
		return nil
	}
	first := r.idle[0]
	names := make([]string, len(r.idle))
	for i, e := range r.idle {
		names[i] = e.Address
	}
	r.idle = nil
	return r.say(at, string(first.State), "%s%s", list(names), because(first.Reason))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// most is how many names a line has.
const most = 6

func list(names []string) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// say writes one line: the time since the start, a word, and text. What comes
// from outside may have several lines; it gets one.
func (r *Report) say(at time.Time, word, format string, args ...any) error {
	r.saidAt = at
	line := strings.Join(strings.FieldsFunc(fmt.Sprintf(format, args...), func(c rune) bool { return c == '\n' || c == '\r' }), " ")
	since := at.Sub(r.run.StartedAt).Seconds()
	_, err := fmt.Fprintf(r.w, "[%6.1fs] %s %s\n", since, r.paint(word, fmt.Sprintf("%-8s", word)), line)
	return err
}

func (r *Report) paint(word, padded string) string {
	switch word {
	case "ok":
		return r.Style.Green(padded)
	case "FAILED", "LEFT":
		return r.Style.Red(padded)
	case "retry", "skipped", "stop", "warning", "canceled":
		return r.Style.Yellow(padded)
	}
	return padded
}
