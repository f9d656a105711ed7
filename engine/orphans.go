package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/steps"
)

// Orphans are the spans that the processes of a run left open when they died.
type Orphans struct {
	// Run is the fold of the journal; its Spans are to be ended.
	Run *events.Run
	// Types are the step types that there are.
	Types []steps.Type
	// Backends are those of the run, by name; the spans on others are left.
	Backends map[string]backends.Backend
	// Local reaches the machine of the tool.
	Local backends.Transport
	Vault Vault
	// Publish is told of every span that was ended, or could not be.
	Publish func(events.Event) error
}

// End ends the spans, the last one first. What was on a node that does not exist
// any more needs no end.
func (o Orphans) End(ctx context.Context) error {
	m := &machines{publish: func(events.Event) {}}
	for _, c := range o.Run.Clusters {
		b := o.Backends[c.Backend]
		if b == nil {
			continue
		}
		left := &cluster{name: c.Name, backend: b, spec: backends.Spec{
			Key: backends.Key{Run: o.Run.Started.Run, Cluster: c.Name}, Dir: o.Run.Started.Dir,
		}}
		if err := left.look(ctx); err != nil {
			return err
		}
		for _, n := range left.found {
			left.nodes = append(left.nodes, n)
		}
		m.clusters = append(m.clusters, left)
	}
	known := func(s *events.OpenSpan) bool { return s.Cluster == "" || o.Backends[o.backendOf(s.Cluster)] != nil }
	return o.endAll(ctx, m, known)
}

func (o *Orphans) backendOf(cluster string) string {
	i := slices.IndexFunc(o.Run.Clusters, func(c *events.ClusterState) bool { return c.Name == cluster })
	if i < 0 {
		return ""
	}
	return o.Run.Clusters[i].Backend
}

func (o *Orphans) endAll(ctx context.Context, m *machines, wanted func(*events.OpenSpan) bool) error {
	var errs []error
	for _, s := range slices.Backward(slices.Clone(o.Run.Spans)) {
		if !wanted(s) {
			continue
		}
		e := events.SpanEnded{Address: s.Address, Orphan: true}
		if err := o.end(ctx, m, s); err != nil {
			e.Message = err.Error()
			errs = append(errs, &backends.TroubleError{
				Op: "end " + s.Address + ", which was left open", Err: err,
				Hint: fmt.Sprintf("`dcosflow destroy %s` removes the machines of the run, and what is left on them", o.Run.Started.Run),
			})
		}
		errs = append(errs, o.Publish(e))
	}
	return errors.Join(errs...)
}

// end ends one span by what the journal says about it.
func (o *Orphans) end(ctx context.Context, m *machines, s *events.OpenSpan) error {
	at := slices.IndexFunc(o.Types, func(t steps.Type) bool { return t.Name == s.Type })
	if at < 0 || o.Types[at].NewSpan == nil {
		return fmt.Errorf("this dcosflow has no spans of the type %q", s.Type)
	}
	env := steps.Env{
		Address: s.Address, Run: o.Run.Started.Run, Dir: o.Run.Started.Dir, WorkflowDir: o.Run.Started.Dir,
		Local: o.Local, Machines: m, Stdout: io.Discard, Stderr: io.Discard, StopTimeout: s.StopTimeout,
		Progress: func(string) {},
	}
	if s.Node != "" {
		node, exists := m.left(s.Cluster, s.Node)
		if !exists {
			return nil
		}
		env.Node = &node
	}
	cfg, err := o.value(s.Config, s.Secret, startID(s.Address))
	if err != nil {
		return err
	}
	started := cty.NilVal
	if s.Held != nil {
		if started, err = o.value(s.Held.Started, s.Held.Secret, startedKey(s.Address)); err != nil {
			return err
		}
	}
	return guarded(io.Discard, func() error {
		span, err := o.Types[at].NewSpan(cfg)
		if err == nil {
			_, err = endSpan(ctx, span, env, started)
		}
		return err
	})
}

// startID is that of the vertex that opens a span; the vault has its
// configuration by this name.
func startID(address string) string { return address + ":start" }

// value reads what hideSpan wrote.
func (o *Orphans) value(raw json.RawMessage, secret bool, key string) (cty.Value, error) {
	if secret {
		var ok bool
		if o.Vault != nil {
			raw, ok = o.Vault.Output(key)
		}
		if !ok {
			return cty.NilVal, errors.New("what it was given is secret, and lost")
		}
	}
	if len(raw) == 0 {
		return cty.NilVal, nil
	}
	v, err := ctyjson.Unmarshal(raw, cty.DynamicPseudoType)
	if err != nil {
		return cty.NilVal, fmt.Errorf("read what the journal has of it: %w", err)
	}
	return v, nil
}

// endOrphans ends what earlier processes left open, before anything runs.
func (r *run) endOrphans(ctx context.Context) error {
	if r.Resume == nil {
		return nil
	}
	o := Orphans{Run: r.Resume.Run, Types: r.Types, Local: r.Local, Vault: r.Vault, Publish: r.record}
	return r.await(func() error {
		return o.endAll(ctx, r.machines, func(*events.OpenSpan) bool { return true })
	})
}
