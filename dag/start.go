package dag

// makeReady queues a vertex that shall run.
func (r *run[T]) makeReady(v int) {
	p := &r.progress[v]
	p.ready = true
	if !p.ranked {
		vertex := &r.graph.vertices[v]
		p.rank, p.ranked = r.Rank(vertex.ID, vertex.Value), true
	}
	if p.roll != nil {
		p.roll.ready.push(v)
		r.offer(p.roll)
		return
	}
	r.enqueue(v)
}

func (r *run[T]) enqueue(v int) {
	if r.weight(v) == 0 {
		r.light.push(v)
		return
	}
	r.heavy.push(v)
}

// before is the order in which vertices start.
func (r *run[T]) before(a, b int) bool {
	if ra, rb := r.progress[a].rank, r.progress[b].rank; ra != rb {
		return ra > rb
	}
	return a < b
}

// startOne starts the first vertex that can, or gives one that was idle its
// slots back. Without a slot for the first of the heavy ones no other of them
// starts, so that a light load cannot starve a heavy vertex.
func (r *run[T]) startOne() bool {
	for _, q := range []*queue{&r.light, &r.heavy} {
		for !q.empty() && !r.startable(q.top()) {
			q.pop()
		}
		if q.empty() || r.weight(q.top()) > r.free {
			continue
		}
		r.start(q.pop())
		return true
	}
	return false
}

// startable says whether a queued vertex still waits there. Vertices are not
// searched for and removed when they settle, must wait for more, or lose their
// place at the head of their roll.
func (r *run[T]) startable(v int) bool {
	p := &r.progress[v]
	if p.state == Running {
		return p.back != nil
	}
	if !p.ready || p.roll == nil {
		return p.ready
	}
	head, found := r.head(p.roll)
	return found && head == v
}

func (r *run[T]) start(v int) {
	p := &r.progress[v]
	p.held = r.weight(v)
	r.free -= p.held
	if p.back != nil {
		close(p.back)
		p.back = nil
		return
	}
	p.state, p.ready = Running, false
	if p.roll != nil {
		p.roll.running++
	}
	r.offer(p.roll)
	r.observe(v, Transition{State: Running})
	r.launch(v)
}

// weight is how many slots a vertex takes: at most all.
func (r *run[T]) weight(v int) int {
	return min(r.graph.vertices[v].Traits.Weight, r.Slots)
}

func (r *run[T]) release(v int) {
	r.free += r.progress[v].held
	r.progress[v].held = 0
}
