package dsl

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

var moduleSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "source"}, {Name: "for_each"}, {Name: "max_parallel"}, {Name: "depends_on"}, {Name: "during"}, {Name: "enabled"},
		{Name: "timeout"}, {Name: "deadline"}, {Name: "description"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "retry"}},
}

func moduleArguments() []string {
	var names []string
	for _, a := range moduleSchema.Attributes {
		names = append(names, a.Name)
	}
	return append(names, "retry")
}

func (d *decoder) module(block *hcl.Block) {
	d.declare("module", block.Labels[0], block.LabelRanges[0])
	before := len(d.diags)
	content, inputs := d.open(block.Body, moduleSchema)
	if content.Attributes["source"] == nil {
		inputs = d.misspeltSource(inputs)
		d.require(block.Body, content.Attributes, before, "source")
	}
	m := &Module{Name: block.Labels[0], NameRange: block.LabelRanges[0], Range: block.DefRange}
	if source := content.Attributes["source"]; source != nil {
		m.Source, m.SourceRange = d.source(source), source.Expr.Range()
	}
	for _, attr := range inputs {
		m.Inputs = append(m.Inputs, &Input{Name: attr.Name, Expr: d.expr(attr), NameRange: attr.NameRange})
	}
	content.Blocks = blocksIn(block.Body, content, moduleSchema)
	m.Meta = d.meta(content)
	d.workflow.Modules = append(d.workflow.Modules, m)
}

// misspeltSource reports and drops the argument that was meant to be source.
func (d *decoder) misspeltSource(inputs []*hcl.Attribute) []*hcl.Attribute {
	return slices.DeleteFunc(inputs, func(attr *hcl.Attribute) bool {
		hint := Suggest(attr.Name, []string{"source"})
		if hint != "" {
			d.problem(attr.NameRange, fmt.Sprintf("Unknown argument %q", attr.Name), "%s", hint[1:])
		}
		return hint != ""
	})
}

// source is the path of a directory, "" when the argument is none.
func (d *decoder) source(attr *hcl.Attribute) string {
	before := len(d.diags)
	source := d.literalString(attr)
	first, _, _ := strings.Cut(source, "/")
	if len(d.diags) > before || first == "." || first == ".." || path.IsAbs(source) {
		return source
	}
	d.problem(attr.Expr.Range(), "Invalid source of a module",
		"%q is not the path of a directory. Modules are read from this machine only, and their paths begin with ./, ../ or /, such as \"./modules/etcd\".", source)
	return ""
}

// fitsModule says whether a block may be in a module; it reports when not.
func (d *decoder) fitsModule(block *hcl.Block) bool {
	var advice string
	switch block.Type {
	case "cluster":
		advice = fmt.Sprintf(`Pass the cluster as an input: declare variable "%[1]s" here with type = any, use var.%[1]s, and write %[1]s = cluster.%[1]s in the call.`, block.Labels[0])
	case "backend":
		advice = "Declare it in the workflow that calls the module, and pass the cluster that it makes as an input."
	case "matrix":
		advice = "Declare it in the workflow that is run, and pass its values as inputs: x = matrix.x."
	default:
		return true
	}
	d.problem(block.DefRange, fmt.Sprintf("A module has no %s", block.Type), "The directory is called as a module at %s. %s", place(d.call.Range), advice)
	d.loader.incomplete = true // what refers to it would be a mistake too
	return false
}

// limitsOfModule reports and drops settings that only a workflow that is run
// can have.
func (d *decoder) limitsOfModule(attrs hcl.Attributes) {
	if d.call == nil {
		return
	}
	for _, attr := range inOrder(attrs) {
		if attr.Name == "description" || attr.Name == "required_version" {
			continue
		}
		delete(attrs, attr.Name)
		d.problem(attr.NameRange, fmt.Sprintf("%q in a module", attr.Name),
			"The directory is called as a module at %s. Limits of the whole run belong to the workflow that is run; a module call has timeout and max_parallel of its own.", place(d.call.Range))
	}
}
