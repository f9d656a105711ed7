package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/backends/docker"
	"github.com/dcosflow/dcosflow/dsl"
)

func (a *app) imageCommand() *cobra.Command {
	var host string
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Build, list and remove node images",
		Long: `Build, list and remove the images from which the Docker backend makes nodes. A run
builds what it needs by itself; its tag carries the hash of the recipe, so that
an unchanged image is never built twice.`,
		Example: `  dcosflow image build debian-12
  dcosflow image list`,
		Args: cobra.ArbitraryArgs,
		RunE: help,
	}
	cmd.PersistentFlags().StringVar(&host, "host", "", "`ADDRESS` of the Docker engine (default: that of DOCKER_HOST, else the local one)")
	cmd.AddCommand(
		a.imageBuildCommand(&host), a.imageListCommand(&host), a.imageRemoveCommand(&host),
	)
	return cmd
}

func (a *app) imageBuildCommand(host *string) *cobra.Command {
	return &cobra.Command{
		Use:   "build NAME",
		Short: "Build the node image of a distribution, unless it exists",
		Long: `Build the node image of a distribution. Nothing is built when the image of the
present recipe exists. A base image that is missing is pulled, or made with
debootstrap where no registry can be reached.`,
		Example:           "  dcosflow image build debian-12",
		Args:              distribution,
		ValidArgsFunction: completeDistributions,
		RunE: action(func(ctx context.Context, args []string) error {
			images, err := docker.NewImages(*host)
			if err != nil {
				return err
			}
			ref, err := images.Build(ctx, args[0], func(line string) { fmt.Fprintln(a.stderr, line) })
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, ref)
			return err
		}),
	}
}

// distribution wants one argument, the name of a distribution.
func distribution(cmd *cobra.Command, args []string) error {
	if err := arguments(1, 1)(cmd, args); err != nil {
		return err
	}
	known := docker.Distributions()
	if slices.Contains(known, args[0]) {
		return nil
	}
	return wrongInput(fmt.Sprintf("The distributions are: %s.", strings.Join(known, ", ")),
		"there is no distribution %q.%s", args[0], dsl.Suggest(args[0], known))
}

func completeDistributions(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return docker.Distributions(), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) imageListCommand(host *string) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the node images that exist",
		Example: "  dcosflow image list",
		Args:    arguments(0, 0),
		RunE: action(func(ctx context.Context, _ []string) error {
			images, err := docker.NewImages(*host)
			if err != nil {
				return err
			}
			list, err := images.List(ctx)
			if err != nil {
				return err
			}
			return a.writeImages(list)
		}),
	}
}

func (a *app) writeImages(list []docker.Image) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "There are no node images. A run builds what it needs; 'dcosflow image build debian-12' does so by hand.")
		return err
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "DISTRIBUTION\tIMAGE\tSIZE\tCREATED\tSTATE")
	for _, i := range list {
		state := "old"
		if i.Current {
			state = "current"
		}
		fmt.Fprintf(t, "%s\t%s\t%d MB\t%s\t%s\n", i.Distribution, i.Ref, i.Size/1e6, i.Created.Format("2006-01-02 15:04"), state)
	}
	return t.Flush()
}

func (a *app) imageRemoveCommand(host *string) *cobra.Command {
	return &cobra.Command{
		Use:               "rm NAME",
		Aliases:           []string{"remove"},
		Short:             "Remove the node images of a distribution",
		Example:           "  dcosflow image rm debian-12",
		Args:              distribution,
		ValidArgsFunction: completeDistributions,
		RunE: action(func(ctx context.Context, args []string) error {
			images, err := docker.NewImages(*host)
			if err != nil {
				return err
			}
			removed, err := images.Remove(ctx, args[0])
			for _, ref := range removed {
				fmt.Fprintf(a.stdout, "removed %s\n", ref)
			}
			if err == nil && len(removed) == 0 {
				fmt.Fprintf(a.stdout, "there is no image of %s\n", args[0])
			}
			return err
		}),
	}
}
