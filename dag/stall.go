package dag

import (
	"errors"
	"fmt"
)

var errNoStart = errors.New("it can never start: what it needs is held by what waits for it")

// unlock fails the first vertex that waits for a lock or a ticket when nothing
// is at work that could give it back: it is held by a bracket that waits for
// that vertex. It returns false when no vertex waits so.
func (r *run[T]) unlock() bool {
	first := -1
	for v := range r.progress {
		if r.progress[v].ready && (first < 0 || r.before(v, first)) {
			first = v
		}
	}
	if first < 0 {
		return false
	}
	r.settle(first, Transition{State: Failed, Err: r.stuck(first)})
	return true
}

// stuck says what a vertex lacks.
func (r *run[T]) stuck(v int) error {
	for _, w := range append(r.demanded(v), v) {
		if l := r.takenLock(w); l != nil {
			holder := r.graph.vertices[r.named(l.holder)].ID
			return fmt.Errorf("it waits for the lock %q, which %s holds until its end, and that waits for this one: take locks outside, or none inside", l.name, holder)
		}
	}
	roll := r.progress[v].roll
	for _, w := range r.demanded(v) {
		if mate := r.progress[w].roll; mate != nil {
			roll = mate
		}
	}
	if roll == nil {
		return errNoStart
	}
	return fmt.Errorf("it waits for its turn in %s, where %d at once may run, and those that do wait for it: allow more at once", roll.Name, roll.Limit)
}
