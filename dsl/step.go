package dsl

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

var metaSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "node"}, {Name: "nodes"}, {Name: "for_each"}, {Name: "allow_empty"}, {Name: "depends_on"}, {Name: "during"},
		{Name: "when"}, {Name: "enabled"}, {Name: "timeout"}, {Name: "deadline"}, {Name: "max_parallel"}, {Name: "locks"},
		{Name: "on_failure"}, {Name: "background"}, {Name: "duration"}, {Name: "stop_timeout"}, {Name: "description"}, {Name: "verifies"},
		{Name: "sensitive"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "retry"}},
}

// MetaArguments lists the arguments that every step type has.
func MetaArguments() []string {
	var names []string
	for _, a := range metaSchema.Attributes {
		names = append(names, a.Name)
	}
	for _, b := range metaSchema.Blocks {
		names = append(names, b.Type)
	}
	return names
}

// step reads a step block; it may not have the refused arguments.
func (d *decoder) step(block *hcl.Block, refused ...string) *Step {
	d.declare("step", block.Labels[1], block.LabelRanges[1])
	content, body, diags := block.Body.PartialContent(metaSchema)
	d.diags = append(d.diags, diags...)
	d.refuseInGroup(content.Attributes, refused)
	return &Step{
		Type:      block.Labels[0],
		Name:      block.Labels[1],
		Meta:      d.meta(content),
		Body:      asNative(body),
		TypeRange: block.LabelRanges[0],
		NameRange: block.LabelRanges[1],
		Range:     block.DefRange,
	}
}

func (d *decoder) meta(content *hcl.BodyContent) Meta {
	attrs := content.Attributes
	return Meta{
		Node:        d.expr(attrs["node"]),
		Nodes:       d.expr(attrs["nodes"]),
		ForEach:     d.expr(attrs["for_each"]),
		AllowEmpty:  d.expr(attrs["allow_empty"]),
		DependsOn:   d.references(attrs["depends_on"]),
		During:      d.references(attrs["during"]),
		When:        d.expr(attrs["when"]),
		Enabled:     d.expr(attrs["enabled"]),
		Timeout:     d.expr(attrs["timeout"]),
		Deadline:    d.expr(attrs["deadline"]),
		MaxParallel: d.expr(attrs["max_parallel"]),
		Locks:       d.expr(attrs["locks"]),
		OnFailure:   d.expr(attrs["on_failure"]),
		Background:  d.expr(attrs["background"]),
		Duration:    d.expr(attrs["duration"]),
		StopTimeout: d.expr(attrs["stop_timeout"]),
		Description: d.expr(attrs["description"]),
		Verifies:    d.expr(attrs["verifies"]),
		Sensitive:   d.literalBool(attrs["sensitive"], false),
		Retry:       d.retry(content.Blocks),
	}
}

// references reads a literal list of references (rule 4).
func (d *decoder) references(attr *hcl.Attribute) []Reference {
	if attr == nil {
		return nil
	}
	items, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		d.problem(attr.Expr.Range(), fmt.Sprintf("%s is no list", attr.Name),
			"Write a list of references, such as %s = [step.a, step.b[node.name]]. It must be there literally, because edges are known before anything is evaluated.", attr.Name)
		return nil
	}
	var refs []Reference
	for _, item := range items {
		ref, diags := ParseReference(item)
		d.diags = append(d.diags, diags...)
		if !diags.HasErrors() {
			refs = append(refs, ref)
		}
	}
	return refs
}

func (d *decoder) retry(blocks hcl.Blocks) *Retry {
	if len(blocks) == 0 {
		return nil
	}
	if len(blocks) > 1 {
		d.problem(blocks[1].DefRange, "Duplicate retry block", "There is a retry block at %s already. There is at most one.", place(blocks[0].DefRange))
	}
	attrs := d.arguments(blocks[0].Body, nil, retryArguments...)
	return &Retry{
		Attempts: d.expr(attrs["attempts"]),
		Delay:    d.expr(attrs["delay"]),
		Factor:   d.expr(attrs["factor"]),
		MaxDelay: d.expr(attrs["max_delay"]),
		Jitter:   d.expr(attrs["jitter"]),
		On:       d.expr(attrs["on"]),
		Range:    blocks[0].DefRange,
	}
}
