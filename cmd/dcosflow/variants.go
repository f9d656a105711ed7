package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report"
)

// fleet are the runs of several variants, some at once.
type fleet struct {
	app        *app
	members    []*member
	interrupts *interrupts
	failFast   bool
	progress   string
	// screen is held by the run that writes a line.
	screen sync.Mutex

	mu sync.Mutex
	// over is why no further run starts; empty while they do.
	over string
}

// member is the run of one variant.
type member struct {
	execution
	name, run string
	started   bool
	code      int
	// end is what became of it; nil when it did not get that far.
	end *events.Run
}

// executeAll runs several variants, so many at once, and sums up. The exit code
// is the worst one (rule 26).
func (a *app) executeAll(ctx context.Context, all []execution, atOnce int) error {
	if all[0].pause != nil && atOnce > 1 {
		return wrongInput("Write --variants 1, or select one variant by --matrix.", "--break waits for Enter, and %d variants would run at once", atOnce)
	}
	ctx, interrupts := interruptible(ctx, a.stderr, interruptMessage)
	defer interrupts.Stop()
	f := &fleet{app: a, interrupts: interrupts, failFast: all[0].failFast, progress: all[0].progress}
	width := 0
	for _, e := range all {
		m := &member{execution: e, name: e.plan.Variant.Name, run: e.plan.Run.ID}
		f.members = append(f.members, m)
		width = max(width, len([]rune(m.name)))
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, m := range f.members {
		group.Go(func() error {
			f.run(ctx, m, width)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is with the members
	return f.conclude(ctx)
}

// run runs one variant, unless no further one is to start.
func (f *fleet) run(ctx context.Context, m *member, width int) {
	e := m.execution
	m.execution = execution{} // a plan is large, and of no use after its run
	if !f.admit(ctx) {
		return
	}
	m.started = true
	prefix := fmt.Sprintf("%-*s | ", width, m.name)
	if e.progress == "json" {
		prefix = ""
	}
	out := &lines{turn: &f.screen, w: f.interrupts.guard(f.app.stdout), prefix: prefix}
	errs := &lines{turn: &f.screen, w: f.app.stderr, prefix: prefix}
	err := f.begin(&e)
	var reporter events.Sink
	if err == nil {
		reporter, err = f.app.reporter(e, out, errs)
	}
	if err == nil {
		m.end, err = f.app.conduct(ctx, e, f.interrupts.Abort, reporter)
	}
	m.code = complain(errs, asFailure(err))
	if m.code != exitOK && f.failFast {
		f.stop("after a failure, because of --fail-fast")
	}
}

func (f *fleet) begin(e *execution) error {
	var err error
	if e.desk, err = newDesk(e.plan.Run.Dir); err != nil {
		return cannotBegin(e.plan.Run.ID, err)
	}
	return nil
}

// admit says whether one more run may start.
func (f *fleet) admit(ctx context.Context) bool {
	if ctx.Err() != nil {
		f.stop(context.Cause(ctx).Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over == ""
}

func (f *fleet) stop(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over == "" {
		f.over = why
	}
}

// conclude prints what became of each variant and returns the worst exit code.
func (f *fleet) conclude(ctx context.Context) error {
	worst := exitOK
	if ctx.Err() != nil {
		worst = exitInterrupted // also when all that ran had just passed
	}
	counts := map[string]int{}
	var order []string
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "\nVARIANT\tSTATUS\tTOOK\tRUN")
	for _, m := range f.members {
		status, took, run := m.outcome()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", m.name, status, took, run)
		if counts[status]++; counts[status] == 1 {
			order = append(order, status)
		}
		if m.started {
			worst = worse(worst, m.code)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	parts := make([]string, len(order))
	for i, status := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[status], status)
	}
	fmt.Fprintf(&text, "%s: %s", count(len(f.members), "variant"), strings.Join(parts, ", "))
	if counts[notStarted] > 0 {
		fmt.Fprintf(&text, " (%s)", f.over)
	}
	text.WriteString("\n")
	w := f.app.stdout
	if f.progress == "json" {
		w = f.app.stderr
	}
	_, err := w.Write(text.Bytes())
	if errors.Is(context.Cause(ctx), errOutputClosed) {
		err = nil
	}
	return errors.Join(err, reported(worst))
}

// notStarted is the status of a variant without a run.
const notStarted = "not started"

// outcome is what the summary says of a variant.
func (m *member) outcome() (status, took, run string) {
	switch {
	case !m.started:
		return notStarted, "-", "-"
	case m.end == nil || m.end.Ended == nil:
		return string(events.StatusTrouble), "-", m.run
	}
	return string(m.end.Ended.Status), report.Duration(m.end.LastAt.Sub(m.end.StartedAt)), m.run
}

// worse is the worse of two exit codes.
func worse(a, b int) int {
	if slices.Index(severity, b) < slices.Index(severity, a) {
		return b
	}
	return a
}

// lines writes whole lines, each after a prefix, to a stream that several
// share. It is for one writer, who ends its last line.
type lines struct {
	turn   *sync.Mutex
	w      io.Writer
	prefix string
	begun  []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.begun = append(l.begun, p...)
	end := bytes.LastIndexByte(l.begun, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	var text []byte
	for line := range bytes.Lines(l.begun[:end]) {
		whole := append([]byte(l.prefix), line...)
		text = append(append(text, bytes.TrimRight(whole, " \n")...), '\n')
	}
	l.begun = append([]byte(nil), l.begun[end:]...)
	l.turn.Lock()
	defer l.turn.Unlock()
	if _, err := l.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}
