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
// slots back.
func (r *run[T]) startOne() bool {
	for r.sift(&r.light) || r.sift(&r.heavy) {
	}
	q := r.first()
	if q == nil {
		return false
	}
	r.start(q.pop())
	return true
}

// sift takes the top of a queue away when it cannot start now, whatever the
// slots.
func (r *run[T]) sift(q *queue) bool {
	if q.empty() {
		return false
	}
	startable, obstacle := r.startable(q.top()), r.obstacle(q.top())
	if startable && obstacle == nil {
		return false
	}
	v := q.pop()
	if startable {
		r.park(v, obstacle)
	}
	r.wake(v)
	return true
}

// first is the queue whose top starts next, nil when none can. Without slots
// for the first of the heavy ones no other of them starts, so that a light load
// cannot starve a heavy vertex.
func (r *run[T]) first() *queue {
	heavy := !r.heavy.empty() && r.weight(r.heavy.top()) <= r.free
	switch {
	case !r.light.empty() && (!heavy || r.before(r.light.top(), r.heavy.top())):
		return &r.light
	case heavy:
		return &r.heavy
	}
	return nil
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
	p.state, p.ready, p.after = Running, false, r.awaited(v)
	r.takeLocks(v)
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
