package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

const (
	// defaultGrace is how long finalisers have after a cancellation.
	defaultGrace = 2 * time.Minute
	// abortGrace is how long reports have to show the end of an aborted run.
	abortGrace = time.Second
)

var errAborted = errors.New("interrupted twice: nothing more is removed")

// run is one run at work.
type run struct {
	Options
	begun    time.Time
	bus      *events.Bus
	redactor redactor
	encoder  encoder
	machines *machines
	memory   *memory
	prints   *prints
	verdict  verdict
	stop     stop
	reruns   reruns
	// aborted is closed after the second Ctrl-C: nothing is waited for any more.
	aborted <-chan struct{}

	mu       sync.Mutex
	outcomes map[dag.ID]*outcome
	lost     error // the journal's
}

// Run runs a plan to its end. The end of ctx is Ctrl-C: nothing more starts,
// steps are cancelled, finalisers run, clusters are removed. The error says
// that the run could not even start or that its end could not be written; what
// happened in the run is in the result.
func Run(ctx context.Context, o Options) (Result, error) {
	r := newRun(o)
	if err := r.begin(ctx); err != nil {
		return Result{Exit: exitTrouble, Run: r.bus.Run()}, errors.Join(err, r.bus.Close(ctx))
	}
	hard, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)
	r.aborted = hard.Done()
	main, release := r.stop.arm(ctx, r.timeout())
	defer release()

	var watcher sync.WaitGroup
	defer watcher.Wait()
	over := make(chan struct{})
	defer close(over)
	watcher.Go(func() { r.watch(main, over, abort) })

	outputs := r.perform(main)
	for r.again() {
		outputs = r.rerun(main)
	}
	r.cleanUp(hard)
	r.notice()
	return r.end(hard, outputs)
}

func newRun(o Options) *run {
	r := &run{Options: o, begun: time.Now()}
	if r.Secrets == nil {
		r.Secrets = o.Plan.Secrets
	}
	if r.Grace <= 0 {
		r.Grace = defaultGrace
	}
	if r.Keep == "" {
		r.Keep = KeepNever
	}
	r.redactor.add(r.Secrets()...)
	var journal events.Sink
	if len(o.Sinks) > 0 {
		journal = o.Sinks[0]
		o.Sinks = o.Sinks[1:]
	}
	if r.Resume != nil {
		r.bus = events.ResumeBus(r.Resume.Run, journal, o.Sinks...)
	} else {
		r.bus = events.NewBus(journal, o.Sinks...)
	}
	r.machines = &machines{publish: r.publish}
	r.forget()
	return r
}

func (r *run) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return r.Plan.Settings.Timeout
}

func (r *run) failFast() bool { return r.FailFast || r.Plan.Settings.FailFast }

// begin journals that the run exists, before anything else does.
func (r *run) begin(ctx context.Context) error {
	if r.Resume != nil {
		if err := r.clear(ctx); err != nil {
			return err
		}
	}
	started, err := r.started()
	if err != nil {
		return err
	}
	var first events.Event = started
	if r.Resume != nil {
		first = events.RunResumed(started)
	}
	if err := r.bus.Publish(r.redactor.event(first)); err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	return nil
}

// publish redacts, journals and shows an event.
func (r *run) publish(e events.Event) {
	_ = r.record(e) // the run stops
}

// record is publish for what must be on record before the world changes.
// Without a journal the run has no record: it stops.
func (r *run) record(e events.Event) error {
	err := r.bus.Publish(r.redactor.event(e))
	if err == nil {
		return nil
	}
	r.mu.Lock()
	first := r.lost == nil
	r.lost = err
	r.mu.Unlock()
	if first {
		r.stop.now(&journalError{err})
	}
	return &journalError{err}
}

// watch waits for the end of the main steps' context and for the second
// Ctrl-C, until the run is over.
func (r *run) watch(main context.Context, over <-chan struct{}, abort context.CancelCauseFunc) {
	stopped := main.Done()
	for {
		select {
		case <-stopped:
			r.notice()
			stopped = nil
		case <-r.Abort:
			r.verdict.add(finding{exit: exitInterrupted, message: errAborted.Error()})
			r.stop.now(errAborted)
			abort(errAborted)
			return
		case <-over:
			return
		}
	}
}

// perform prepares the machines and works through the graph. It returns the
// workflow's outputs when the run has not failed.
func (r *run) perform(ctx context.Context) []plan.OutputValue {
	if err := r.prepare(ctx); err != nil {
		if ctx.Err() == nil {
			r.verdict.add(troubleOf(err))
		}
		return nil
	}
	if err := r.endOrphans(ctx); err != nil {
		r.verdict.add(troubleOf(err))
		return nil
	}
	return r.traverse(ctx)
}

// traverse is one go through the graph.
func (r *run) traverse(ctx context.Context) []plan.OutputValue {
	var restored map[dag.ID]bool
	if r.Resume != nil {
		restored = r.sort()
	}
	executor := dag.Executor[*plan.Instance]{
		Rank:     func(_ dag.ID, i *plan.Instance) float64 { return i.Rank.Seconds() },
		Restored: restored,
		Slots:    r.slots(), Grace: r.Grace, FailFast: r.failFast(), Abort: r.aborted,
		Observe: func(t dag.Transition) { r.observe(r.instance(t.ID), t) },
	}
	if _, err := executor.Run(ctx, r.Plan.Graph, r.visit); err != nil {
		r.verdict.add(finding{exit: exitTrouble, message: err.Error()})
		return nil
	}
	r.notice()
	if r.Plan.Outputs == nil || r.verdict.get().exit != exitPassed {
		return nil
	}
	outputs, err := r.Plan.Outputs(r.memory)
	if err != nil {
		r.verdict.add(finding{exit: exitFailed, message: err.Error()})
	}
	r.redactor.add(r.Secrets()...)
	return outputs
}

// await waits for work until the run is aborted; then its context has ended,
// and it is left to itself.
func (r *run) await(work func() error) error {
	done := make(chan error, 1)
	var worker sync.WaitGroup
	worker.Go(func() { done <- work() })
	select {
	case err := <-done:
		return err
	case <-r.aborted:
		return errAborted
	}
}

// instance finds what a vertex stands for, also one that was added on the way.
func (r *run) instance(id dag.ID) *plan.Instance {
	if i := r.Plan.Graph.Value(id); i != nil {
		return i
	}
	return r.memory.addition(id)
}

// end publishes the last event and waits until the reports have it.
func (r *run) end(hard context.Context, outputs []plan.OutputValue) (Result, error) {
	r.mu.Lock()
	before := r.lost
	r.mu.Unlock()
	r.publish(r.concluded(outputs))
	r.mu.Lock()
	lost := r.lost
	r.mu.Unlock()
	var err error
	if before == nil && lost != nil {
		r.verdict.add(finding{exit: exitTrouble})
		err = fmt.Errorf("end the journal: %w", lost)
	}
	if hard.Err() != nil {
		limited, cancel := context.WithTimeoutCause(context.WithoutCancel(hard), abortGrace, errAborted)
		defer cancel()
		hard = limited
	}
	err = errors.Join(err, r.bus.Close(hard))
	return Result{Exit: r.verdict.get().exit, Run: r.bus.Run()}, err
}
