package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/dsl"
)

func (a *app) validateCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [FILE|DIR]",
		Short: "Check everything that can be checked without variable values",
		Long: `Check a workflow: syntax, references, types, arguments, cycles. It needs no values
of variables and no Docker, and it shows all mistakes at once. Without an
argument it checks the workflow of the current directory.

Of a matrix it checks as many variants as are needed to see each value once;
plan checks all of them.`,
		Example: `  dcosflow validate upgrade-test.hcl
  dcosflow validate upgrade-test.hcl --json`,
		Args:              arguments(0, 1),
		ValidArgsFunction: completeWorkflow,
		RunE: action(func(_ context.Context, args []string) error {
			path, err := a.workflowPath(args)
			if err != nil {
				return err
			}
			return a.validate(path, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the diagnostics as JSON")
	return cmd
}

// validation is the JSON of `dcosflow validate --json`, and of `plan --json` when
// there is no plan.
type validation struct {
	Valid       bool                 `json:"valid"`
	Errors      int                  `json:"error_count"`
	Warnings    int                  `json:"warning_count"`
	Diagnostics []dsl.DiagnosticView `json:"diagnostics"`
}

func validationOf(diags hcl.Diagnostics, files map[string]*hcl.File) validation {
	errors := len(diags.Errs())
	return validation{Valid: errors == 0, Errors: errors, Warnings: len(diags) - errors, Diagnostics: dsl.JSON(diags, files)}
}

// validated is a workflow with all that is wrong with it. Of a matrix, each value
// is looked at in one variant.
func (a *app) validated(path string) (*loaded, error) {
	req := request{path: path, static: true}
	l, err := a.load(req)
	if err != nil || l.input.Workflow == nil {
		return l, err
	}
	_, variants, err := l.variants(req)
	if err == nil {
		_, err = l.build(variants, nil)
	}
	return l, err
}

func (a *app) validate(path string, asJSON bool) error {
	l, err := a.validated(path)
	if err != nil {
		return err
	}
	diags, files := dsl.Sort(l.diags), l.files
	errors := len(diags.Errs())
	if asJSON {
		err = a.printJSON(validationOf(diags, files))
	} else {
		a.show(diags, files)
		if errors == 0 {
			_, err = fmt.Fprintf(a.stdout, "%s is valid\n", a.display(path))
		}
	}
	if err == nil && errors > 0 {
		return reported(exitInput)
	}
	return err
}
