package main

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/events/report"
)

func (a *app) nodesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "nodes [RUN]",
		Short: "List the nodes of a run and how to enter them",
		Long: `List the nodes of a run, by default the newest one: role, index, name, address and
state. A run is named by its id or a beginning of it.`,
		Example: `  dcosflow nodes
  dcosflow nodes 20261121-0240`,
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeRuns,
		RunE: action(func(ctx context.Context, args []string) error {
			r, err := a.record(args...)
			if err != nil {
				return asWrongInput(err)
			}
			clusters, err := a.machines(ctx, r)
			if err != nil {
				return err
			}
			return a.writeNodes(r, clusters)
		}),
	}
}

func (a *app) writeNodes(r *record, clusters []clusterNodes) error {
	fmt.Fprintf(a.stdout, "run %s of %s, %s\n", r.id, r.run.Started.Title(), runState(r))
	t := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "CLUSTER\tROLE\tINDEX\tNAME\tIP\tID\tSTATE")
	var enter *backends.Node
	for _, c := range clusters {
		for _, known := range c.cluster.Nodes {
			i := slices.IndexFunc(c.nodes, func(n backends.Node) bool { return n.Name == known.Name })
			id := "-"
			if i >= 0 {
				id = shortID(c.nodes[i].ID)
				enter = firstOf(enter, &c.nodes[i])
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n",
				c.cluster.Name, known.Role, known.Index, known.Name, orDash(known.IP), id, nodeState(known, i >= 0))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if enter != nil {
		fmt.Fprintf(a.stdout, "\nTo enter a node:\n  %s\n  dcosflow exec --run %s %s -- CMD\n", report.SSH(a.display(r.dir), enter.Private.String()), r.id, enter.Name)
	}
	return nil
}

// runState says what became of a run and whether someone is still at it.
func runState(r *record) string {
	switch {
	case r.run.Ended != nil:
		return string(r.run.Ended.Status)
	case journal.Alive(r.run.Started.Owner):
		return "at work"
	default:
		return "ended without a word: its process is gone"
	}
}

func nodeState(n events.NodeState, exists bool) string {
	switch {
	case !exists && n.Booted:
		return "removed"
	case !exists:
		return "does not exist"
	case !n.Booted:
		return "booting"
	default:
		return n.Boot
	}
}

func firstOf(have, next *backends.Node) *backends.Node {
	if have != nil {
		return have
	}
	return next
}

func shortID(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return orDash(id)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
