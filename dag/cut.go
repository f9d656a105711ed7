package dag

import (
	"context"
	"errors"
	"fmt"
)

// cut is why vertices may not go on although the run may: a span that they
// happen during has failed, or the time of a region is over.
type cut struct {
	cause ID
	err   error
	limit bool // what runs fails; otherwise it is cancelled
}

// failureOf is why others are cancelled when a vertex fails: its words only, so
// that no visit takes the failure for its own when it looks into its error.
func failureOf(id ID, err error) error { return fmt.Errorf("%s failed: %v", id, err) } //nolint:errorlint // see above

// cutOff ends the visit of a vertex, or has it skipped once it waits for
// nothing, with all that is inside it.
func (r *run[T]) cutOff(v int, c *cut) {
	p, x := &r.progress[v], r.partOf(v)
	if p.settled() || x.cut != nil {
		return
	}
	x.cut = c
	if p.state == Running {
		r.cancelVisit(v, c.err)
		return
	}
	if b := r.closes(v); b != nil {
		r.cutInside(b, c)
	}
	if p.waiting == 0 {
		r.due = append(r.due, v)
	}
}

// cutInside cuts off a bracket, open or not.
func (r *run[T]) cutInside(b *bracket, c *cut) {
	opening := &r.progress[b.opening]
	switch {
	case !opening.settled():
		r.cutOff(b.opening, c)
	case b.span: // what happens during it may go on also when it is disabled or over
		opening.part.cut = c
		r.cancelVisit(b.opening, c.err)
		r.breakOff(b, c)
	case opening.state == Done:
		for _, v := range b.inner {
			r.cutOff(v, c)
		}
	}
}

// breakOff cuts off what happens during a span.
func (r *run[T]) breakOff(b *bracket, c *cut) {
	b.broken = true
	r.progress[b.opening].cause = c.cause
	r.during(b, func(child int) { r.cutOff(child, c) })
}

func (r *run[T]) cancelVisit(v int, cause error) {
	if cancel := r.progress[v].part.cancel; cancel != nil {
		cancel(cause)
	}
}

// visitContext is the context of a visit. Only what a bracket may cut off needs
// one of its own.
func (r *run[T]) visitContext(v int) context.Context {
	ctx, x := r.phaseOf(v).ctx, r.progress[v].part
	if x != nil {
		ctx, x.cancel = context.WithCancelCause(ctx)
		x.ctx = ctx
	}
	return ctx
}

// judge turns the consequence of a cut into what it means. A region that was cut
// off cannot be repeated.
func (r *run[T]) judge(v int, t Transition) Transition {
	c := r.progress[v].part.cut
	if c == nil || t.State != Canceled && t.State != Pending {
		return t
	}
	if cause := context.Cause(r.progress[v].part.ctx); !errors.Is(cause, c.err) {
		return Transition{State: Canceled, Err: cause} // the run was cancelled before
	}
	if c.limit {
		return Transition{State: Failed, Err: c.err}
	}
	if t.State == Pending {
		t = Transition{State: Canceled, Err: c.err}
	}
	t.Cause = c.cause
	return t
}
