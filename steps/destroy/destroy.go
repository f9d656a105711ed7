// Package destroy is the step type that removes the machines of a cluster.
package destroy

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

const doc = "Removes all machines, volumes and networks of a cluster.\n\n" +
	"It is a finaliser, so it needs `when = \"always\"` or `when = \"on_failure\"`, and waits for everything else that uses its cluster. `--keep` beats it: then its state is `kept`. " +
	"Where a workflow has no `destroy` for a cluster, the plan adds one. What is gone already is no error."

// Type returns the step type `destroy`.
func Type() steps.Type {
	return steps.Type{
		Name: "destroy", Doc: doc,
		Placement: steps.NoNode, Role: steps.Destroys, Idempotent: true,
		Schema: schema.Block{Attributes: []schema.Attribute{
			{Name: "cluster", Kind: schema.Cluster, Required: true, Doc: "The cluster, such as `cluster.web`."},
		}},
		New: newStep,
	}
}

type step struct{ cluster string }

var _ steps.Step = step{}

func newStep(cfg cty.Value) (steps.Step, error) {
	name, err := clusterName(cfg.GetAttr("cluster"))
	if err != nil {
		return nil, err
	}
	return step{cluster: name}, nil
}

func clusterName(v cty.Value) (string, error) {
	if v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() || !v.Type().HasAttribute("name") {
		return "", fmt.Errorf("cluster is %s, not a cluster such as cluster.web", v.Type().FriendlyName())
	}
	return v.GetAttr("name").AsString(), nil
}

// Run removes the cluster.
func (s step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	return cty.EmptyObjectVal, env.Machines.Destroy(ctx, s.cluster)
}
