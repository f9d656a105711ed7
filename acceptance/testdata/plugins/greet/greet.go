// Package greet is the step type `greet`: it says hello, on a node or without.
package greet

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// Type returns the step type.
func Type() steps.Type {
	return steps.Type{
		Name: "greet",
		Doc:  "Says hello.",
		Schema: schema.Block{Attributes: []schema.Attribute{
			{Name: "name", Type: cty.String, Required: true, Doc: "Who is greeted."},
		}},
		Outputs:    []schema.Output{{Name: "greeting", Type: cty.String, Doc: "What was said."}},
		Placement:  steps.MayHaveNode,
		Idempotent: true,
		New: func(cfg cty.Value) (steps.Step, error) {
			return step{name: cfg.GetAttr("name").AsString()}, nil
		},
	}
}

type step struct{ name string }

// Run says hello.
func (s step) Run(_ context.Context, env steps.Env) (cty.Value, error) {
	greeting := "hello, " + s.name
	if env.Node != nil {
		greeting += ", from " + env.Node.Name
	}
	if _, err := fmt.Fprintln(env.Stdout, greeting); err != nil {
		return cty.NilVal, err
	}
	return cty.ObjectVal(map[string]cty.Value{"greeting": cty.StringVal(greeting)}), nil
}
