package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
)

func (a *app) execCommand() *cobra.Command {
	var run string
	cmd := &cobra.Command{
		Use:                   "exec NODE [--run RUN] -- CMD [ARG...]",
		DisableFlagsInUseLine: true,

		Short: "Run a command on a node",
		Long: `Run a command on a node of a run, by default the newest one. Input and output are
passed through, and so is the exit code. NODE is a node's name, or CLUSTER/NAME
where two clusters have nodes of that name.`,
		Example: `  dcosflow exec member-0 -- systemctl status etcd
  dcosflow exec etcd/member-0 --run 20261121-0240 -- sh -c 'cat > /tmp/x' < x`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 || cmd.ArgsLenAtDash() > 1 {
				return wrongInput("Usage: "+cmd.UseLine(), "dcosflow exec wants a node and a command")
			}
			return nil
		},
		RunE: action(func(ctx context.Context, args []string) error {
			r, err := a.recordOrNewest(run)
			if err != nil {
				return asWrongInput(err)
			}
			clusters, err := a.machines(ctx, r)
			if err != nil {
				return err
			}
			node, err := findNode(r, clusters, args[0])
			if err != nil {
				return err
			}
			return a.exec(ctx, node, args[1:])
		}),
	}
	cmd.Flags().StringVar(&run, "run", "", "the `RUN`, by its id or a beginning of it (default: the newest one)")
	return cmd
}

func (a *app) recordOrNewest(run string) (*record, error) {
	if run == "" {
		return a.record()
	}
	return a.record(run)
}

func (a *app) exec(ctx context.Context, node backends.Node, args []string) error {
	// The command on the node must end before this process does.
	defer surviveClosedPipes()()
	err := node.Transport.Run(ctx, backends.Command{
		Args: args, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
	})
	var exit *backends.ExitError
	if errors.As(err, &exit) {
		return reported(exit.Code)
	}
	if errors.Is(err, syscall.EPIPE) {
		return reported(128 + int(syscall.SIGPIPE))
	}
	return err
}

// findNode finds a machine by NAME or CLUSTER/NAME.
func findNode(r *record, clusters []clusterNodes, name string) (backends.Node, error) {
	var found []backends.Node
	var names []string
	for _, c := range clusters {
		for _, n := range c.nodes {
			full := n.Cluster + "/" + n.Name
			if name == n.Name || name == full {
				found = append(found, n)
			}
			names = append(names, n.Name, full)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return backends.Node{}, wrongInput(fmt.Sprintf("Write %s/%s or %s/%s.", found[0].Cluster, name, found[1].Cluster, name),
			"%d clusters of run %s have a node %q", len(found), r.id, name)
	case len(names) == 0:
		return backends.Node{}, wrongInput("`dcosflow run --keep always` leaves the nodes of a run.", "run %s has no machines any more", r.id)
	default:
		return backends.Node{}, wrongInput("Its nodes are: "+nodeList(clusters)+".", "run %s has no node %q.%s", r.id, name, dsl.Suggest(name, names))
	}
}

func nodeList(clusters []clusterNodes) string {
	var names []string
	for _, c := range clusters {
		for _, n := range c.nodes {
			names = append(names, n.Cluster+"/"+n.Name)
		}
	}
	return strings.Join(names, ", ")
}
