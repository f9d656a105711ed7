package dag

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// PanicError is the failure of a vertex whose visit panicked.
type PanicError struct {
	Value any
	Stack []byte
}

// Error shows the value; the stack is for a log.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

var (
	errGoexit = errors.New("the visit ended its goroutine")
	errOver   = errors.New("the visit has returned already")
)

// launch has a worker visit the vertex.
func (r *run[T]) launch(v int) {
	vertex := r.graph.vertices[v].Vertex // the graph may change while the worker runs
	ctx := r.visitContext(v)
	r.workers.Go(func() error {
		r.work(ctx, v, vertex)
		return nil
	})
}

func (r *run[T]) work(ctx context.Context, v int, vertex Vertex[T]) {
	var result Result
	err := errGoexit // stays when the visit calls runtime.Goexit
	defer func() {
		t := transition(result, err, ctx.Err() != nil)
		if value := recover(); value != nil {
			t = Transition{State: Failed, Err: &PanicError{Value: value, Stack: debug.Stack()}}
		}
		r.send(func() { r.report(v, t) })
	}()
	result, err = r.visit(ctx, vertex.ID, vertex.Value, control[T]{r, v, vertex.Traits.Weight})
}

// report takes note of the return of a visit: Pending means that it wants to be
// made again.
func (r *run[T]) report(v int, t Transition) {
	if r.progress[v].part != nil {
		t = r.judge(v, t)
		r.cancelVisit(v, nil)
	}
	if b := r.opens(v); b != nil && b.holding {
		r.spanEnded(b, t)
		return
	}
	r.busy--
	if t.State != Pending {
		r.settle(v, t)
	} else if b := r.closes(v); b != nil && !b.span {
		r.repeat(b)
	} else {
		r.settle(v, Transition{State: Failed, Err: errNoRegion})
	}
}

// transition judges how a visit returned. An error after the cancellation is
// taken for its consequence.
func transition(result Result, err error, canceled bool) Transition {
	switch {
	case err != nil && canceled:
		return Transition{State: Canceled, Err: err}
	case err != nil:
		return Transition{State: Failed, Err: err}
	case result.Skipped != "":
		return Transition{State: Skipped, Reason: result.Skipped}
	case result.Disabled:
		return Transition{State: Disabled}
	case result.Again:
		return Transition{State: Pending}
	}
	return Transition{State: Done}
}

// send has the coordinator call do; false means that it has ended.
func (r *run[T]) send(do func()) bool {
	select {
	case r.inbox <- do:
		return true
	case <-r.over:
		return false
	}
}

// ask has the coordinator call do and waits for it, unless the coordinator ends
// before: do has been called then, or never will be.
func (r *run[T]) ask(do func()) {
	asked := make(chan struct{})
	if !r.send(func() { do(); close(asked) }) {
		return
	}
	select {
	case <-asked:
	case <-r.over:
	}
}

// control is the Control of one visit.
type control[T any] struct {
	run    *run[T]
	v      int
	weight int
}

func (c control[T]) Expand(e Expansion[T]) error {
	err := errOver
	c.run.ask(func() { err = c.run.expand(c.v, e) })
	return err
}

func (c control[T]) Hold() (h Holding, err error) {
	err = errOver
	c.run.ask(func() { h, err = c.run.hold(c.v) })
	return h, err
}

func (c control[T]) Failures() (failures []Failure) {
	c.run.ask(func() { failures = c.run.failures(c.v) })
	return failures
}

func (c control[T]) Final() context.Context { return c.run.final.ctx }

func (c control[T]) Idle(ctx context.Context, wait func(context.Context) error) error {
	if c.weight == 0 {
		return wait(ctx)
	}
	if !c.run.send(func() { c.run.release(c.v) }) {
		return errOver
	}
	err := wait(ctx)
	if failed := c.comeBack(ctx); failed != nil && err == nil {
		return failed
	}
	return err
}

// comeBack waits for the slots given up by Idle.
func (c control[T]) comeBack(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	back := make(chan struct{})
	c.run.send(func() {
		if c.run.progress[c.v].state == Running {
			c.run.progress[c.v].back = back
			c.run.enqueue(c.v)
		}
	})
	select {
	case <-back:
		return nil
	case <-ctx.Done():
		c.run.send(func() { c.run.progress[c.v].back = nil })
		return context.Cause(ctx)
	case <-c.run.over:
		return errOver
	}
}
