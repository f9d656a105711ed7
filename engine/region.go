package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// region visits the closing vertex of a region: it fails, or begins anew after a
// wait, when anything in it failed.
func (r *run) region(ctx context.Context, i *plan.Instance, control dag.Control[*plan.Instance]) (dag.Result, error) {
	failures := control.Failures()
	if len(failures) == 0 {
		return dag.Result{}, nil
	}
	first := failures[0]
	n := r.outcome(i.ID).failed + 1
	wait := backoff(i, r.Plan.Run.Seed, n)
	if ctx.Err() != nil || n >= attempts(i) || r.late(i, wait) || !repeats(i.Retry, r.classIn(first)) {
		r.note(i.ID, func(o *outcome) { o.failures = failures })
		return dag.Result{}, fmt.Errorf("%s failed: %w", first.ID, first.Err)
	}
	e := events.RegionFailed{
		Address: string(i.ID), Attempt: n, Attempts: attempts(i), Cause: string(first.ID), Wait: wait,
	}
	inner := r.inside(i.ID)
	for _, w := range inner {
		e.Instances = append(e.Instances, string(w.ID))
	}
	r.publish(e)
	if err := control.Idle(ctx, pause(wait)); err != nil {
		r.tellStopped(inner, err)
		return dag.Result{}, err
	}
	r.note(i.ID, func(o *outcome) { o.failed, o.again = n, true })
	return dag.Result{Again: true}, nil
}

// openingID is that of the vertex that opens a region.
func openingID(region dag.ID) dag.ID { return region + ":begin" }

// late says whether nothing could begin any more before the deadline of a
// region.
func (r *run) late(i *plan.Instance, wait time.Duration) bool {
	return i.Deadline > 0 && time.Since(r.outcome(openingID(i.ID)).begun)+wait >= i.Deadline
}

// inside lists the instances in a region, those of regions in it included.
func (r *run) inside(region dag.ID) []*plan.Instance {
	var inner []*plan.Instance
	all := r.memory.all()
	for _, id := range r.Plan.Graph.IDs() {
		all = append(all, r.Plan.Graph.Value(id))
	}
	for _, i := range all {
		around := i.Region
		for around != "" && around != region {
			around = r.instance(around).Region
		}
		if around == region && i.Kind == plan.Work {
			inner = append(inner, i)
		}
	}
	return inner
}

// tellStopped ends the instances of a region that would have begun anew.
func (r *run) tellStopped(inner []*plan.Instance, cause error) {
	for _, i := range inner {
		r.publish(events.InstanceEnded{
			Address: string(i.ID), Type: i.Type.Name, Node: i.Node, State: events.Canceled, Reason: cause.Error(),
		})
	}
}

// regionSettled draws the consequences of a region that failed: its failures
// count now, unless it is part of another one.
func (r *run) regionSettled(i *plan.Instance, t dag.Transition) {
	if t.State != dag.Failed || i.Tolerated || i.Region != "" {
		return
	}
	for _, f := range r.findings(dag.Failure{ID: i.ID, Err: t.Err}) {
		r.verdict.add(f)
	}
	r.announceFailFast(i)
}

// findings says what a failure in a region means for the run.
func (r *run) findings(f dag.Failure) []finding {
	i := r.instance(f.ID)
	if i.Kind != plan.Region {
		return []finding{{exit: exitOf(i, r.classIn(f))}}
	}
	inner := r.outcome(f.ID).failures
	if ownLimit(f) || len(inner) == 0 {
		return []finding{{exit: exitFailed, message: f.Err.Error()}}
	}
	var all []finding
	for _, failure := range inner {
		all = append(all, r.findings(failure)...)
	}
	return all
}

// classIn is the class of a failure in a region; that of a region is the one of
// its first failure.
func (r *run) classIn(f dag.Failure) events.FailureClass {
	o := r.outcome(f.ID)
	switch {
	case o.failure != nil:
		return o.failure.Class
	case len(o.failures) > 0 && !ownLimit(f):
		return r.classIn(o.failures[0])
	}
	return classOf(f.Err)
}

// ownLimit says that the failure is a region's which took too long, as the region
// itself is told.
func ownLimit(f dag.Failure) bool {
	limit, ok := f.Err.(*dag.LimitError) //nolint:errorlint // wrapped, it is what failed in the region
	return ok && limit.Region == f.ID
}
