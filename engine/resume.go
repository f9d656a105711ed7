package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// Resume is what a run that goes on has of the earlier ones.
type Resume struct {
	// Run is the fold of the journal so far.
	Run *events.Run
	// From are addresses of instances, steps or groups that run again in any
	// case, and all that waits for them.
	From []string
	// Outdated are clusters of the earlier runs that the plan declares
	// differently or not at all: they are removed first.
	Outdated []Outdated
}

// Outdated is a cluster on the backend that has it.
type Outdated struct {
	Cluster string
	Backend backends.Backend
}

// Vault remembers what the journal must not hold.
type Vault interface {
	// Key is the key of the run's fingerprints.
	Key() []byte
	// Output returns what KeepOutput was given, also by an earlier process.
	Output(address string) (json.RawMessage, bool)
	KeepOutput(address string, outputs json.RawMessage) error
	KeepVariables(values map[string]json.RawMessage) error
}

// clear removes what the plan has no place for. The journal tells of it when
// it is done: a process that dies meanwhile leaves a record by which the next
// one does the same.
func (r *run) clear(ctx context.Context) error {
	for _, o := range r.Resume.Outdated {
		if err := o.Backend.Delete(ctx, backends.Key{Run: r.Plan.Run.ID, Cluster: o.Cluster}); err != nil {
			return trouble("remove cluster "+o.Cluster, err)
		}
	}
	return nil
}

// sorting decides which instances of a resumed run are reused.
type sorting struct {
	*run
	earlier  *events.Run
	verdicts map[dag.ID]reuse
	found    map[dag.ID]dag.Expansion[*plan.Instance]
}

// reuse says whether a vertex is as it was. If not, why, and which instance is
// to blame: itself, or one that it waits for.
type reuse struct {
	same   bool
	reason string
	blamed dag.ID
}

// sort decides what is reused, before anything starts, and publishes it. What a
// reused instance returned is known afterwards.
func (r *run) sort() map[dag.ID]bool {
	s := &sorting{
		run: r, earlier: r.Resume.Run,
		verdicts: map[dag.ID]reuse{}, found: map[dag.ID]dag.Expansion[*plan.Instance]{},
	}
	restored := map[dag.ID]bool{}
	result := events.ResumePlanned{Reused: []string{}, Again: []events.Rerun{}, New: []string{}, Instances: r.instances()}
	for _, id := range r.Plan.Graph.IDs() {
		i := r.Plan.Graph.Value(id)
		if i.Kind == plan.Barrier || finaliser(i) {
			continue
		}
		s.list(&result, restored, i)
		if i.Kind == plan.Start {
			restored[id] = s.reused(i.Of)
		}
		for _, v := range s.found[id].Vertices {
			s.list(&result, restored, v.Value)
		}
	}
	r.redactor.add(r.Secrets()...)
	if !r.reruns.overdue {
		r.publish(result)
	}
	return restored
}

// list puts an instance where it belongs. A disabled one is asked again, which
// costs nothing.
func (s *sorting) list(result *events.ResumePlanned, restored map[dag.ID]bool, i *plan.Instance) {
	v := s.judge(i)
	if i.Kind != plan.Work {
		return
	}
	address := string(i.ID)
	rec := s.earlier.Instance(address)
	switch {
	case v.same && !s.reused(i):
		result.Disabled = append(result.Disabled, address)
	case v.same:
		restored[i.ID] = true
		result.Reused = append(result.Reused, address)
	case rec == nil || rec.Attempt == 0 && rec.Rounds == 0 && !succeeded(rec):
		result.New = append(result.New, address)
		s.outdate(i, rec)
	default:
		result.Again = append(result.Again, events.Rerun{Address: address, Reason: v.reason})
		s.outdate(i, rec)
	}
}

// outdate has a node made anew that is to be provisioned, unless it was booting
// when the run died: then that goes on.
func (s *sorting) outdate(i *plan.Instance, rec *events.Instance) {
	booting := rec != nil && rec.State == "" && s.machines.running(i.Cluster, i.Node)
	if i.Type.Role == steps.Provisions && !booting {
		s.machines.outdate(i.Cluster, i.Node)
	}
}

// reused says whether an instance does not run.
func (s *sorting) reused(i *plan.Instance) bool {
	return s.judge(i).same && s.earlier.Instance(string(i.ID)).State != events.Disabled
}

func succeeded(rec *events.Instance) bool {
	return rec.State == events.Succeeded || rec.State == events.Reused
}

// judge settles a vertex after all that it waits for.
func (s *sorting) judge(i *plan.Instance) reuse {
	if known, ok := s.verdicts[i.ID]; ok {
		return known
	}
	v := reuse{same: true}
	for _, on := range s.waitsFor(i) {
		if dep := s.judge(s.instance(on)); !dep.same && v.same {
			v = reuse{reason: fmt.Sprintf("%s runs again", dep.blamed), blamed: dep.blamed}
		}
	}
	if i.Kind == plan.Work || i.Kind == plan.Expander || i.Kind == plan.Start {
		if reason := s.changed(i, v); reason != "" {
			v = reuse{reason: reason, blamed: worker(i).ID}
		} else if !v.same {
			v.blamed = worker(i).ID
		}
	}
	s.verdicts[i.ID] = v
	return v
}

// waitsFor lists the dependencies of a vertex; those of a join are known when
// its expander has been judged.
func (s *sorting) waitsFor(i *plan.Instance) []dag.ID {
	if i.Kind == plan.Join {
		for _, e := range s.Plan.Graph.Dependencies(i.ID) {
			s.judge(s.instance(e.To))
		}
	}
	return s.prints.dependencies(i.ID)
}

