package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

const defaultRunDir = ".dcosflow/runs"

// record is a run on disk.
type record struct {
	id, dir string
	// run is what its journal says.
	run *events.Run
}

// runs is the directory that holds those of the runs, absolute.
func (a *app) runs() string { return a.absolute(a.runDir) }

// recorded lists the runs on disk, the oldest first: ids begin with the second
// in which a run was made.
func (a *app) recorded() ([]journal.Summary, error) {
	list, err := journal.Runs(a.runs())
	if err != nil {
		return nil, fmt.Errorf("list the runs in %s: %w", a.runs(), err)
	}
	slices.SortStableFunc(list, func(x, y journal.Summary) int {
		return cmp.Or(strings.Compare(second(x.ID), second(y.ID)), x.StartedAt.Compare(y.StartedAt))
	})
	return list, nil
}

func second(id string) string { return id[:min(len(id), len(idTime))] }

// living says whether a process is still at work on a run. A run that has
// ended is nobody's, even if the process goes on with something else.
func living(s journal.Summary) bool {
	return s.Alive || s.Status == events.StatusRunning && journal.Alive(s.Owner)
}

// record opens the run that the argument names, by its id or a beginning that
// no other has, else the newest one.
func (a *app) record(args ...string) (*record, error) {
	list, err := a.recorded()
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		if len(list) == 0 {
			return nil, wrongInput(runDirHint, "there is no run in %s", a.runs())
		}
		return open(list[len(list)-1])
	}
	var ids []string
	var matching []journal.Summary
	for _, s := range list {
		if s.ID == args[0] {
			return open(s)
		}
		if strings.HasPrefix(s.ID, args[0]) {
			matching = append(matching, s)
		}
		ids = append(ids, s.ID)
	}
	switch len(matching) {
	case 1:
		return open(matching[0])
	case 0:
		return nil, &unknownRunError{id: args[0], dir: a.runs(), near: dsl.Suggest(args[0], ids)}
	default:
		return nil, wrongInput("", "%q is the beginning of several runs: the first are %s and %s", args[0], matching[0].ID, matching[1].ID)
	}
}

const runDirHint = "Runs are looked for in the directory --run-dir."

// unknownRunError is a run that has no directory here. It may have machines
// all the same: destroy then looks for them by label.
type unknownRunError struct{ id, dir, near string }

func (e *unknownRunError) Error() string {
	return fmt.Sprintf("there is no run %q in %s.%s", e.id, e.dir, e.near)
}

// asWrongInput makes an unknown run the user's mistake.
func asWrongInput(err error) error {
	var unknown *unknownRunError
	if errors.As(err, &unknown) {
		return wrongInput(runDirHint, "%w", unknown)
	}
	return err
}

func open(s journal.Summary) (*record, error) {
	run, err := journal.Load(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("open run %s: %w", s.ID, err)
	}
	return &record{id: s.ID, dir: s.Dir, run: run}, nil
}

// backend makes a backend of a run as its journal describes it.
func (a *app) backend(r *record, name string) (backends.Backend, error) {
	for _, b := range r.run.Started.Backends {
		if b.Name == name {
			return a.reopen(b)
		}
	}
	return nil, fmt.Errorf("run %s has no backend %q", r.id, name)
}

func (a *app) reopen(b events.Backend) (backends.Backend, error) {
	i := slices.IndexFunc(a.backends, func(t backends.Type) bool { return t.Name == b.Type })
	if i < 0 {
		return nil, fmt.Errorf("backend %s is of the type %q, which this dcosflow does not have", b.Name, b.Type)
	}
	config := backends.Config{Name: b.Name, Roles: map[backends.Role]cty.Value{}}
	var err error
	if config.Value, err = typedValue(b.Config); err != nil {
		return nil, fmt.Errorf("read the configuration of backend %s: %w", b.Name, err)
	}
	for role, raw := range b.Roles {
		if config.Roles[backends.Role(role)], err = typedValue(raw); err != nil {
			return nil, fmt.Errorf("read role %s of backend %s: %w", role, b.Name, err)
		}
	}
	return a.backends[i].New(config)
}

func typedValue(raw json.RawMessage) (cty.Value, error) {
	return ctyjson.Unmarshal(raw, cty.DynamicPseudoType)
}

// clusterNodes are the machines of one cluster of a run.
type clusterNodes struct {
	cluster *events.ClusterState
	nodes   []backends.Node
}

// machines asks the backends which machines of a run exist.
func (a *app) machines(ctx context.Context, r *record) ([]clusterNodes, error) {
	var all []clusterNodes
	for _, c := range r.run.Clusters {
		b, err := a.backend(r, c.Backend)
		if err != nil {
			return nil, err
		}
		nodes, err := b.Nodes(ctx, backends.Key{Run: r.id, Cluster: c.Name})
		if err != nil {
			return nil, fmt.Errorf("list the nodes of cluster %s: %w", c.Name, err)
		}
		all = append(all, clusterNodes{c, nodes})
	}
	return all, nil
}

func (a *app) completeRuns(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	list, err := a.recorded()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ids := make([]string, len(list))
	for i, s := range list {
		ids[i] = s.ID
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
