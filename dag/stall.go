package dag

import (
	"errors"
	"fmt"
)

var errStuck = errors.New("it can never start")

// unlock fails the first vertex that waits for a lock or a ticket when nothing
// is at work that could give it back: an open bracket has it, and waits for that
// vertex. It returns false when no vertex waits so.
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
	needs := append(r.demanded(v), v)
	for _, w := range needs {
		if l := r.takenLock(w); l != nil {
			holder := r.graph.vertices[r.named(l.holder)].ID
			return fmt.Errorf("%w: the lock %q that it needs is held by %s until that ends, and that waits for it", errStuck, l.name, holder)
		}
	}
	for _, w := range needs {
		if roll := r.progress[w].roll; roll != nil && roll.running+r.ticketsOf(roll, needs) > roll.Limit {
			return fmt.Errorf("%w: of the roll %q only %d may run at once, and those that do wait for it", errStuck, roll.Name, roll.Limit)
		}
	}
	return fmt.Errorf("%w: those before it in its roll wait for it", errStuck)
}
