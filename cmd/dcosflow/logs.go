package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/plan"
)

func (a *app) logsCommand() *cobra.Command {
	var f logFlags
	cmd := &cobra.Command{
		Use:   "logs [RUN] ADDR",
		Short: "Print what a step has printed",
		Long: `Print what the instances of a step have printed, byte for byte: their standard
output here goes to the standard output, their error output to the error output.
With several instances each line begins with the address of its own. It is that of
the last attempt unless --attempt says which.

ADDR is the address of a step, an instance or a group. Without RUN it is the newest
run.`,
		Example: `  dcosflow logs step.upgrade
  dcosflow logs 20261121-0240 'step.upgrade["member-0"]'
  dcosflow logs step.upgrade --node member-0 -f`,
		Args:              arguments(1, 2),
		ValidArgsFunction: a.completeRuns,
		RunE: action(func(ctx context.Context, args []string) error {
			r, err := a.record(args[:len(args)-1]...)
			if err != nil {
				return asWrongInput(err)
			}
			f.address = givenAddress(args[len(args)-1])
			return a.logs(ctx, r, f)
		}),
	}
	cmd.Flags().StringVar(&f.node, "node", "", "only what ran on the `NODE`")
	cmd.Flags().IntVar(&f.attempt, "attempt", 0, "the output of the attempt `N` instead of the last one; those of a group that began anew count on")
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on until the step or the run ends")
	return cmd
}

type logFlags struct {
	address string
	node    string
	attempt int
	follow  bool
}

func (f *logFlags) match(run *events.Run) []*events.Instance {
	var matching []*events.Instance
	for _, i := range run.Instances {
		if plan.Within(dag.ID(i.Address), f.address) && (f.node == "" || f.node == i.Node) {
			matching = append(matching, i)
		}
	}
	return matching
}

// logPause is how often a log that is followed is looked at.
const logPause = 200 * time.Millisecond

func (a *app) logs(ctx context.Context, r *record, f logFlags) error {
	if f.attempt < 0 || f.attempt > 0 && f.follow {
		return wrongInput("Leave --attempt out for the last one.", "--attempt %d is not possible here", f.attempt)
	}
	out := &logPrinter{dir: r.dir, stdout: a.stdout, stderr: a.stderr, attempt: f.attempt}
	for first := true; ; first = false {
		s, err := journal.Glance(r.dir) // before the journal, so that nothing is missed
		if err != nil {
			return fmt.Errorf("open run %s: %w", r.id, err)
		}
		run, err := journal.Load(r.dir)
		if err != nil {
			return fmt.Errorf("open run %s: %w", r.id, err)
		}
		matching := f.match(run)
		goesOn := f.follow && living(s)
		if len(matching) == 0 && !goesOn {
			return f.unknown(r.id, run)
		}
		if len(matching) == 0 && first {
			fmt.Fprintf(a.stderr, "%s has not started yet\n", f.address)
		}
		if err := out.print(matching); err != nil {
			return err
		}
		if !goesOn || f.over(matching) {
			return a.endLogs(out)
		}
		if err := wait(ctx, logPause); err != nil {
			return err
		}
	}
}

func (a *app) endLogs(out *logPrinter) error {
	if !out.printed {
		fmt.Fprintln(a.stderr, "nothing was printed")
	}
	return out.flush()
}

// over says that nothing more can come: a fan-out may still grow.
func (f *logFlags) over(matching []*events.Instance) bool {
	return len(matching) == 1 && matching[0].Address == f.address && matching[0].State != ""
}

func (f *logFlags) unknown(id string, run *events.Run) error {
	var known []string
	for _, i := range run.Instances {
		step, _, _ := strings.Cut(i.Address, "[")
		known = append(known, i.Address, step)
	}
	if f.node != "" && (&logFlags{address: f.address}).match(run) != nil {
		return wrongInput("Leave --node out for all nodes.", "%s did not run on the node %q in run %s", f.address, f.node, id)
	}
	return wrongInput(fmt.Sprintf("`dcosflow show %s` lists the steps.", id), "no step of run %s has begun whose address is %s.%s", id, f.address, dsl.Suggest(f.address, known))
}
