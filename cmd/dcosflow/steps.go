package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/steps"
)

func (a *app) stepsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "steps [TYPE]",
		Short: "List the step types and backends, or document one of them",
		Long: `List the step types and the backends that a workflow may use. With a TYPE, print
its arguments, blocks and outputs as Markdown.`,
		Example: `  dcosflow steps
  dcosflow steps run`,
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeTypes,
		RunE: action(func(_ context.Context, args []string) error {
			if len(args) == 0 {
				return a.listTypes(a.stdout)
			}
			return a.documentType(args[0])
		}),
	}
}

func (a *app) listTypes(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "Step types:")
	for i := range a.steps {
		fmt.Fprintf(t, "  %s\t%s\n", a.steps[i].Name, a.steps[i].Summary())
	}
	fmt.Fprintln(t, "\nBackends:")
	for i := range a.backends {
		fmt.Fprintf(t, "  %s\t%s\n", a.backends[i].Name, steps.Summary(a.backends[i].Doc))
	}
	fmt.Fprintln(t, "\nRun 'dcosflow steps TYPE' for the arguments, blocks and outputs of one.")
	return t.Flush()
}

func (a *app) documentType(name string) error {
	for i := range a.steps {
		if a.steps[i].Name == name {
			_, err := io.WriteString(a.stdout, steps.Markdown(&a.steps[i]))
			return err
		}
	}
	for i := range a.backends {
		if a.backends[i].Name == name {
			_, err := io.WriteString(a.stdout, steps.BackendMarkdown(&a.backends[i]))
			return err
		}
	}
	names := a.typeNames()
	return wrongInput(fmt.Sprintf("The types are: %s.", strings.Join(names, ", ")),
		"there is no step type or backend %q.%s", name, dsl.Suggest(name, names))
}

func (a *app) typeNames() []string {
	names := make([]string, 0, len(a.steps)+len(a.backends))
	for i := range a.steps {
		names = append(names, a.steps[i].Name)
	}
	for i := range a.backends {
		names = append(names, a.backends[i].Name)
	}
	return names
}

func (a *app) completeTypes(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.typeNames(), cobra.ShellCompDirectiveNoFileComp
}
