package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the tool",
		Example: "  dcosflow version",
		Args:    arguments(0, 0),
		RunE: action(func(context.Context, []string) error {
			_, err := fmt.Fprintf(a.stdout, "dcosflow %s %s/%s %s\n", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return err
		}),
	}
}
