package dag

import (
	"errors"
	"slices"
	"time"
)

var errNoRegion = errors.New("only the closing vertex of a region can ask for it again")

// startAttempt has the time of a region run.
func (r *run[T]) startAttempt(b *bracket) {
	b.attempt++
	attempt := b.attempt
	switch limit, left := r.timeOf(b); {
	case limit == 0:
	case left <= 0:
		r.timeOut(b, attempt, limit)
	default:
		b.timer = time.AfterFunc(left, func() { r.send(func() { r.timeOut(b, attempt, limit) }) })
	}
}

// timeOf says which limit ends an attempt that begins now, zero for none, and
// how much of that is left.
func (r *run[T]) timeOf(b *bracket) (limit, left time.Duration) {
	t := &r.graph.vertices[b.opening].Traits
	if rest := t.Deadline - time.Since(b.begun); t.Deadline > 0 && (t.Limit == 0 || rest < t.Limit) {
		return t.Deadline, rest
	}
	return t.Limit, t.Limit
}

func (r *run[T]) stopTimer(b *bracket) {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
}

// timeOut cuts off an attempt whose time is over, unless all of it has settled.
func (r *run[T]) timeOut(b *bracket, attempt int, limit time.Duration) {
	if closing := &r.progress[b.closing]; attempt != b.attempt || closing.state != Pending || closing.waiting == 0 {
		return
	}
	id := r.graph.vertices[b.closing].ID
	err := &LimitError{Region: id, Limit: limit}
	b.failures = append(b.failures, Failure{ID: id, Err: err})
	c := &cut{cause: id, err: err, limit: true}
	for _, v := range b.inner {
		r.cutOff(v, c)
	}
}

// rootCause is whom dependants of a failed region blame: what failed first in
// its last attempt.
func (r *run[T]) rootCause(b *bracket) ID {
	if len(b.failures) == 0 {
		return r.graph.vertices[b.closing].ID
	}
	first := b.failures[0].ID
	if v := r.graph.index[first]; v != b.closing && r.progress[v].cause != "" {
		return r.progress[v].cause
	}
	return first
}

// repeat makes all of a region pending again; its opening vertex stays as it is.
func (r *run[T]) repeat(b *bracket) {
	all := r.inside(b, nil)
	slices.Sort(all)
	for _, v := range all {
		r.open++
		r.reset(v, b.opened)
	}
	r.release(b.closing)
	r.reset(b.closing, b.opened)
	b.failures = nil
	r.forget(all, b.opened)
	for _, v := range append(all, b.closing) {
		r.await(v)
	}
	r.startAttempt(b)
}

// inside appends what is in a region, regions in it included.
func (r *run[T]) inside(b *bracket, all []int) []int {
	for _, v := range b.inner {
		all = append(all, v)
		if nested := r.closes(v); nested != nil {
			all = r.inside(nested, all)
		}
	}
	return all
}

// reset makes one vertex pending again. The brackets inside begin anew.
func (r *run[T]) reset(v int, after moment) {
	p := &r.progress[v]
	p.state, p.ready, p.cause, p.after = Pending, false, "", after
	x := p.part
	x.cut, x.dormant, x.wanted, x.reserved = nil, false, false, false
	if b := x.own; b != nil && b.opening == v {
		b.end, b.told, b.holding, b.broken, b.over, b.ending, b.failures = nil, false, false, false, nil, false, nil
	}
	r.observe(v, Transition{State: Pending})
}

// forget takes the last attempt out of what rolls and locks know of the past: a
// roll inside the region goes on, and no vertex has waited for a later one.
func (r *run[T]) forget(all []int, opened moment) {
	ids := make(map[ID]bool, len(all))
	for _, v := range all {
		id := r.graph.vertices[v].ID
		ids[id] = true
		if roll := r.progress[v].roll; roll != nil {
			roll.stoppedBy, roll.freed = "", opened
		}
	}
	for _, l := range r.locks {
		if ids[l.freed.id] {
			l.freed = opened
		}
	}
}

// failedInside has the region around v remember a failure, unless that is the
// end of the region's own time; false means that there is no region.
func (r *run[T]) failedInside(v int, f Failure) bool {
	x := r.progress[v].part
	if x == nil || x.region == nil {
		return false
	}
	if x.cut == nil || !x.cut.limit || !errors.Is(f.Err, x.cut.err) {
		x.region.failures = append(x.region.failures, f)
	}
	return true
}

// failures are those of the region that v closes.
func (r *run[T]) failures(v int) []Failure {
	if b := r.closes(v); b != nil {
		return slices.Clone(b.failures)
	}
	return nil
}
