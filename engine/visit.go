package engine

import (
	"context"
	"fmt"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// visit does the work of one vertex, on a goroutine of the executor.
func (r *run) visit(ctx context.Context, _ dag.ID, i *plan.Instance, control dag.Control[*plan.Instance]) (dag.Result, error) {
	switch i.Kind {
	case plan.Join, plan.Barrier:
		return dag.Result{}, nil
	case plan.Region:
		return r.region(ctx, i, control)
	case plan.Gate:
		return dag.Result{}, gate(ctx, control)
	}
	if r.withhold(i) {
		return dag.Result{Disabled: true}, nil
	}
	if verdict := r.wanted(i); !verdict.wanted {
		r.note(i.ID, func(o *outcome) { o.state, o.reason = verdict.state, verdict.reason })
		if verdict.state == events.Skipped {
			return dag.Result{Skipped: verdict.reason}, nil
		}
		return dag.Result{Disabled: true}, nil
	}
	if enabled := worker(i).Enabled; enabled != nil {
		enabled, err := enabled(r.memory)
		if err != nil {
			return dag.Result{}, err
		}
		if !enabled {
			return dag.Result{Disabled: true}, nil
		}
	}
	switch i.Kind {
	case plan.Opening:
		return dag.Result{}, nil
	case plan.Expander:
		return dag.Result{}, r.expand(i, control)
	}
	if err := r.pause(ctx, worker(i).ID, control); err != nil {
		return dag.Result{}, err
	}
	if i.Kind == plan.Start {
		return r.hold(ctx, i, control)
	}
	return r.work(ctx, i, control)
}

// pause waits before an instance works, when that is wanted.
func (r *run) pause(ctx context.Context, id dag.ID, control dag.Control[*plan.Instance]) error {
	if r.Pause == nil {
		return nil
	}
	wait := r.Pause(id)
	if wait == nil {
		return nil
	}
	return control.Idle(ctx, wait)
}

// decision says whether an instance has work to do, and if not, what becomes
// of it and why.
type decision struct {
	wanted bool
	state  events.State
	reason string
}

// wanted looks at the run rather than at the instance's own dependencies.
func (r *run) wanted(i *plan.Instance) decision {
	r.notice()
	destroys := i.Type != nil && i.Type.Role == steps.Destroys
	switch {
	case i.When == plan.OnFailure && !r.verdict.failed():
		return decision{state: events.Disabled, reason: "the run has not failed"}
	case r.reruns.overdue && i.When != plan.Always:
		return decision{state: events.Disabled}
	case destroys && !r.machines.attempted(i.Subject):
		return decision{state: events.Skipped, reason: fmt.Sprintf("no node of %s was provisioned", i.Subject)}
	case destroys && r.keeps():
		r.machines.keep(i.Subject)
		return decision{state: events.Kept, reason: fmt.Sprintf("--keep %s", r.Keep)}
	case finaliser(i) && i.Node != "":
		if _, err := r.machines.Node(i.Cluster, i.Node); err != nil {
			return decision{state: events.Skipped, reason: fmt.Sprintf("%s was not provisioned", i.Node)}
		}
	}
	return decision{wanted: true}
}

// keeps says whether the run, as far as it went, leaves its clusters. A run
// that was interrupted or has no journal is not worth keeping by itself.
func (r *run) keeps() bool {
	switch r.Keep {
	case KeepAlways:
		return true
	case KeepOnFailure:
		return r.verdict.failed() && !r.forsaken()
	}
	return false
}

// gate holds as long as anything happens during it.
func gate(ctx context.Context, control dag.Control[*plan.Instance]) error {
	holding, err := control.Hold()
	if err != nil {
		return err
	}
	select {
	case <-holding.Over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *run) expand(i *plan.Instance, control dag.Control[*plan.Instance]) error {
	expansion, err := i.Expand(r.memory)
	if err != nil {
		return err
	}
	addresses := r.memory.setExpanded(i.ID, expansion)
	if err := control.Expand(expansion); err != nil {
		return err
	}
	r.publish(events.InstancesAdded{Placeholder: string(i.ID), Addresses: addresses})
	return nil
}

func finaliser(i *plan.Instance) bool { return i.When == plan.OnFailure || i.When == plan.Always }
