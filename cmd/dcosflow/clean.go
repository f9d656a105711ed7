package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

func (a *app) cleanCommand() *cobra.Command {
	var c cleaning
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove everything that dead runs left",
		Long: `Remove the machines, volumes, networks and files of all runs whose process does not
live any more, also of those that were kept with --keep. Machines are found by
label, from any directory; files are those below --run-dir, and those that the
machines' labels name. A run whose process lives is left alone, and so is one
that was started on another host, unless --all is given.`,
		Example: `  dcosflow clean --dry-run
  dcosflow clean`,
		Args: arguments(0, 0),
		RunE: action(func(ctx context.Context, _ []string) error { return a.clean(ctx, c) }),
	}
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "say what would be removed, remove nothing")
	cmd.Flags().BoolVar(&c.all, "all", false, "also what belongs to runs that are still at work")
	return cmd
}

type cleaning struct{ dryRun, all bool }

// clean goes on after an error, so that one stuck run does not keep the others.
func (a *app) clean(ctx context.Context, c cleaning) error {
	all, unseen, err := a.remains(ctx)
	if err != nil {
		return err
	}
	errs := []error{unseen}
	removed := 0
	for _, r := range all {
		if r.living && !c.all {
			fmt.Fprintf(a.stdout, "run %s: left alone, %s\n", r.id, whyLiving(r.owner))
			continue
		}
		what := r.machinesText()
		if r.dir != "" {
			what = strings.TrimPrefix(what+", its files", ", ")
		}
		if c.dryRun {
			fmt.Fprintf(a.stdout, "run %s: would remove %s\n", r.id, what)
			removed++
			continue
		}
		if err := a.deleteAll(ctx, r); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(a.stdout, "run %s: removed %s\n", r.id, what)
		removed++
	}
	err = errors.Join(errs...)
	if removed == 0 && err == nil {
		fmt.Fprintln(a.stdout, "There is nothing to clean.")
	}
	return err
}

// deleteAll removes a run while it holds its lock, so that nobody resumes it
// meanwhile; one that lives and is to go all the same keeps its own.
func (a *app) deleteAll(ctx context.Context, r *remains) error {
	if r.dir != "" && !r.living {
		lock, err := journal.Acquire(r.dir, journal.Holder{Owner: journal.Self(), Command: os.Args})
		if err != nil {
			return fmt.Errorf("clean run %s: %w", r.id, err)
		}
		defer func() { _ = lock.Release() }() // its file is gone by then
		if err := a.settle(ctx, r.dir, func() error { return r.deleteMachines(ctx) }); err != nil {
			return err
		}
	} else if err := r.deleteMachines(ctx); err != nil {
		return err
	}
	return r.deleteFiles()
}

// whyLiving says why a run counts as living.
func whyLiving(o events.Owner) string {
	if o.Host != journal.Self().Host {
		return ownerText(o) + " cannot be seen from here"
	}
	return ownerText(o) + " is still at work"
}
