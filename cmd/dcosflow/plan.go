package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/plan"
)

func (a *app) planCommand() *cobra.Command {
	var in inputs
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan [FILE|DIR]",
		Short: "Show what a run would do, without touching anything",
		Long: `Show the instances of all steps in waves, with what each needs, and where the
values of variables come from; then how long the run will take, as earlier runs
of the workflow below --run-dir took, and the critical path. It starts nothing
and needs no Docker. Without an argument it plans the workflow of the current
directory.

Of a workflow with a matrix it shows which variants there are and how large each
is; --matrix selects one of them to be shown in full.`,
		Example: `  dcosflow plan upgrade-test.hcl --var expect=3.5.16
  dcosflow plan upgrade-test.hcl --json | jq -r '.instances[].address'
  dcosflow plan matrix.hcl --matrix distribution=debian-12 --matrix size=3`,
		Args:              arguments(0, 1),
		ValidArgsFunction: completeWorkflow,
		RunE: planning(&in, func(_ context.Context, args []string) error {
			path, err := a.workflowPath(args)
			if err != nil {
				return err
			}
			seeded := func() (plan.Run, error) { return plan.Run{Seed: in.seed}, nil }
			c, err := a.compile(request{path: path, inputs: in, run: seeded, json: asJSON})
			if err != nil {
				return err
			}
			return a.showPlans(c, a.display(path), asJSON)
		}),
	}
	in.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	return cmd
}

// showPlans shows the plan of the one run, or in short those of several variants.
func (a *app) showPlans(c *compiled, file string, asJSON bool) error {
	if len(c.plans) > 1 {
		view, err := viewVariants(c, file)
		if err != nil {
			return err
		}
		if asJSON {
			return a.printJSON(view)
		}
		return view.write(a.stdout)
	}
	view, err := viewPlan(c.plans[0], file)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(view)
	}
	return view.write(a.stdout)
}
