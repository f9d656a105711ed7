package dag

// line is where vertices wait for a lock or a ticket that others have. They are
// in no queue: they hold nothing meanwhile and are in nobody's way.
type line struct {
	full         bool  // nothing is left
	light, heavy queue // in the order in which they start; who went on elsewhere may still be listed
}

func (r *run[T]) newLine() line {
	return line{light: queue{less: r.before}, heavy: queue{less: r.before}}
}

// lock is what the coordinator knows of a named lock.
type lock struct {
	line
	name   string
	holder int
	freed  moment
}

// declareLocks makes the locks of a vertex known.
func (r *run[T]) declareLocks(v int) {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		if r.locks[name] == nil {
			r.locks[name] = &lock{line: r.newLine(), name: name}
		}
	}
}

// takenLock is the first lock of a vertex that another one holds, nil when it
// can have them all.
func (r *run[T]) takenLock(v int) *lock {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		if r.locks[name].full {
			return r.locks[name]
		}
	}
	return nil
}

// park has a vertex wait in a line. It leaves any other.
func (r *run[T]) park(v int, l *line) {
	p := &r.progress[v]
	if p.line == l && !p.woken {
		return
	}
	p.line, p.woken = l, false
	if r.weight(v) == 0 {
		l.light.push(v)
		return
	}
	l.heavy.push(v)
}

// rouse has the first light and the first heavy vertex of a line try again, if
// there is something left for them.
func (r *run[T]) rouse(l *line) {
	for _, q := range []*queue{&l.light, &l.heavy} {
		for !l.full && !q.empty() {
			first := q.pop()
			if p := &r.progress[first]; p.line == l && !p.woken {
				p.woken = true
				r.enqueue(first)
				break
			}
		}
	}
}

// passOn has the next one of the line try from which v came, if v came from one.
func (r *run[T]) passOn(v int) {
	if p := &r.progress[v]; p.woken {
		l := p.line
		p.line, p.woken = nil, false
		r.rouse(l)
	}
}

func (r *run[T]) takeLocks(v int) {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		r.locks[name].full, r.locks[name].holder = true, v
	}
}

func (r *run[T]) freeLocks(v int, now moment) {
	for _, name := range r.graph.vertices[v].Traits.Locks {
		l := r.locks[name]
		l.full, l.freed = false, now
		r.rouse(&l.line)
	}
}
