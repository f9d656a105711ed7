package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/schema"
)

// remains is what there is of a run: machines on backends, and its directory.
type remains struct {
	id    string
	owner events.Owner
	// living says that a process is still at work on it, or may be.
	living bool
	// dir is empty when no directory of the run is known.
	dir      string
	machines []machines
	// err says why it is not known what there is.
	err error
}

// machines are what a run has on one backend.
type machines struct {
	backend backends.Backend
	remnant backends.Remnant
	// nodes counts the machines on a backend that has no remnants.
	nodes int
}

// remains looks for what all runs have left, on the backends as a workflow
// without arguments would use them, on those that runs of this directory
// recorded, and in the directory of runs. It is sorted by run. Backends without
// arguments that do not answer are unseen: that need not concern any run.
func (a *app) remains(ctx context.Context) (all []*remains, unseen, err error) {
	found := found{}
	standard, err := a.standardBackends()
	if err != nil {
		return nil, nil, err
	}
	for _, b := range standard {
		_, err := found.sweep(ctx, b)
		unseen = errors.Join(unseen, err)
	}
	list, err := a.recorded()
	if err != nil {
		return nil, nil, err
	}
	swept := map[string]*recordedBackend{}
	for _, s := range list {
		run := found.run(s.ID)
		run.dir, run.owner, run.living = s.Dir, s.Owner, living(s)
		for _, b := range s.Started.Backends {
			key := backendKey(b)
			if swept[key] == nil {
				swept[key] = a.sweepRecorded(ctx, found, b)
			}
			run.err = errors.Join(run.err, run.look(ctx, swept[key]))
		}
	}
	return found.sorted(), unseen, nil
}

// standardBackends makes a backend of every type that works without
// arguments.
func (a *app) standardBackends() ([]backends.Backend, error) {
	var made []backends.Backend
	for i := range a.backends {
		t := &a.backends[i]
		value, complete := defaults(&t.Schema)
		if !complete || !t.Destroys {
			continue
		}
		b, err := t.New(backends.Config{Name: t.Name, Value: value})
		if err != nil {
			return nil, fmt.Errorf("use backend %s without arguments: %w", t.Name, err)
		}
		made = append(made, b)
	}
	return made, nil
}

// defaults is the value of a block in which nothing is written; false when
// something must be.
func defaults(b *schema.Block) (cty.Value, bool) {
	attrs := map[string]cty.Value{}
	for i := range b.Attributes {
		attr := &b.Attributes[i]
		attrs[attr.Name] = attr.Default
		if attr.Default == cty.NilVal {
			attrs[attr.Name] = cty.NullVal(attr.ValueType())
		}
		if attr.Required {
			return cty.NilVal, false
		}
	}
	for _, n := range b.Blocks {
		attrs[n.Name] = cty.EmptyTupleVal
		if n.Max == 1 {
			attrs[n.Name] = cty.NullVal(cty.DynamicPseudoType)
		}
		if n.Min > 0 {
			return cty.NilVal, false
		}
	}
	return cty.ObjectVal(attrs), len(b.OneOf) == 0
}

// recordedBackend is a backend that runs recorded, looked at once for all of
// them.
type recordedBackend struct {
	backend backends.Backend
	// sweeps says that it told what all runs left.
	sweeps bool
	err    error
}

func (a *app) sweepRecorded(ctx context.Context, found found, recorded events.Backend) *recordedBackend {
	b, err := a.reopen(recorded)
	if err != nil {
		return &recordedBackend{err: err}
	}
	sweeps, err := found.sweep(ctx, b)
	return &recordedBackend{backend: b, sweeps: sweeps, err: err}
}

// look adds the machines on a backend that cannot tell what all runs left.
func (r *remains) look(ctx context.Context, b *recordedBackend) error {
	if b.err != nil || b.sweeps {
		return b.err
	}
	nodes, err := b.backend.Nodes(ctx, backends.Key{Run: r.id})
	r.machines = append(r.machines, machines{backend: b.backend, nodes: len(nodes)})
	return err
}

// backendKey is equal for backends that are configured alike, whatever their
// names.
func backendKey(b events.Backend) string {
	var key bytes.Buffer
	fmt.Fprintf(&key, "%s %s", b.Type, b.Config)
	for _, role := range slices.Sorted(maps.Keys(b.Roles)) {
		fmt.Fprintf(&key, " %s %s", role, b.Roles[role])
	}
	return key.String()
}

// found holds what was found, by run.
type found map[string]*remains

func (f found) run(id string) *remains {
	if f[id] == nil {
		f[id] = &remains{id: id}
	}
	return f[id]
}

// sweep adds what runs have on a backend; false when it cannot tell. Two
// backends may be the same engine: what is equal in everything counts once.
func (f found) sweep(ctx context.Context, b backends.Backend) (bool, error) {
	sweeper, ok := b.(backends.Sweeper)
	if !ok {
		return false, nil
	}
	remnants, err := sweeper.Remnants(ctx)
	if err != nil {
		return true, err
	}
	for _, r := range remnants {
		run := f.run(r.Run)
		if run.dir == "" {
			run.identify(r)
		}
		same := func(m machines) bool { return m.remnant == r }
		if !slices.ContainsFunc(run.machines, same) {
			run.machines = append(run.machines, machines{backend: b, remnant: r})
		}
	}
	return true, nil
}

// identify finds the directory and the owner of a run by the labels of its
// machines. The name of the directory must be that of the run: it is going to
// be removed.
func (r *remains) identify(m backends.Remnant) {
	r.owner = events.Owner(m.Owner)
	r.living = journal.Alive(r.owner)
	if filepath.Base(m.Dir) != m.Run {
		return
	}
	if s, err := journal.Glance(m.Dir); err == nil {
		// The owner may be another than the labels say: a resumed run is in the
		// hands of whoever holds its lock.
		r.dir, r.owner, r.living = s.Dir, s.Owner, living(s)
	}
}

func (f found) sorted() []*remains {
	var all []*remains
	for _, r := range f {
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y *remains) int { return cmp.Compare(x.id, y.id) })
	return all
}

// deleteMachines removes what a run has on backends.
func (r *remains) deleteMachines(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	for _, m := range r.machines {
		if err := m.backend.Delete(ctx, backends.Key{Run: r.id}); err != nil {
			return fmt.Errorf("remove the machines of run %s: %w", r.id, err)
		}
	}
	return nil
}

// deleteFiles removes the directory of a run, after its machines.
func (r *remains) deleteFiles() error {
	if r.dir == "" {
		return nil
	}
	if err := os.RemoveAll(r.dir); err != nil {
		return fmt.Errorf("remove the files of run %s: %w", r.id, err)
	}
	return nil
}

// machinesText counts the machines: "3 containers, 3 volumes, 1 network".
func (r *remains) machinesText() string {
	var nodes, containers, volumes, networks int
	for _, m := range r.machines {
		nodes += m.nodes
		containers += m.remnant.Containers
		volumes += m.remnant.Volumes
		networks += m.remnant.Networks
	}
	var parts []string
	for _, c := range []struct {
		n    int
		noun string
	}{{nodes, "node"}, {containers, "container"}, {volumes, "volume"}, {networks, "network"}} {
		if c.n > 0 {
			parts = append(parts, count(c.n, c.noun))
		}
	}
	return strings.Join(parts, ", ")
}
