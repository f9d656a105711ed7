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
			_, err := fmt.Fprintf(a.stdout, "dcosflow %s\n", versionText())
			return err
		}),
	}
}

// versionText is what people put into reports of bugs.
func versionText() string {
	return fmt.Sprintf("%s %s/%s %s", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
