package events

import (
	"slices"
	"time"
)

// Path is the chain of instances that determined when a run ended: the last
// one to end, the one whose end that waited for, and so on to the beginning.
type Path struct {
	Instances []*Instance
	// Took is how long the instances of the path took together. A run takes
	// longer by what they waited for: slots, the making of networks, clean-up.
	Took time.Duration
}

// CriticalPath finds the path of a run, as far as it went. It is empty when no
// instance has ended that did any work.
func (r *Run) CriticalPath() Path {
	var last *Instance
	for _, i := range r.Instances {
		if i.worked() && (last == nil || i.EndedAt.After(last.EndedAt)) {
			last = i
		}
	}
	var p Path
	seen := map[*Instance]bool{} // a damaged journal could lead in a circle
	for i := last; i != nil && !seen[i]; i = r.Instance(i.After) {
		seen[i] = true
		if i.worked() {
			p.Instances = append(p.Instances, i)
		}
	}
	slices.Reverse(p.Instances)
	p.Took = took(p.Instances)
	return p
}

// took adds up a path, without what two of it did at the same time: a span ends
// after what happened during it.
func took(path []*Instance) (sum time.Duration) {
	var before time.Time
	for _, i := range path {
		took := i.Took
		if !before.IsZero() {
			took = min(took, i.EndedAt.Sub(before))
		}
		sum += max(0, took)
		before = i.EndedAt
	}
	return sum
}

func (i *Instance) worked() bool { return i.Attempt > 0 && i.State != "" && i.State != Reused }
