package dsl

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

var groupSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "nodes"}, {Name: "for_each"}, {Name: "allow_empty"}, {Name: "depends_on"}, {Name: "during"}, {Name: "enabled"},
		{Name: "timeout"}, {Name: "deadline"}, {Name: "max_parallel"}, {Name: "ordered"}, {Name: "description"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "retry"}, {Type: "step", LabelNames: []string{"type", "name"}}},
}

// perGroup are the arguments that the group has in the place of its steps
// (rule 11).
var perGroup = []string{"nodes", "for_each", "allow_empty", "max_parallel", "when"}

func (d *decoder) group(block *hcl.Block) {
	d.declare("group", block.Labels[0], block.LabelRanges[0])
	before := len(d.diags)
	content := d.content(block.Body, groupSchema)
	attrs := content.Attributes
	g := &Group{
		Name:      block.Labels[0],
		Ordered:   d.expr(attrs["ordered"]),
		Flawed:    len(d.diags) > before,
		NameRange: block.LabelRanges[0],
		Range:     block.DefRange,
	}
	blocks := blocksIn(block.Body, content, groupSchema)
	for _, inner := range blocks {
		if inner.Type == "step" {
			g.Steps = append(g.Steps, d.step(inner, perGroup...))
		}
	}
	content.Blocks = blocks.OfType("retry")
	g.Meta = d.meta(content)
	if len(g.Steps) == 0 && !g.Flawed {
		d.problem(block.DefRange, fmt.Sprintf("Empty group %q", g.Name), "Write the steps that go together inside of it: step \"run\" \"x\" { ... }.")
	}
	d.workflow.Groups = append(d.workflow.Groups, g)
}

// refuseInGroup reports arguments that a step in a group may not have, and
// takes them away.
func (d *decoder) refuseInGroup(attrs hcl.Attributes, refused []string) {
	for _, attr := range inOrder(attrs) {
		if !slices.Contains(refused, attr.Name) {
			continue
		}
		delete(attrs, attr.Name)
		detail := "Write it in the group: a group is repeated as a whole, with one instance of each of its steps."
		switch attr.Name {
		case "nodes":
			detail = "Write nodes in the group, and node = node here: a group is repeated as a whole, with one instance of each of its steps."
		case "when":
			detail = "What runs on failure or always waits for the whole run: put that step outside of the group."
		}
		d.problem(attr.NameRange, fmt.Sprintf("%q in a step of a group", attr.Name), "%s", detail)
	}
}
