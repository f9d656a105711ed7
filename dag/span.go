package dag

import (
	"errors"
)

var (
	errNoSpan = errors.New("the vertex opens no span")
	errHeld   = errors.New("the span is open already")
)

// lazy says whether a pending vertex opens a span that nobody has demanded.
func (r *run[T]) lazy(v int) bool {
	x := r.progress[v].part
	return x != nil && r.graph.vertices[v].Traits.Lazy && !x.wanted && r.opens(v) != nil
}

// doze lets the opening vertex of a lazy span wait for a demand. What happens
// during the span waits for it no longer: it makes the demand, or settles
// without.
func (r *run[T]) doze(v int) {
	b, x := r.opens(v), r.progress[v].part
	if !x.dormant {
		x.dormant = true
		r.eachDemander(b, func(child int) {
			if r.progress[child].waiting--; r.progress[child].waiting <= 1 {
				r.recheck(child)
			}
		})
	}
	if r.progress[b.closing].waiting == 1 {
		r.undemanded(b)
	}
}

// stir makes what happens during a dormant span wait for its opening vertex
// again.
func (r *run[T]) stir(v int) {
	b, x := r.opens(v), r.progress[v].part
	if !x.dormant {
		return
	}
	x.dormant = false
	r.eachDemander(b, func(child int) {
		p := &r.progress[child]
		p.waiting++
		r.stir(child)
		r.unready(child)
	})
}

// eachDemander calls do for each vertex that waits for the span to open.
func (r *run[T]) eachDemander(b *bracket, do func(child int)) {
	for _, at := range r.graph.vertices[b.opening].dependants {
		if child := r.graph.edges[at].from; child != b.closing {
			do(child)
		}
	}
}

// recheck has a vertex decided that waits for nothing, or opens a span all of
// whose children have settled.
func (r *run[T]) recheck(v int) {
	p := &r.progress[v]
	if p.waiting == 0 {
		r.due = append(r.due, v)
		return
	}
	if b := r.closes(v); p.waiting == 1 && b != nil && r.progress[b.opening].part.dormant {
		r.due = append(r.due, b.opening)
	}
}

// undemanded decides on a lazy span when all that could happen during it has
// settled: it is opened for the sake of what happened before the run.
func (r *run[T]) undemanded(b *bracket) {
	restored := false
	r.during(b, func(child int) { restored = restored || r.progress[child].state == Restored })
	if !restored {
		r.settle(b.opening, Transition{State: Skipped, Reason: "nothing happens during it"})
		return
	}
	r.stir(b.opening)
	r.progress[b.opening].part.wanted = true
	r.makeReady(b.opening)
}

// hold settles the opening vertex of a span while its visit goes on.
func (r *run[T]) hold(v int) (Holding, error) {
	b := r.opens(v)
	switch {
	case b == nil || !b.span:
		return Holding{}, errNoSpan
	case b.holding:
		return Holding{}, errHeld
	case r.progress[v].state != Running:
		return Holding{}, errOver
	}
	b.holding, b.over = true, make(chan struct{})
	r.busy--
	r.settle(v, Transition{State: Done})
	return Holding{Over: b.over}, nil
}

// letGo has the visits of all open spans end them, whatever still happens.
func (r *run[T]) letGo() {
	for v := range r.progress {
		if b := r.opens(v); b != nil {
			r.finish(b)
		}
	}
}

// finish tells the visit of an open span to end it.
func (r *run[T]) finish(b *bracket) {
	if b.holding && !b.ending {
		b.ending = true
		r.busy++
		close(b.over)
	}
}

// spanEnded notes how the visit of an open span returned. When it failed while
// things happened during the span, they cannot go on.
func (r *run[T]) spanEnded(b *bracket, t Transition) {
	b.holding = false
	if b.ending {
		r.busy--
	}
	b.end = &t
	closing := &r.progress[b.closing]
	if t.State == Failed && !r.tolerated(b.closing) {
		id := r.graph.vertices[b.closing].ID
		if closing.waiting > 0 {
			r.breakOff(b, &cut{cause: id, err: failureOf(id, t.Err)})
		}
		r.failed(b.closing, t.Err)
	}
	if closing.waiting == 0 {
		r.due = append(r.due, b.closing)
	}
}
