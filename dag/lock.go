package dag

// lock is what the coordinator knows of a named lock. A vertex that finds one
// of its locks taken waits there and in no queue: it holds nothing meanwhile
// and stands in nobody's way.
type lock struct {
	taken        bool
	light, heavy queue // vertices that wait for it, in the order in which they start
	freed        moment
}

// declareLocks makes the locks of a vertex known.
func (r *run[T]) declareLocks(v int) {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		if r.locks[name] == nil {
			r.locks[name] = &lock{light: queue{less: r.before}, heavy: queue{less: r.before}}
		}
	}
}

// obstacle is the first lock of a vertex that another one holds, nil when it
// can have them all. One that comes back from Idle has kept its own.
func (r *run[T]) obstacle(v int) *lock {
	if r.progress[v].state == Running {
		return nil
	}
	for _, name := range r.graph.vertices[v].Traits.Locks {
		if r.locks[name].taken {
			return r.locks[name]
		}
	}
	return nil
}

// park has a vertex wait for a lock. It may wait for another one already: that
// will let it try again.
func (r *run[T]) park(v int, l *lock) {
	p := &r.progress[v]
	if p.parked {
		return
	}
	p.parked = true
	if r.weight(v) == 0 {
		l.light.push(v)
		return
	}
	l.heavy.push(v)
}

// wake has the first that wait for the free locks of a vertex try again, after
// it gave them back or passed by without taking them.
func (r *run[T]) wake(v int) {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		l := r.locks[name]
		for _, q := range []*queue{&l.light, &l.heavy} {
			if !l.taken && !q.empty() {
				first := q.pop()
				r.progress[first].parked = false
				r.enqueue(first)
			}
		}
	}
}

func (r *run[T]) takeLocks(v int) {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		r.locks[name].taken = true
	}
}

func (r *run[T]) freeLocks(v int) {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		r.locks[name].taken = false
		r.locks[name].freed = r.now(v)
	}
	r.wake(v)
}
