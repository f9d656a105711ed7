package dag

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// run is the state of one Executor.Run. Only the goroutine that called Run, the
// coordinator, touches it; workers send it functions through inbox.
type run[T any] struct {
	Executor[T]
	graph *Graph[T]
	owned bool // the graph is a copy, which expansions may change
	visit Visit[T]

	progress []progress // of each vertex
	rolls    map[string]*roll
	locks    map[string]*lock
	due      []int // vertices to be decided
	light    queue // ready vertices without weight
	heavy    queue // ready vertices with weight, and those that come back from Idle
	free     int   // slots
	busy     int   // visits at work, those of open spans excepted
	open     int   // vertices that have not settled
	settled  int   // how many have, and the last of them is the present moment
	summary  Summary

	parent      context.Context
	main, final phase
	interrupted <-chan struct{} // nil once the run is stopped
	graceOver   <-chan time.Time

	workers   errgroup.Group
	abandoned bool // the workers are not waited for
	inbox     chan func()
	over      chan struct{} // closed when nobody reads inbox any more
}

// phase is the context that main or final vertices run on. The run keeps it
// because vertices start long after Run was called.
type phase struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// progress is what the coordinator knows of one vertex.
type progress struct {
	state   State
	waiting int  // dependencies that have not settled
	ready   bool // it shall run, and waits for slots and a ticket
	ranked  bool
	rank    float64
	roll    *roll
	held    int           // slots
	back    chan struct{} // not nil while it waits for its slots after Idle
	cause   ID            // what to blame when it did not succeed
	woken   bool          // it has left the line, and goes back there or passes that on
	line    *line         // where it waits for a lock or a ticket
	part    *part         // nil when no bracket concerns it
	after   moment        // before it could not start: see Transition.After
}

func (p *progress) settled() bool { return p.state > Running }

var (
	errAborted   = errors.New("aborted")
	errAbandoned = fmt.Errorf("%w; its end was not waited for, it may still be at work", errAborted)
)

func newRun[T any](ctx context.Context, e Executor[T], g *Graph[T], visit Visit[T]) *run[T] {
	r := &run[T]{
		Executor: e, graph: g, visit: visit,
		rolls: map[string]*roll{}, locks: map[string]*lock{}, free: e.Slots,
		parent: ctx, main: newPhase(ctx), final: newPhase(context.WithoutCancel(ctx)),
		interrupted: ctx.Done(),
		inbox:       make(chan func(), 64), over: make(chan struct{}),
	}
	r.light.less, r.heavy.less = r.before, r.before
	r.admit(0, moment{})
	return r
}

func newPhase(ctx context.Context) phase {
	ctx, cancel := context.WithCancelCause(ctx)
	return phase{ctx, cancel}
}

func (r *run[T]) phaseOf(v int) phase {
	if r.graph.vertices[v].Traits.Final {
		return r.final
	}
	return r.main
}

// halted is why a vertex may not start any more, nil while it may.
func (r *run[T]) halted(v int) error {
	if r.graph.vertices[v].Traits.Final {
		return context.Cause(r.final.ctx)
	}
	return r.summary.Stopped
}

// loop is the coordinator: it moves on what can move, then waits for news.
func (r *run[T]) loop() {
	for r.advance(); r.open > 0; r.advance() {
		if r.busy == 0 && len(r.inbox) == 0 && r.unlock() {
			continue
		}
		select {
		case do := <-r.inbox:
			do()
		case <-r.interrupted: // advance stops the run
		case <-r.graceOver:
			r.stopFinal(fmt.Errorf("the grace time of %s after the cancellation is over", r.Grace))
		case <-r.Abort:
			r.Abort = nil
			r.stop(errAborted)
			r.stopFinal(errAborted)
			r.abandon()
		}
	}
}

// advance decides and starts all that it can. It looks at the cancellation
// before each step, so that nothing starts after it.
func (r *run[T]) advance() {
	for r.open > 0 {
		if r.parent.Err() != nil {
			r.stop(context.Cause(r.parent))
		}
		if len(r.due) > 0 {
			v := r.due[0]
			r.due = r.due[1:]
			r.decide(v)
		} else if !r.startOne() {
			return
		}
	}
}

// stop cancels the main vertices; the grace time of the final ones begins.
func (r *run[T]) stop(cause error) {
	if r.summary.Stopped != nil {
		return
	}
	r.summary.Stopped = cause
	r.interrupted = nil
	r.main.cancel(cause)
	if r.Grace > 0 {
		r.graceOver = time.After(r.Grace)
	}
	r.reconsider()
}

func (r *run[T]) stopFinal(cause error) {
	r.final.cancel(cause)
	r.reconsider()
}

// abandon settles what is at work without waiting for it. All contexts have
// ended, so all else settles too, and the inbox is not read any more.
func (r *run[T]) abandon() {
	r.abandoned = true
	r.letGo()
	for v := range r.progress {
		if r.progress[v].state == Running {
			r.settle(v, Transition{State: Canceled, Err: errAbandoned})
		}
		if b := r.opens(v); b != nil && b.holding {
			r.spanEnded(b, Transition{State: Canceled, Err: errAbandoned})
		}
	}
}

// reconsider has all vertices decided anew that are ready and not started.
func (r *run[T]) reconsider() {
	for v := range r.progress {
		if r.progress[v].ready {
			r.due = append(r.due, v)
		}
	}
}

// end lets go of the contexts and waits for the workers, unless they were given
// up. They have nothing left to do unless Observe panicked.
func (r *run[T]) end() {
	r.main.cancel(nil)
	r.final.cancel(nil)
	close(r.over)
	if r.open > 0 {
		r.letGo()
	}
	if !r.abandoned {
		_ = r.workers.Wait() // workers report to the coordinator, never here
	}
}
