package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// reruns are the goes of one run at what has failed: see Options.Rerun.
type reruns struct {
	done int
	// withheld says that `always` steps were left for a later go, which there
	// must then be; overdue that this one is for nothing else.
	withheld, overdue bool
	// failed says how often instances did, in the order in which they first did.
	failed []events.Flaky
}

// errOverdue stops the main steps of a go that is only for `always` steps.
var errOverdue = errors.New("only the last steps are left to do")

// worthwhile says whether what has failed so far may run again.
func (r *run) worthwhile() bool {
	return r.reruns.done < r.Rerun && r.verdict.get().exit == exitFailed && r.stop.cause() == nil
}

// withhold leaves an `always` step for the last go.
func (r *run) withhold(i *plan.Instance) bool {
	if i.When != plan.Always || !r.worthwhile() {
		return false
	}
	r.note(i.ID, func(o *outcome) {
		o.withheld = true
		r.reruns.withheld = true
	})
	return true
}

// again says whether the run needs one more go, and counts what failed in the
// last one.
func (r *run) again() bool {
	if r.gone() {
		return false
	}
	failed := false
	for _, i := range r.bus.Snapshot().Failures() {
		if i.Tolerated || i.Finaliser {
			continue
		}
		failed = true
		r.reruns.count(i.Address)
	}
	// Outputs that cannot be evaluated are a failure that no step mends.
	return r.reruns.withheld || failed && r.worthwhile()
}

func (c *reruns) count(address string) {
	at := slices.IndexFunc(c.failed, func(f events.Flaky) bool { return f.Address == address })
	if at < 0 {
		at = len(c.failed)
		c.failed = append(c.failed, events.Flaky{Address: address})
	}
	c.failed[at].Failed++
}

// rerun is one more go: what succeeded is reused, as in a resumed run. When the
// run was stopped since `always` steps were withheld, only these run, and the
// record of the others stays.
func (r *run) rerun(ctx context.Context) []plan.OutputValue {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.reruns.withheld, r.reruns.overdue = false, !r.worthwhile()
	r.Resume = &Resume{Run: r.bus.Snapshot()}
	r.forget()
	var err error
	if r.reruns.overdue {
		cancel(errOverdue)
	} else {
		err = r.beginAgain()
	}
	if surveyed := r.surveyAll(ctx); err == nil {
		err = surveyed
	}
	if err == nil && !r.reruns.overdue {
		err = r.endOrphans(ctx)
	}
	if err != nil {
		r.verdict.add(troubleOf(err))
		cancel(err) // what is left to do still is
	}
	return r.traverse(ctx)
}

// beginAgain has the failures forgotten, but not that of a finaliser.
func (r *run) beginAgain() error {
	r.verdict.forgive()
	for _, i := range r.Resume.Run.Failures() {
		if i.Finaliser && !i.Tolerated {
			r.verdict.add(finding{exit: exitCleanup})
		}
	}
	started, err := r.started()
	if err != nil {
		return err
	}
	r.reruns.done++
	started.Rerun = fmt.Sprintf("%d of %d", r.reruns.done, r.Rerun)
	r.publish(events.RunResumed(started))
	return nil
}

// silent says that nothing new is to be told of an instance in this go.
func (r *run) silent(i *plan.Instance) bool {
	return r.reruns.overdue && i.When != plan.Always || r.outcome(i.ID).withheld
}

// gone says whether nothing is waited for any more.
func (r *run) gone() bool {
	select {
	case <-r.aborted:
		return true
	default:
		return false
	}
}

// surveyAll looks which machines are still at work, also for a run that was
// stopped.
func (r *run) surveyAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Grace)
	defer cancel()
	var group errgroup.Group
	for _, c := range r.machines.clusters {
		group.Go(func() error {
			return r.await(func() error { return r.survey(ctx, c) })
		})
	}
	return group.Wait()
}

// forget empties what a run knows of its instances, before a go.
func (r *run) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes = map[dag.ID]*outcome{}
	r.memory = newMemory(r.machines)
	r.prints = newPrints(r.Plan.Graph)
}

// flaky lists the instances that failed and passed in the end; nothing when the
// run did not.
func (r *run) flaky() []events.Flaky {
	if exit := r.verdict.get().exit; exit != exitPassed && exit != exitCleanup {
		return nil
	}
	var list []events.Flaky
	run := r.bus.Snapshot()
	for _, f := range r.reruns.failed {
		if i := run.Instance(f.Address); i != nil && succeeded(i) {
			f.Runs = f.Failed + 1
			list = append(list, f)
		}
	}
	return list
}
