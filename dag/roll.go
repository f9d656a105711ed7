package dag

// roll is what the coordinator knows of a Roll. Its ready vertices wait here,
// in list order; only the head waits in a queue for its slot, so that a ticket
// is never held without one.
type roll struct {
	Roll
	line      // of those that demand a span of the roll
	ready     queue
	running   int
	stoppedBy ID
	freed     moment // when it was full the last time
}

// rollOf returns the roll of a vertex, nil if it has none.
func (r *run[T]) rollOf(v int) *roll {
	name := r.graph.vertices[v].Traits.Roll
	if name == "" {
		return nil
	}
	if r.rolls[name] == nil {
		declared, _ := r.graph.Roll(name)
		r.rolls[name] = &roll{Roll: declared, line: r.newLine(), ready: queue{less: byIndex}}
	}
	return r.rolls[name]
}

// head is the vertex that the roll lets start next, if it has a ticket left.
func (r *run[T]) head(roll *roll) (v int, found bool) {
	for !roll.ready.empty() && !r.progress[roll.ready.top()].ready {
		roll.ready.pop()
	}
	if roll.ready.empty() || roll.running >= roll.Limit {
		return 0, false
	}
	return roll.ready.top(), true
}

// offer queues the head of a roll, which may be nil, after a change of it. That
// the head may stand there already does no harm.
func (r *run[T]) offer(roll *roll) {
	if roll == nil {
		return
	}
	if v, found := r.head(roll); found {
		r.enqueue(v)
	}
}

// stopRoll has the vertices of a roll that have not started skipped.
func (r *run[T]) stopRoll(roll *roll, cause ID) {
	if roll.Continue || roll.stoppedBy != "" {
		return
	}
	roll.stoppedBy = cause
	r.due = append(r.due, roll.ready.items...)
	for v := range r.progress {
		if p := &r.progress[v]; p.roll == roll && p.part != nil && p.part.dormant {
			r.due = append(r.due, v)
		}
	}
}
