package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// started is the first event of the run: all that later commands need to find
// its machines.
func (r *run) started() (events.RunStarted, error) {
	p := r.Plan
	e := events.RunStarted{
		Run: p.Run.ID, Workflow: p.Name, File: r.Info.File, Dir: p.Run.Dir, Version: r.Info.Version,
		Command: r.Info.Command, Owner: r.Info.Owner, Seed: p.Run.Seed, Keep: string(r.Keep),
	}
	if v := p.Variant; v != nil {
		e.Variant = &events.Variant{Name: v.Name, Labels: v.Labels}
	}
	for _, b := range p.Backends {
		described, err := DescribeBackend(b)
		if err != nil {
			return e, fmt.Errorf("describe backend %s: %w", b.Name, err)
		}
		e.Backends = append(e.Backends, described)
	}
	for _, c := range p.Clusters {
		nodes := make([]string, len(c.Nodes))
		for i, n := range c.Nodes {
			nodes[i] = n.Name
		}
		e.Clusters = append(e.Clusters, events.Cluster{Name: c.Name, Backend: c.Backend, Nodes: nodes})
	}
	e.Path, e.Instances = r.Info.Path, r.instances()
	var err error
	e.Variables, err = r.variables()
	return e, err
}

// instances counts those that there are at the start.
func (r *run) instances() int {
	n := 0
	for _, id := range r.Plan.Graph.IDs() {
		if r.Plan.Graph.Value(id).Kind == plan.Work {
			n++
		}
	}
	return n
}

// variables lists the values that a resumed run must be told, and puts those
// that have a secret in them into the vault.
func (r *run) variables() ([]events.Variable, error) {
	var public []events.Variable
	secret := map[string]json.RawMessage{}
	for _, v := range r.Plan.Variables {
		if !v.Outside {
			continue
		}
		bare, _ := v.Value.UnmarkDeep()
		raw, err := ctyjson.Marshal(bare, cty.DynamicPseudoType)
		if err != nil {
			return nil, fmt.Errorf("record variable %s: %w", v.Name, err)
		}
		if v.Sensitive || r.redactor.touches(raw) {
			secret[v.Name] = raw
			continue
		}
		public = append(public, events.Variable{Name: v.Name, Value: raw})
	}
	if r.Vault == nil {
		return public, nil
	}
	if err := r.Vault.KeepVariables(secret); err != nil {
		return nil, fmt.Errorf("record the sensitive variables: %w", err)
	}
	return public, nil
}

// DescribeBackend is how the journal tells of a backend.
func DescribeBackend(b plan.Backend) (events.Backend, error) {
	e := events.Backend{Name: b.Name, Type: b.Type.Name}
	var err error
	if e.Config, err = encodeConfig(b.Config.Value); err != nil {
		return e, err
	}
	for _, role := range slices.Sorted(maps.Keys(b.Config.Roles)) {
		if e.Roles == nil {
			e.Roles = map[string]json.RawMessage{}
		}
		if e.Roles[string(role)], err = encodeConfig(b.Config.Roles[role]); err != nil {
			return e, err
		}
	}
	return e, nil
}

func encodeConfig(v cty.Value) (json.RawMessage, error) {
	if v == cty.NilVal {
		return nil, nil
	}
	return encodeTyped(v)
}

// concluded is the last event of the run.
func (r *run) concluded(outputs []plan.OutputValue) events.RunEnded {
	f := r.verdict.get()
	e := events.RunEnded{
		Exit: f.exit, Status: statuses[f.exit], Message: f.message, Hint: f.hint,
		Took: time.Since(r.begun), Kept: r.machines.kept(), Flaky: r.flaky(),
	}
	if f.exit == exitPassed && len(e.Flaky) > 0 {
		e.Status = events.StatusFlaky
	}
	for _, o := range outputs {
		raw, err := encodeOutput(o)
		if err != nil {
			raw, _ = json.Marshal(fmt.Sprintf("cannot be shown: %v", err)) // a string can always be encoded
		}
		if e.Outputs == nil {
			e.Outputs = map[string]json.RawMessage{}
		}
		e.Outputs[o.Name] = raw
	}
	return e
}

func encodeOutput(o plan.OutputValue) (json.RawMessage, error) {
	if o.Sensitive || o.Value.ContainsMarked() {
		return json.RawMessage("null"), nil
	}
	return ctyjson.Marshal(o.Value, o.Value.Type())
}
