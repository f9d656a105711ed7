package dag

import "slices"

// demanded lists the dormant openings of spans that must open for a vertex to
// start, each after those that it waits for itself.
func (r *run[T]) demanded(v int) []int {
	if r.progress[v].part == nil {
		return nil
	}
	return r.addDemanded(v, nil)
}

func (r *run[T]) addDemanded(v int, spans []int) []int {
	for _, at := range r.graph.vertices[v].dependencies {
		on := r.graph.edges[at].to
		if x := r.progress[on].part; x != nil && x.dormant && !slices.Contains(spans, on) {
			spans = append(r.addDemanded(on, spans), on)
		}
	}
	return spans
}

// obstacle is where a vertex must wait: for the first of the locks and tickets
// that are not left, of its own or of spans that it demands; nil when it can
// have all. One that comes back from Idle has kept its own.
func (r *run[T]) obstacle(v int) *line {
	if r.progress[v].state == Running {
		return nil
	}
	if l := r.takenLock(v); l != nil {
		return &l.line
	}
	spans := r.demanded(v)
	for _, span := range spans {
		if l := r.takenLock(span); l != nil {
			return &l.line
		}
		if roll := r.progress[span].roll; roll != nil && roll.running+r.ticketsOf(roll, spans) > roll.Limit {
			return &roll.line
		}
	}
	return nil
}

// ticketsOf counts the vertices that are in a roll.
func (r *run[T]) ticketsOf(roll *roll, vertices []int) int {
	n := 0
	for _, v := range vertices {
		if r.progress[v].roll == roll {
			n++
		}
	}
	return n
}

// reserve takes all that a vertex and the spans that it demands need. The spans
// start now, the vertex when they are open.
func (r *run[T]) reserve(v int, spans []int) {
	awaited := r.awaited(v)
	for _, span := range spans {
		awaited = awaited.later(r.awaited(span))
	}
	r.take(v)
	r.progress[v].part.reserved = true
	for _, span := range spans {
		r.take(span)
		p := &r.progress[span]
		p.after, p.part.reserved = awaited, true
		r.stir(span)
	}
	for _, span := range spans {
		if r.progress[span].waiting == 0 {
			r.due = append(r.due, span)
		}
	}
}

// take gives a vertex its slots, its ticket and its locks.
func (r *run[T]) take(v int) {
	p := &r.progress[v]
	p.ready, p.after = false, r.awaited(v)
	p.held = r.weight(v)
	r.free -= p.held
	r.takeLocks(v)
	if p.roll != nil {
		p.roll.running++
		p.roll.full = p.roll.running >= p.roll.Limit
	}
	if b := r.opens(v); b != nil {
		b.took = true
	}
	r.offer(p.roll)
}

// giveBack returns the ticket and the locks of a vertex.
func (r *run[T]) giveBack(v int, now moment) {
	if roll := r.progress[v].roll; roll != nil {
		if roll.running == roll.Limit {
			roll.freed = now
		}
		roll.running--
		roll.full = false
		r.rouse(&roll.line)
		r.offer(roll)
	}
	r.freeLocks(v, now)
}