// changed says why an instance cannot be reused, as far as it is its own fault;
// empty when it is not.
func (s *sorting) changed(i *plan.Instance, deps reuse) string {
	rec := s.earlier.Instance(string(i.ID))
	switch {
	case s.forced(i):
		return "--from"
	case i.Kind == plan.Start && deps.same:
		return s.compareHeld(i)
	case i.Kind == plan.Start:
		return ""
	case i.Kind == plan.Expander && !deps.same:
		return ""
	case i.Kind == plan.Expander:
		return s.expanded(i)
	case rec == nil:
		return "it is new"
	case !succeeded(rec) && rec.State != events.Disabled:
		return unfinished(rec)
	case i.Type.Role == steps.Provisions && !s.machines.running(i.Cluster, i.Node):
		return fmt.Sprintf("%s is gone or stopped", i.Node)
	case !deps.same:
		return ""
	}
	return s.compare(i, rec)
}

// forced says whether the user wants the instance to run again.
func (s *sorting) forced(i *plan.Instance) bool {
	return slices.ContainsFunc(s.Resume.From, func(address string) bool { return plan.Within(worker(i).ID, address) })
}

func unfinished(rec *events.Instance) string {
	switch rec.State {
	case events.Failed:
		return "it failed"
	case events.Canceled:
		return "it was stopped"
	case events.Skipped:
		return "it was skipped"
	}
	return "it did not end"
}

// expanded asks a fan-out for its keys: what they hang on is reused.
func (s *sorting) expanded(i *plan.Instance) string {
	expansion, err := i.Expand(s.memory)
	if err != nil {
		return "its keys cannot be evaluated"
	}
	s.memory.setExpanded(i.ID, expansion)
	s.prints.expand(i.ID, expansion.Edges)
	s.found[i.ID] = expansion
	return ""
}

// compare evaluates an instance whose dependencies are all reused.
func (s *sorting) compare(i *plan.Instance, rec *events.Instance) string {
	if i.Enabled != nil {
		if enabled, err := i.Enabled(s.memory); err != nil || enabled == (rec.State == events.Disabled) {
			return "`enabled` has changed"
		}
	}
	if rec.State == events.Disabled {
		s.prints.own[i.ID] = disabledPrint
		s.memory.settle(i)
		return ""
	}
	own, reason := s.ownPrint(i)
	if reason != "" {
		return reason
	}
	s.prints.own[i.ID] = own
	if s.prints.of(i.ID, i.Kind) != rec.Fingerprint {
		return s.forget(i, "its arguments, files or dependencies have changed")
	}
	out, err := s.recall(i, rec)
	if err != nil {
		return s.forget(i, err.Error())
	}
	s.redactor.add(sensitiveOutputs(i.Type, out)...)
	s.memory.setOutput(i.ID, out)
	if i.Type.Role == steps.Provisions {
		s.machines.adopt(i.Cluster, i.Node)
	}
	return ""
}

// compareHeld looks whether a span would hold as it did: then what happened
// during it counts, although it has to be opened again for the rest of that.
func (s *sorting) compareHeld(start *plan.Instance) string {
	i := start.Of
	held := s.earlier.HeldFingerprint(string(i.ID))
	rec := s.earlier.Instance(string(i.ID))
	off := rec != nil && rec.State == events.Disabled
	if i.Enabled != nil {
		if enabled, err := i.Enabled(s.memory); err != nil || enabled == off {
			return "`enabled` has changed"
		}
	}
	switch {
	case off:
		s.prints.own[start.ID] = disabledPrint
		return ""
	case held == "":
		return "it did not hold"
	}
	own, reason := s.ownPrint(i)
	if reason != "" {
		return reason
	}
	s.prints.own[start.ID] = own
	if s.prints.of(start.ID, start.Kind) != held {
		return s.forget(start, "its arguments, files or dependencies have changed")
	}
	return ""
}

// ownPrint is the fingerprint of an instance as it would be done now.
func (s *sorting) ownPrint(i *plan.Instance) (own []byte, reason string) {
	cfg, err := i.Configure(s.memory)
	if err != nil {
		return nil, "its arguments cannot be evaluated"
	}
	if own, err = s.Plan.Fingerprint(s.Vault.Key(), i, cfg); err != nil {
		return nil, err.Error()
	}
	return own, ""
}

func (s *sorting) forget(i *plan.Instance, reason string) string {
	delete(s.prints.own, i.ID)
	delete(s.prints.full, i.ID)
	return reason
}

// recall reads the outputs of an instance, from the vault where the journal
// does not have all of them.
func (s *sorting) recall(i *plan.Instance, rec *events.Instance) (cty.Value, error) {
	raw := rec.Outputs
	if rec.Secret {
		var ok bool
		if raw, ok = s.Vault.Output(rec.Address); !ok {
			return cty.NilVal, fmt.Errorf("its sensitive outputs are lost")
		}
		s.note(i.ID, func(o *outcome) { o.secret = true })
	}
	if len(raw) == 0 {
		return nullOutputs(i.Type), nil
	}
	v, err := ctyjson.Unmarshal(raw, cty.DynamicPseudoType)
	if err == nil {
		v, err = conform(i.Type, v)
	}
	if err != nil {
		return cty.NilVal, fmt.Errorf("its outputs cannot be read: %w", err)
	}
	return v, nil
}
