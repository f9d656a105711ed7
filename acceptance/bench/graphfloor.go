package main

import (
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"golang.org/x/sync/errgroup"
)

// vertex is what the floor knows of a step.
type vertex struct {
	arguments  []hcl.Expression
	waiting    atomic.Int32
	dependants []*vertex
}

var (
	stepSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
		{Name: "description"}, {Name: "verifies"}, {Name: "timeout"}, {Name: "condition"}, {Name: "depends_on"},
	}}
	evaluation = &hcl.EvalContext{
		Variables: map[string]cty.Value{}, Functions: map[string]function.Function{"upper": stdlib.UpperFunc},
	}
)

// walkFile is the floor of a run: it does what cannot be left out with a file of
// steps that do nothing. It parses the file, decodes the blocks, asks every
// expression for its variables, evaluates it when its turn comes, and walks the
// edges with an errgroup. No checks, no schema, no order of starts, no journal.
func walkFile(path string) error {
	file, diags := hclparse.NewParser().ParseHCLFile(path)
	if diags.HasErrors() {
		return diags
	}
	content, diags := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "step", LabelNames: []string{"type", "name"}}}})
	if diags.HasErrors() {
		return diags
	}
	vertices := map[string]*vertex{}
	for _, block := range content.Blocks {
		vertices[block.Labels[1]] = &vertex{}
	}
	for _, block := range content.Blocks {
		if err := vertices[block.Labels[1]].decode(block.Body, vertices); err != nil {
			return err
		}
	}
	var workers errgroup.Group
	for _, block := range content.Blocks {
		if v := vertices[block.Labels[1]]; v.waiting.Add(-1) < 0 {
			workers.Go(func() error { return v.visit(&workers) })
		}
	}
	return workers.Wait()
}

// decode reads a step. What it waits for counts from one less than there are,
// and the first look at it takes that one.
func (v *vertex) decode(body hcl.Body, vertices map[string]*vertex) error {
	content, diags := body.Content(stepSchema)
	if diags.HasErrors() {
		return diags
	}
	for _, a := range stepSchema.Attributes {
		argument := content.Attributes[a.Name]
		if argument == nil || a.Name == "depends_on" {
			continue
		}
		if len(argument.Expr.Variables()) > 0 {
			return fmt.Errorf("%s: the argument is not constant", argument.Range)
		}
		v.arguments = append(v.arguments, argument.Expr)
	}
	depends, found := content.Attributes["depends_on"]
	if !found {
		return nil
	}
	for _, reference := range depends.Expr.Variables() {
		on := vertices[reference[1].(hcl.TraverseAttr).Name]
		on.dependants = append(on.dependants, v)
		v.waiting.Add(1)
	}
	return nil
}

func (v *vertex) visit(workers *errgroup.Group) error {
	for _, argument := range v.arguments {
		if _, diags := argument.Value(evaluation); diags.HasErrors() {
			return diags
		}
	}
	for _, next := range v.dependants {
		if next.waiting.Add(-1) < 0 {
			workers.Go(func() error { return next.visit(workers) })
		}
	}
	return nil
}
