package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/plan"
)

// resumeFlags are the flags of `resume`.
type resumeFlags struct {
	runFlags
	from []string
}

func (a *app) resumeCommand() *cobra.Command {
	var f resumeFlags
	cmd := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "Go on with a run from where it stopped",
		Long: `Go on with a run that failed, was interrupted, or died, by default the newest
one. The workflow may have been edited meanwhile.

What succeeded is reused when its arguments, the files it was given, and all that
it waits for are as they were; else it runs again. What runs on a node that does
not exist any more runs again on a new one. Finalisers always run. The list is
shown before anything starts.

Variables keep the values they were given, unless they are given anew.`,
		Example: `  dcosflow resume
  dcosflow resume 20261121-0240 --from 'step.upgrade["master-1"]'`,
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			return asFailure(a.resume(cmd.Context(), args, f))
		},
	}
	f.registerVariables(cmd)
	f.registerRun(cmd)
	cmd.Flags().StringArrayVar(&f.from, "from", nil, "run the step or instance `ADDR` again in any case, and what waits for it; may be repeated")
	return cmd
}

// resume checks everything that can be checked before it touches the run.
func (a *app) resume(ctx context.Context, args []string, f resumeFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	r, err := a.record(args...)
	if err != nil {
		return asWrongInput(err)
	}
	if err := resumable(r, f); err != nil {
		return err
	}
	path := cmp.Or(r.run.Started.Path, a.absolute(r.run.Started.File))
	if _, err := os.Stat(path); err != nil {
		return wrongInput("Put it back, or begin a new run with `dcosflow run`.", "read the workflow of run %s: %w", r.id, err)
	}
	d, err := oldDesk(r.dir)
	var locked *journal.LockedError
	if errors.As(err, &locked) {
		return wrongInput("Wait for its end, or stop it with Ctrl-C.", "run %s is still at work: %s", r.id, ownerText(locked.Holder.Owner))
	}
	if err != nil {
		return fmt.Errorf("resume run %s: %w", r.id, err)
	}
	r.run = d.earlier
	e, err := a.resumption(r, d, path, f)
	if err != nil {
		return errors.Join(err, d.close())
	}
	return a.execute(ctx, e)
}

// resumable refuses runs that nothing is left to do in, and such of which
// nothing is known.
func resumable(r *record, f resumeFlags) error {
	switch {
	case r.run.Started.Run == "":
		return wrongInput("Begin a new one with `dcosflow run`; `dcosflow clean` removes this one.",
			"run %s was killed before it began: its journal is empty", r.id)
	case (r.run.Status == events.StatusPassed || r.run.Status == events.StatusFlaky) && len(f.from) == 0:
		return wrongInput("`--from ADDR` runs a part of it again.", "run %s has passed: nothing is left to do", r.id)
	}
	return nil
}

// resumption plans the workflow as it is now, with the variables, the seed and
// the settings of the earlier run.
func (a *app) resumption(r *record, d *desk, path string, f resumeFlags) (execution, error) {
	started := r.run.Started
	f.seed = started.Seed
	f.keep = cmp.Or(f.keep, started.Keep)
	var err error
	if f.recorded, err = recordedValues(started.Variables, d.secrets); err != nil {
		return execution{}, fmt.Errorf("resume run %s: %w", r.id, err)
	}
	f.origin = "run " + r.id
	c, err := a.compile(request{
		path: path, inputs: f.inputs, again: &started,
		run: func() (plan.Run, error) { return plan.Run{ID: r.id, Seed: f.seed, Dir: r.dir}, nil },
	})
	if err != nil {
		return execution{}, err
	}
	p := c.plans[0]
	if err := checkAddresses(p, r.run, f.from); err != nil {
		return execution{}, err
	}
	outdated, err := a.outdated(r, p)
	if err != nil {
		return execution{}, err
	}
	e, err := a.execution(p, path, f.runFlags)
	e.desk, e.from, e.outdated = d, f.from, outdated
	return e, err
}

// recordedValues are the values that an earlier run was given.
func recordedValues(public []events.Variable, secrets *journal.Secrets) (map[string]cty.Value, error) {
	all := maps.Clone(secrets.Variables())
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	for _, v := range public {
		all[v.Name] = v.Value
	}
	values := map[string]cty.Value{}
	for name, raw := range all {
		v, err := typedValue(raw)
		if err != nil {
			return nil, fmt.Errorf("read variable %s: %w", name, err)
		}
		values[name] = v
	}
	return values, nil
}

// checkAddresses refuses an address that means nothing. Instances of a fan-out
// whose keys are known only later are those that there were.
func checkAddresses(p *plan.Plan, earlier *events.Run, from []string) error {
	known := map[string]bool{}
	for _, id := range p.Graph.IDs() {
		switch p.Graph.Value(id).Kind {
		case plan.Work, plan.Expander, plan.Region:
			known[string(id)], known[stepOf(id)] = true, true
		}
	}
	for _, i := range earlier.Instances {
		for at, c := range i.Address {
			if c == '[' && known[i.Address[:at]+"[*]"] {
				known[i.Address] = true
			}
		}
	}
	for _, address := range from {
		if !known[address] {
			return wrongInput("`dcosflow plan` lists the addresses.", "--from %s: there is no such step or instance.%s",
				address, dsl.Suggest(address, slices.Sorted(maps.Keys(known))))
		}
	}
	return nil
}

// outdated finds the clusters of an earlier run that the plan declares
// otherwise, with other nodes or on another backend, or not any more.
func (a *app) outdated(r *record, p *plan.Plan) ([]engine.Outdated, error) {
	declared := map[string]string{}
	for _, c := range p.Clusters {
		var names []string
		for _, n := range c.Nodes {
			names = append(names, n.Name)
		}
		i := slices.IndexFunc(p.Backends, func(b plan.Backend) bool { return b.Name == c.Backend })
		described, err := engine.DescribeBackend(p.Backends[i])
		if err != nil {
			return nil, err
		}
		declared[c.Name] = backendKey(described) + " " + strings.Join(names, " ")
	}
	var all []engine.Outdated
	for _, c := range r.run.Clusters {
		var names []string
		for _, n := range c.Nodes {
			names = append(names, n.Name)
		}
		i := slices.IndexFunc(r.run.Started.Backends, func(b events.Backend) bool { return b.Name == c.Backend })
		if i < 0 || !c.Allocated || c.Deleted {
			continue
		}
		was := r.run.Started.Backends[i]
		if declared[c.Name] == backendKey(was)+" "+strings.Join(names, " ") {
			continue
		}
		b, err := a.reopen(was)
		if err != nil {
			return nil, err
		}
		all = append(all, engine.Outdated{Cluster: c.Name, Backend: b})
	}
	return all, nil
}
