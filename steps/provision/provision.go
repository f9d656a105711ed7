// Package provision is the step type that makes the machines of a cluster.
package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

const doc = "Makes the nodes of a cluster and waits until each has booted.\n\n" +
	"It has one instance per node, in parallel; every step on a node waits for that node's instance only. " +
	"A boot is complete when systemd says `running` or `degraded`; the units behind `degraded` are listed and do not fail the step. " +
	"Where a workflow has no `provision` for a cluster, the plan adds one. A node that exists already is only waited for."

// Type returns the step type `provision`.
func Type() steps.Type {
	return steps.Type{
		Name: "provision", Doc: doc,
		Placement: steps.EachNode, Role: steps.Provisions, Idempotent: true,
		Schema: schema.Block{Attributes: []schema.Attribute{
			{Name: "cluster", Kind: schema.Cluster, Required: true, Doc: "The cluster, such as `cluster.web`."},
		}},
		Outputs: []schema.Output{
			{Name: "ip", Type: cty.String, Doc: "The node's address in the cluster's network."},
			{Name: "public_ip", Type: cty.String, Doc: "The address from the machine of the tool; often the same."},
			{Name: "state", Type: cty.String, Doc: "`running` or `degraded`."},
			{Name: "failed_units", Type: cty.List(cty.String), Doc: "The units that failed during the boot."},
			{Name: "duration", Type: cty.Number, Doc: "How long it took from the request to the end of the boot, in seconds."},
		},
		New: func(cty.Value) (steps.Step, error) { return step{}, nil },
	}
}

// step needs no argument: the plan made one instance for each node.
type step struct{}

var _ steps.Step = step{}

// Run makes the node of the instance.
func (step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	if env.Node == nil {
		return cty.NilVal, errors.New("provision has no node")
	}
	boot, err := env.Machines.Provision(ctx, env.Node.Cluster, env.Node.Name)
	if err != nil {
		return cty.NilVal, err
	}
	units := cty.ListValEmpty(cty.String)
	if len(boot.FailedUnits) > 0 {
		values := make([]cty.Value, len(boot.FailedUnits))
		for i, u := range boot.FailedUnits {
			values[i] = cty.StringVal(u)
		}
		units = cty.ListVal(values)
		env.Progress(fmt.Sprintf("%s is %s: %v failed", boot.Node.Name, boot.State, boot.FailedUnits))
	}
	return cty.ObjectVal(map[string]cty.Value{
		"ip": address(boot.Node.Private), "public_ip": address(boot.Node.Public),
		"state": cty.StringVal(boot.State), "failed_units": units, "duration": cty.NumberFloatVal(boot.Took.Seconds()),
	}), nil
}

func address(a netip.Addr) cty.Value {
	if !a.IsValid() {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(a.String())
}
