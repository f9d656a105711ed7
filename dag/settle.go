package dag

import (
	"slices"
	"time"
)

// admit takes the vertices from the first on into the run, at some moment.
func (r *run[T]) admit(first int, after moment) {
	r.progress = slices.Grow(r.progress, r.graph.Len()-first)
	for v := first; v < r.graph.Len(); v++ {
		r.progress = append(r.progress, progress{roll: r.rollOf(v), after: after})
		r.declareLocks(v)
		r.open++
	}
	r.admitBrackets(first)
	for v := first; v < r.graph.Len(); v++ {
		if r.restored(v) {
			r.settle(v, Transition{State: Restored})
		}
	}
	for v := first; v < r.graph.Len(); v++ {
		r.await(v)
	}
}

// restored says whether a vertex was done before the run: the ends of a bracket
// together, and all of a region when it was.
func (r *run[T]) restored(v int) bool {
	v = r.named(v)
	if x := r.progress[v].part; x != nil && x.region != nil && r.restored(x.region.closing) {
		return true
	}
	return r.Restored[r.graph.vertices[v].ID]
}

// await counts what a pending vertex waits for; when that is nothing, it is due.
func (r *run[T]) await(v int) {
	p := &r.progress[v]
	r.unready(v)
	if p.part != nil {
		r.stir(v)
	}
	p.waiting = 0
	for _, at := range r.graph.vertices[v].dependencies {
		if r.waitsFor(v, r.graph.edges[at].to) {
			p.waiting++
		}
	}
	if p.waiting == 0 {
		r.due = append(r.due, v)
	}
}

// waitsFor says whether a vertex has to wait for one that it depends on.
func (r *run[T]) waitsFor(v, on int) bool {
	p := &r.progress[on]
	dormant := p.part != nil && p.part.dormant && r.named(on) != v
	return !p.settled() && !dormant
}

// decide settles a vertex that has nothing to wait for and shall not run, and
// makes any other ready.
func (r *run[T]) decide(v int) {
	p := &r.progress[v]
	if p.state != Pending || p.waiting > 0 {
		return
	}
	if p.part != nil && r.decideInside(v) {
		return
	}
	halted := r.halted(v)
	blamed, found := r.blame(v)
	switch {
	case found && !(halted != nil && r.progress[blamed].state == Canceled):
		r.settle(v, Transition{State: Skipped, Cause: r.progress[blamed].cause})
	case p.roll != nil && p.roll.stoppedBy != "":
		r.settle(v, Transition{State: Skipped, Cause: p.roll.stoppedBy, Roll: true})
	case halted != nil:
		r.settle(v, Transition{State: Canceled, Err: halted})
	case p.part != nil && p.part.reserved:
		r.begin(v)
	case r.lazy(v):
		r.doze(v)
	case !p.ready:
		r.makeReady(v)
	}
}

// blame finds the dependency because of which v cannot run: the first one that
// failed or was skipped, else the first one that was cancelled.
func (r *run[T]) blame(v int) (blamed int, found bool) {
	for _, at := range r.graph.vertices[v].dependencies {
		e := r.graph.edges[at]
		if e.when == Settled || r.succeeded(e.to) || !r.progress[e.to].settled() { // it may be dormant
			continue
		}
		if r.progress[e.to].state != Canceled {
			return e.to, true
		}
		if !found {
			blamed, found = e.to, true
		}
	}
	return blamed, found
}

func (r *run[T]) succeeded(v int) bool {
	switch r.progress[v].state {
	case Done:
		b := r.opens(v)
		return b == nil || !b.broken
	case Disabled, Restored:
		return true
	case Failed:
		return r.tolerated(v)
	}
	return false
}

// tolerated says whether a failure of the vertex counts as success.
func (r *run[T]) tolerated(v int) bool { return r.graph.vertices[r.named(v)].Traits.Tolerated }

// settle ends a vertex, gives back what it holds, and makes due what waited for it.
func (r *run[T]) settle(v int, t Transition) {
	p := &r.progress[v]
	ran := p.state == Running
	gives := ran
	if p.part != nil {
		ran, gives = r.leave(v)
	}
	p.state, p.ready, p.back = t.State, false, nil
	p.cause = r.causeOf(v, t)
	r.release(v)
	r.open--
	r.settled++
	r.observe(v, t)
	if t.State == Failed && !r.succeeded(v) {
		r.failed(v, t.Err)
	}
	end := p.after // what did not run made nobody wait
	if ran {
		end = r.now(v)
	}
	if gives {
		r.giveBack(v, r.now(v))
	}
	if p.part != nil {
		r.left(v, t)
	}
	r.offer(p.roll)
	for _, at := range r.graph.vertices[v].dependants {
		from := r.graph.edges[at].from
		next := &r.progress[from]
		next.after = next.after.later(end)
		if next.waiting--; next.waiting == 0 {
			r.due = append(r.due, from)
		} else if next.waiting == 1 && next.part != nil {
			r.recheck(from)
		}
	}
}

// causeOf is whom dependants blame for a vertex that settles.
func (r *run[T]) causeOf(v int, t Transition) ID {
	if t.Cause != "" {
		return t.Cause
	}
	if b := r.closes(v); b != nil && t.State == Failed {
		return r.rootCause(b)
	}
	return r.graph.vertices[r.named(v)].ID
}

// failed draws the consequences of a failure that is not tolerated. In a region
// it is that one's affair.
func (r *run[T]) failed(v int, err error) {
	v = r.named(v)
	vertex, ticket := &r.graph.vertices[v], v
	if b := r.closes(v); b != nil {
		if b.told {
			return
		}
		b.told, ticket = true, b.opening
	}
	if roll := r.progress[ticket].roll; roll != nil {
		r.stopRoll(roll, vertex.ID)
	}
	if r.failedInside(ticket, Failure{vertex.ID, err}) {
		return
	}
	r.summary.Failed = append(r.summary.Failed, vertex.ID)
	if r.FailFast && !vertex.Traits.Final {
		r.stop(failureOf(vertex.ID, err))
	}
}

func (r *run[T]) observe(v int, t Transition) {
	t.ID, t.After, t.At = r.graph.vertices[v].ID, r.progress[v].after.id, time.Now()
	r.Observe(t)
}
