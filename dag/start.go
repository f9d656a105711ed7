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

// unready takes back that a vertex shall run.
func (r *run[T]) unready(v int) {
	if p := &r.progress[v]; p.ready {
		p.ready = false
		r.offer(p.roll)
	}
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
	v := q.top()
	var obstacle *line
	if r.startable(v) {
		if obstacle = r.obstacle(v); obstacle == nil {
			return false
		}
	}
	q.pop()
	if obstacle == nil || obstacle != r.progress[v].line {
		r.passOn(v)
	}
	if obstacle != nil {
		r.park(v, obstacle)
	}
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
	if p.back != nil {
		p.held = r.weight(v)
		r.free -= p.held
		close(p.back)
		p.back = nil
		return
	}
	if spans := r.demanded(v); len(spans) > 0 {
		r.reserve(v, spans)
	} else {
		r.take(v)
		r.begin(v)
	}
	r.passOn(v)
}

// begin has a vertex visited that has all that it needs.
func (r *run[T]) begin(v int) {
	p := &r.progress[v]
	p.state = Running
	if x := p.part; x != nil {
		x.reserved = false
		if b := r.closes(v); b != nil {
			r.stopTimer(b)
		}
	}
	r.observe(v, Transition{State: Running})
	r.busy++
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
