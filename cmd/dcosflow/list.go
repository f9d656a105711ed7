package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/plan"
)

func (a *app) listCommand() *cobra.Command {
	var in inputs
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [FILE|DIR]",
		Short: "List the runs of a workflow: the variants of its matrix",
		Long: `List the variants of a workflow's matrix with their values, a line for each that
--matrix selects; of a workflow without a matrix, its one run. It needs only the
variables that the matrix uses, and touches nothing. Without an argument it takes
the workflow of the current directory.`,
		Example: `  dcosflow list matrix.hcl
  dcosflow list matrix.hcl --matrix size!=5 --json | jq -r '.variants[].name'`,
		Args:              arguments(0, 1),
		ValidArgsFunction: completeWorkflow,
		RunE: action(func(_ context.Context, args []string) error {
			path, err := a.workflowPath(args)
			if err != nil {
				return err
			}
			return a.list(request{path: path, inputs: in}, asJSON)
		}),
	}
	in.registerVariables(cmd)
	in.registerMatrix(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listView is the JSON of `dcosflow list`.
type listView struct {
	Name string     `json:"name"`
	File string     `json:"file"`
	Axes []axisView `json:"axes"`
	// Variants are the selected ones; empty for a workflow without a matrix.
	Variants []variantView `json:"variants"`
}

func (a *app) list(req request, asJSON bool) error {
	l, err := a.load(req)
	if err != nil {
		return err
	}
	var m *plan.Matrix
	var variants []*plan.Variant
	if l.input.Workflow != nil {
		if m, variants, err = l.variants(req); err != nil {
			return err
		}
		if m == nil && l.input.Workflow.Matrix != nil {
			if _, err = l.build(variants, nil); err != nil {
				return err
			}
		}
	}
	diags := dsl.Sort(l.diags)
	a.show(diags, l.files)
	if diags.HasErrors() {
		return reported(exitInput)
	}
	view := listView{Name: l.input.Workflow.Name, File: a.display(req.path), Axes: viewAxes(m), Variants: []variantView{}}
	for _, v := range variants {
		if v == nil {
			continue
		}
		one, err := viewVariant(view.Name, v)
		if err != nil {
			return err
		}
		view.Variants = append(view.Variants, one)
	}
	if asJSON {
		return a.printJSON(view)
	}
	return a.writeList(view.Name, m, variants)
}

// writeList writes a line for each run.
func (a *app) writeList(workflow string, m *plan.Matrix, variants []*plan.Variant) error {
	if m == nil {
		_, err := fmt.Fprintln(a.stdout, workflow)
		return err
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', 0)
	for _, v := range variants {
		fmt.Fprintf(t, "%s[%s]", workflow, v.Name)
		for _, axis := range m.Axes {
			fmt.Fprintf(t, "\t%s = %s", axis.Name, dsl.ValueText(v.Values[axis.Name]))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
