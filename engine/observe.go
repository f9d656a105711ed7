package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// outcome is what a visit knows of an instance beyond its transitions.
type outcome struct {
	begun    time.Time
	attempts int
	failure  *events.Failure
	// state and reason replace the executor's.
	state  events.State
	reason string
	// after is what a joint of the graph waited for last.
	after dag.ID
	// print is the fingerprint, without dependencies, when it succeeded; secret
	// says that its outputs are in the vault.
	print  []byte
	secret bool
	// withheld says that it waits for a later go.
	withheld bool
	// outputs are those of an instance that succeeded, as the journal has them.
	outputs json.RawMessage
	// held is the event of a span that holds.
	held *events.SpanHeld
	// rounds is how often a region around it, or itself, has begun anew; failed
	// how often the region that it closes has in this round of those around it;
	// again that it is about to.
	rounds, failed int
	again          bool
	// failures are those because of which the region that it closes failed.
	failures []dag.Failure
}

// note changes the outcome of an instance.
func (r *run) note(id dag.ID, change func(*outcome)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, ok := r.outcomes[id]
	if !ok {
		o = &outcome{}
		r.outcomes[id] = o
	}
	change(o)
}

func (r *run) outcome(id dag.ID) (o outcome) {
	r.note(id, func(known *outcome) { o = *known })
	return o
}

// observe publishes the start and the end of an instance, on the goroutine of
// the coordinator: the end before anything that waits for it starts.
func (r *run) observe(i *plan.Instance, t dag.Transition) {
	switch t.State {
	case dag.Running:
		r.note(worker(i).ID, func(o *outcome) { o.begun = t.At })
		if certain(i) {
			r.tellStart(worker(i), 1)
		}
		return
	case dag.Pending:
		r.unsettle(i)
		return
	}
	r.memory.settle(i)
	if i.Kind != plan.Work {
		r.note(t.ID, func(o *outcome) { o.after = t.After })
	}
	r.imprint(i, t)
	if r.silent(i) {
		return
	}
	switch i.Kind {
	case plan.Start:
		r.tellHeld(i, t)
	case plan.Region:
		r.regionSettled(i, t)
	case plan.Work, plan.Expander:
		if i.Kind == plan.Work || t.State != dag.Done {
			r.instanceSettled(i, t)
		}
	}
}

// instanceSettled publishes the last event of an instance. What it means for the
// run is the affair of the region around it, if there is one.
func (r *run) instanceSettled(i *plan.Instance, t dag.Transition) {
	e := r.ended(i, t)
	failed := t.State == dag.Failed && !i.Tolerated && i.Region == ""
	if failed {
		r.verdict.add(finding{exit: exitOf(i, e.Failure.Class)})
	}
	r.publish(e)
	if failed && !finaliser(i) {
		r.announceFailFast(i)
	}
}

func (r *run) announceFailFast(i *plan.Instance) {
	if r.failFast() {
		r.announce(fmt.Sprintf("%s failed, and the run is to fail fast", i.ID))
	}
}

// tellHeld publishes that a span holds.
func (r *run) tellHeld(start *plan.Instance, t dag.Transition) {
	o := r.outcome(start.ID)
	if t.State != dag.Done || o.held == nil {
		return
	}
	e := *o.held
	e.Fingerprint = r.prints.of(start.ID, start.Kind)
	r.publish(e)
}

// unsettle makes an instance as if it had not run, but for the number of rounds.
func (r *run) unsettle(i *plan.Instance) {
	r.memory.forget(i.ID)
	r.prints.forget(i.ID)
	r.note(i.ID, func(o *outcome) {
		next := outcome{rounds: o.rounds + 1}
		if o.again {
			next.failed = o.failed
		}
		*o = next
	})
}

// ended is the last event of an instance.
func (r *run) ended(i *plan.Instance, t dag.Transition) events.InstanceEnded {
	o := r.outcome(t.ID)
	e := events.InstanceEnded{
		Address: string(i.ID), Node: i.Node, State: stateOf(t.State), Attempts: o.attempts,
		Reason: r.reason(t), Cause: string(t.Cause), After: string(r.awaited(t.After)), Tolerated: i.Tolerated, Finaliser: finaliser(i),
	}
	if i.Type != nil {
		e.Type = i.Type.Name
	}
	if o.state != "" {
		e.State, e.Reason = o.state, o.reason
	}
	if !o.begun.IsZero() {
		e.Took = t.At.Sub(o.begun)
	}
	if t.State == dag.Failed {
		if e.Failure = o.failure; e.Failure == nil {
			failure := describeFailure(t.Err)
			e.Failure = &failure
		}
	}
	if out, ok := r.memory.Output(i.ID); ok && i.Type != nil {
		e.Outputs = o.outputs
		if t.State != dag.Done || o.outputs == nil {
			e.Outputs = r.encode(i, out)
		}
		e.Secret = o.secret
	}
	if e.State == events.Succeeded || e.State == events.Reused || e.State == events.Disabled {
		e.Fingerprint = r.fingerprint(i, e)
	}
	return e
}

func (r *run) encode(i *plan.Instance, out cty.Value) json.RawMessage {
	raw, err := r.encoder.outputs(i.Type, out)
	if err != nil {
		r.publish(events.Warning{Message: fmt.Sprintf("outputs of %s are not in the journal: %v", i.ID, err)})
	}
	return raw
}

// awaited finds the instance that a transition waited for last: a joint of the
// graph stands for what it waited for itself.
func (r *run) awaited(id dag.ID) dag.ID {
	for id != "" && r.instance(id).Kind != plan.Work {
		id = r.outcome(id).after
	}
	return id
}

// imprint remembers what an instance did.
func (r *run) imprint(i *plan.Instance, t dag.Transition) {
	switch t.State {
	case dag.Done:
		if i.Kind == plan.Expander {
			r.prints.expand(i.ID, r.memory.edgesOf(i.ID))
		}
		if own := r.outcome(t.ID).print; own != nil {
			r.prints.own[t.ID] = own
		}
	case dag.Disabled:
		r.prints.own[t.ID] = disabledPrint
	}
}

// fingerprint is that of an instance that has ended. It has none when the
// journal will lack a part of the outputs: a secret that was none when the
// instance ended.
func (r *run) fingerprint(i *plan.Instance, e events.InstanceEnded) string {
	if e.Finaliser || !e.Secret && r.redactor.touches(e.Outputs) {
		return ""
	}
	return r.prints.of(i.ID, i.Kind)
}

// reason says in words why an instance did not do its work.
func (r *run) reason(t dag.Transition) string {
	switch {
	case t.State == dag.Canceled && t.Err != nil:
		return t.Err.Error()
	case t.Roll:
		return fmt.Sprintf("roll stopped by %s", t.Cause)
	case t.State == dag.Skipped && t.Cause != "":
		return fmt.Sprintf("because %s %s", t.Cause, r.fate(t.Cause))
	}
	return t.Reason
}

// fate says what became of the instance behind a skip.
func (r *run) fate(id dag.ID) string {
	if r.outcome(id).state == events.Skipped {
		return "was skipped"
	}
	return "failed"
}

func stateOf(s dag.State) events.State {
	switch s {
	case dag.Done:
		return events.Succeeded
	case dag.Disabled:
		return events.Disabled
	case dag.Skipped:
		return events.Skipped
	case dag.Canceled:
		return events.Canceled
	case dag.Restored:
		return events.Reused
	}
	return events.Failed
}
