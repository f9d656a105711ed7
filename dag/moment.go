package dag

// moment is the settling of a vertex, as something that others waited for.
// Moments count from 1; the zero moment is before all others.
type moment struct {
	at int
	id ID
}

// now is the moment of a vertex that settles.
func (r *run[T]) now(v int) moment { return moment{r.settled, r.graph.vertices[v].ID} }

func (m moment) later(other moment) moment {
	if other.at > m.at {
		return other
	}
	return m
}

// awaited is the last moment before which a vertex could not have started,
// however many slots there were: the end of a dependency, of a mate that had the
// last ticket of the roll, of a holder of its locks.
func (r *run[T]) awaited(v int) moment {
	p := &r.progress[v]
	m := p.after
	if p.roll != nil {
		m = m.later(p.roll.freed)
	}
	for _, name := range r.graph.vertices[v].Traits.Locks {
		m = m.later(r.locks[name].freed)
	}
	return m
}
