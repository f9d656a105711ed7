package dsl

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Refused says what to write in the place of a block or an argument that people
// know from elsewhere and that this language does not have on purpose; "" of
// any other name (rule 24).
func Refused(name string) string {
	switch name {
	case "count":
		return "There is no count, because numbered instances change their names when one is taken out. Write for_each with a name for each: for_each = toset([\"a\", \"b\"])."
	case "dynamic":
		return "There are no dynamic blocks. Write the blocks out; for several instances of a step write for_each or nodes."
	case "for", "loop", "repeat", "while":
		return "There are no loops. A step, group or module has instances by for_each; a wait step repeats a probe until it holds, and retry what failed."
	}
	return ""
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
	d.require(body, content.Attributes, before, required...)
	return content.Attributes
}

// require reports the arguments that are missing, unless there has been another
// problem since the diagnostics were so many.
func (d *decoder) require(body hcl.Body, attrs hcl.Attributes, before int, names ...string) {
	for _, name := range names {
		if attrs[name] == nil && len(d.diags) == before {
			d.problem(body.MissingItemRange(), "Missing argument", "The argument %q is required here.", name)
		}
	}
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

// open reads a body with the items of a schema and arguments of free names,
// which it returns in order.
func (d *decoder) open(body hcl.Body, schema *hcl.BodySchema) (*hcl.BodyContent, []*hcl.Attribute) {
	content, rest, diags := body.PartialContent(schema)
	d.diags = append(d.diags, diags...)
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		attrs, diags := rest.JustAttributes()
		d.diags = append(d.diags, diags...)
		return content, inOrder(attrs)
	}
	var blocks []string
	for _, b := range schema.Blocks {
		blocks = append(blocks, b.Type)
	}
	for _, b := range native.Blocks {
		d.unknown("block", b.Type, b.TypeRange, blocks, nil)
	}
	free := hcl.Attributes{}
	for name, a := range native.Attributes {
		if content.Attributes[name] == nil {
			free[name] = a.AsHCLAttribute()
		}
	}
	return content, inOrder(free)
}

// unknown reports a name that is not among the known ones. Other are those of
// the other kind: arguments when it is a block.
func (d *decoder) unknown(kind, name string, rng hcl.Range, known, other []string) {
	if slices.Contains(known, name) {
		return
	}
	detail := Suggest(name, known)
	switch {
	case Refused(name) != "":
		detail = " " + Refused(name)
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
