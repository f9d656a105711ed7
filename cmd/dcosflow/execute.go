package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report"
	"github.com/dcosflow/dcosflow/events/report/jsonlines"
	"github.com/dcosflow/dcosflow/events/report/plain"
	"github.com/dcosflow/dcosflow/events/report/quiet"
	"github.com/dcosflow/dcosflow/plan"
)

// execution is a checked run, about to begin.
type execution struct {
	plan     *plan.Plan
	path     string // the workflow's, absolute
	keep     engine.Keep
	progress string
	parallel int
	failFast bool
	timeout  time.Duration
	rerun    int
	// desk is where the run is recorded, which execute closes. With an earlier
	// record the run goes on: from and outdated are those of engine.Resume.
	desk     *desk
	from     []string
	outdated []engine.Outdated
	// pause is engine.Options.Pause.
	pause func(dag.ID) func(context.Context) error
}

const interruptMessage = "cleaning up; once more stops at once and leaves the machines"

// execute runs a plan with its record on disk, and reports it.
func (a *app) execute(ctx context.Context, e execution) error {
	ctx, interrupts := interruptible(ctx, a.stderr, interruptMessage)
	defer interrupts.Stop()
	reporter, err := a.reporter(e, interrupts.guard(a.stdout), a.stderr)
	if err != nil {
		return errors.Join(err, e.desk.close())
	}
	_, err = a.conduct(ctx, e, interrupts.Abort, reporter)
	return err
}

// conduct runs a plan with its record on disk and its watchdog. The error has
// the exit code, also of a run that was reported.
func (a *app) conduct(ctx context.Context, e execution, abort <-chan struct{}, reporter events.Sink) (*events.Run, error) {
	d := e.desk
	guard, err := a.guard(e.plan)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin run %s: %w", e.plan.Run.ID, err), d.close())
	}
	result, err := engine.Run(ctx, engine.Options{
		Plan:     e.plan,
		Types:    a.steps,
		Info:     engine.RunInfo{File: a.display(e.path), Path: e.path, Version: version, Command: os.Args, Owner: d.owner},
		Local:    local.Transport{Began: guard.group},
		Sinks:    []events.Sink{d.record, reporter},
		Parallel: e.parallel,
		Keep:     e.keep,
		FailFast: e.failFast,
		Timeout:  e.timeout,
		Pause:    e.pause,
		Rerun:    e.rerun,
		Abort:    abort,
		Vault:    d.secrets,
		Resume:   e.resume(d.earlier),
	})
	if errors.Is(context.Cause(ctx), errOutputClosed) {
		err = nil // the reader went away on purpose; there is nobody to complain to
	}
	if err := errors.Join(err, guard.release(), d.close()); err != nil {
		return result.Run, &failure{code: cmp.Or(result.Exit, exitTrouble), err: err}
	}
	if result.Run.Status == events.StatusFlaky {
		a.flaky.Add(1)
	}
	return result.Run, reported(result.Exit)
}

// resume is nil for a run that begins.
func (e *execution) resume(earlier *events.Run) *engine.Resume {
	if earlier == nil {
		return nil
	}
	return &engine.Resume{Run: earlier, From: e.from, Outdated: e.outdated}
}

// reporter tells the user what happens on the standard output and, at the end,
// what went wrong on the error output. The events as JSON have both.
func (a *app) reporter(e execution, out, errs io.Writer) (events.Sink, error) {
	style := a.style(a.stdout, a.stderr)
	switch e.progress {
	case "json":
		r := jsonlines.New(out)
		if v := e.plan.Variant; v != nil {
			return r, r.Tag(e.plan.Run.ID, v.Name)
		}
		return r, nil
	case "quiet":
		r := quiet.New(out)
		r.Style, r.Errors = style, errs
		return r, nil
	default:
		r := plain.New(out)
		r.Style, r.Errors = style, errs
		return r, nil
	}
}

// style is one for all streams of a report: no file gets colours.
func (a *app) style(streams ...any) report.Style {
	s := report.Style{Color: true}
	for _, stream := range streams {
		s.Color = s.Color && a.color(stream)
	}
	if a.runDir != defaultRunDir {
		s.RunDir = a.runDir
	}
	return s
}
