package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

func (a *app) destroyCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "destroy [RUN]",
		Short: "Remove the machines of a run; its record stays",
		Long: `Remove the containers, volumes and networks of a run, by default the newest one.
They are found by label, so this also works from another directory when the
whole id is given. The journal and the logs stay. Spans that the run left open on
machines that stay are ended first. A run whose process still
lives is refused: stop that process, or give --force.`,
		Example: `  dcosflow destroy
  dcosflow destroy 20261121-024051-k3f9`,
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeRuns,
		RunE: action(func(ctx context.Context, args []string) error {
			return a.destroy(ctx, args, force)
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "also when the process of the run still lives")
	return cmd
}

func (a *app) destroy(ctx context.Context, args []string, force bool) error {
	r, err := a.doomed(ctx, args)
	if err != nil {
		return err
	}
	if r.living && !force {
		return wrongInput("Stop it with Ctrl-C, then it removes its machines itself; or give --force.",
			"run %s is still at work: %s", r.id, ownerText(r.owner))
	}
	if err := a.destroyMachines(ctx, r); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "run %s: removed %s\n", r.id, cmp.Or(r.machinesText(), "nothing, it had no machines"))
	return err
}

// destroyMachines removes the machines of a run, and records it unless a process
// still writes to the record.
func (a *app) destroyMachines(ctx context.Context, r *remains) (err error) {
	if r.dir == "" || r.living {
		return r.deleteMachines(ctx)
	}
	lock, err := journal.Acquire(r.dir, journal.Holder{Owner: journal.Self(), Command: os.Args})
	if err != nil {
		return fmt.Errorf("destroy run %s: %w", r.id, err)
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	return a.settle(ctx, r.dir, func() error { return r.deleteMachines(ctx) })
}

// doomed finds a run by its record, else by the labels of its machines.
func (a *app) doomed(ctx context.Context, args []string) (*remains, error) {
	var id string
	r, err := a.record(args...)
	var unknown *unknownRunError
	switch {
	case err == nil:
		id = r.id
	case errors.As(err, &unknown):
		id = unknown.id
	default:
		return nil, err
	}
	all, unseen, err := a.remains(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(r *remains) bool { return r.id == id })
	switch {
	case i >= 0:
		return all[i], nil
	case unseen != nil:
		return nil, unseen
	default:
		return nil, asWrongInput(unknown)
	}
}

func ownerText(o events.Owner) string {
	return fmt.Sprintf("process %d on %s", o.PID, o.Host)
}
