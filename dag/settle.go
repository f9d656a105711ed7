package dag

import (
	"fmt"
	"time"
)

// admit takes the vertices from the first on into the run, at some moment.
func (r *run[T]) admit(first int, after moment) {
	for v := first; v < r.graph.Len(); v++ {
		r.progress = append(r.progress, progress{roll: r.rollOf(v), after: after})
		r.declareLocks(v)
		r.open++
	}
	for v := first; v < r.graph.Len(); v++ {
		if r.Restored[r.graph.vertices[v].ID] {
			r.settle(v, Transition{State: Restored})
		}
	}
	for v := first; v < r.graph.Len(); v++ {
		r.await(v)
	}
}

// await counts what a pending vertex waits for; when that is nothing, it is due.
func (r *run[T]) await(v int) {
	p := &r.progress[v]
	if p.ready {
		p.ready = false
		r.offer(p.roll)
	}
	p.waiting = 0
	for _, at := range r.graph.vertices[v].dependencies {
		if !r.progress[r.graph.edges[at].to].settled() {
			p.waiting++
		}
	}
	if p.waiting == 0 {
		r.due = append(r.due, v)
	}
}

// decide settles a vertex that has nothing to wait for and shall not run, and
// makes any other ready.
func (r *run[T]) decide(v int) {
	p := &r.progress[v]
	if p.state != Pending || p.waiting > 0 {
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
	case !p.ready:
		r.makeReady(v)
	}
}

// blame finds the dependency because of which v cannot run: the first one that
// failed or was skipped, else the first one that was cancelled.
func (r *run[T]) blame(v int) (blamed int, found bool) {
	for _, at := range r.graph.vertices[v].dependencies {
		e := r.graph.edges[at]
		if e.when == Settled || r.succeeded(e.to) {
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
	case Done, Disabled, Restored:
		return true
	case Failed:
		return r.graph.vertices[v].Traits.Tolerated
	}
	return false
}

// settle ends a vertex, gives back what it holds, and makes due what waited for it.
func (r *run[T]) settle(v int, t Transition) {
	p := &r.progress[v]
	id := r.graph.vertices[v].ID
	started := p.state == Running
	p.state, p.ready, p.back = t.State, false, nil
	p.cause = id
	if t.Cause != "" {
		p.cause = t.Cause
	}
	r.release(v)
	r.open--
	r.settled++
	r.observe(v, t)
	if t.State == Failed && !r.succeeded(v) {
		r.failed(v, t.Err)
	}
	end := p.after // what did not run made nobody wait
	if started {
		end = r.now(v)
		r.giveBack(v)
	}
	r.offer(p.roll)
	for _, at := range r.graph.vertices[v].dependants {
		from := r.graph.edges[at].from
		r.progress[from].after = r.progress[from].after.later(end)
		if r.progress[from].waiting--; r.progress[from].waiting == 0 {
			r.due = append(r.due, from)
		}
	}
}

// giveBack returns the ticket and the locks of a vertex that ran.
func (r *run[T]) giveBack(v int) {
	if roll := r.progress[v].roll; roll != nil {
		if roll.running == roll.Limit {
			roll.freed = r.now(v)
		}
		roll.running--
	}
	r.freeLocks(v)
}

// failed draws the consequences of a failure that is not tolerated.
func (r *run[T]) failed(v int, err error) {
	vertex := &r.graph.vertices[v]
	r.summary.Failed = append(r.summary.Failed, vertex.ID)
	if roll := r.progress[v].roll; roll != nil {
		r.stopRoll(roll, vertex.ID)
	}
	if r.FailFast && !vertex.Traits.Final {
		r.stop(fmt.Errorf("%s failed: %w", vertex.ID, err))
	}
}

func (r *run[T]) observe(v int, t Transition) {
	t.ID, t.After, t.At = r.graph.vertices[v].ID, r.progress[v].after.id, time.Now()
	r.Observe(t)
}
