package dsl

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// laterNames are blocks and arguments of the language that this version does
// not have yet.
var laterNames = []string{"group", "module", "matrix", "validation", "during", "locks", "background"}

// Later says of a block or an argument that only later versions have it; "" of
// any other name.
func Later(name string) string {
	if !slices.Contains(laterNames, name) {
		return ""
	}
	return fmt.Sprintf("The language has %s, but dcosflow %s does not have it yet.", name, Version)
}

// arguments reads a body that has only arguments. What is missing is reported
// unless a misspelt name explains it.
func (d *decoder) arguments(body hcl.Body, required []string, names ...string) hcl.Attributes {
	schema := &hcl.BodySchema{}
	for _, name := range names {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	before := len(d.diags)
	content := d.content(body, schema)
	for _, name := range required {
		if content.Attributes[name] == nil && len(d.diags) == before {
			d.problem(body.MissingItemRange(), "Missing argument", "The argument %q is required here.", name)
		}
	}
	return content.Attributes
}

// content reads a whole body and reports what the schema does not have.
func (d *decoder) content(body hcl.Body, schema *hcl.BodySchema) *hcl.BodyContent {
	content, _, diags := body.PartialContent(schema)
	d.diags = append(d.diags, diags...)
	var args, blocks []string
	for _, a := range schema.Attributes {
		args = append(args, a.Name)
	}
	for _, b := range schema.Blocks {
		blocks = append(blocks, b.Type)
	}
	switch body := body.(type) {
	case *hclsyntax.Body:
		for _, b := range body.Blocks {
			d.unknown("block", b.Type, b.TypeRange, blocks, args)
		}
		for _, a := range body.Attributes {
			d.unknown("argument", a.Name, a.NameRange, args, blocks)
		}
	default:
		attrs, diags := body.JustAttributes()
		d.diags = append(d.diags, diags...)
		for _, a := range inOrder(attrs) {
			d.unknown("name", a.Name, a.NameRange, append(args, blocks...), nil)
		}
	}
	return content
}

// unknown reports a name that is not among the known ones. Other are those of
// the other kind: arguments when it is a block.
func (d *decoder) unknown(kind, name string, rng hcl.Range, known, other []string) {
	if slices.Contains(known, name) {
		return
	}
	detail := Suggest(name, known)
	switch {
	case Later(name) != "":
		d.problem(rng, fmt.Sprintf("No %q yet", name), "%s", Later(name))
		return
	case slices.Contains(other, name) && kind == "block":
		detail = fmt.Sprintf(" %s is an argument: write %s = ...", name, name)
	case slices.Contains(other, name):
		detail = fmt.Sprintf(" %s is a block: write %s { ... }", name, name)
	case len(known) == 0:
		detail = fmt.Sprintf(" There are no %ss here.", kind)
	default:
		detail += fmt.Sprintf(" The %ss here are %s.", kind, list(known))
	}
	d.problem(rng, fmt.Sprintf("Unknown %s %q", kind, name), "%s", detail[1:])
}
