package dsl

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
)

var variableSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}, {Name: "nullable"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
}

func (d *decoder) variable(block *hcl.Block) {
	d.declare("variable", block.Labels[0], block.LabelRanges[0])
	d.settable(block)
	content := d.content(block.Body, variableSchema)
	attrs := content.Attributes
	v := &Variable{
		Name:        block.Labels[0],
		Description: d.literalString(attrs["description"]),
		Sensitive:   d.literalBool(attrs["sensitive"], false),
		Nullable:    d.literalBool(attrs["nullable"], true),
		Validations: d.validations(block.Labels[0], content.Blocks),
		Range:       block.DefRange,
	}
	given := d.defaultOf(attrs["default"])
	d.typeOf(v, attrs["type"], given)
	if given != cty.NilVal {
		d.setDefault(v, given, attrs["default"].Expr.Range())
	}
	d.workflow.Variables = append(d.workflow.Variables, v)
}

// settable reports a variable that a module call could not give a value
// (rule 24).
func (d *decoder) settable(block *hcl.Block) {
	if name := block.Labels[0]; d.call != nil && slices.Contains(moduleArguments(), name) {
		d.problem(block.LabelRanges[0], fmt.Sprintf("Variable %q in a module", name),
			"The directory is called as a module at %s, and %s is an argument that every module call has. Give the variable another name.", place(d.call.Range), name)
	}
}

// defaultOf is the value of the default argument, cty.NilVal without one and
// unknown when it is wrong.
func (d *decoder) defaultOf(attr *hcl.Attribute) cty.Value {
	if attr == nil {
		return cty.NilVal
	}
	v, diags := attr.Expr.Value(nil)
	d.diags = append(d.diags, diags...)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	return v
}

// typeOf sets the type: the written one, else that of the default, else string.
func (d *decoder) typeOf(v *Variable, attr *hcl.Attribute, given cty.Value) {
	v.constraint = cty.String
	switch {
	case attr != nil:
		ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
		d.diags = append(d.diags, diags...)
		if diags.HasErrors() {
			ty = cty.DynamicPseudoType
		}
		v.constraint, v.defaults = ty, defaults
	case given != cty.NilVal && !given.IsNull():
		v.constraint = generalType(given.Type())
	}
	v.Type = v.constraint.WithoutOptionalAttributesDeep()
}

// generalType makes a list of a tuple whose elements are alike: who gives a
// list of two as a default does not mean that there are always two.
func generalType(ty cty.Type) cty.Type {
	if !ty.IsTupleType() {
		return ty
	}
	item := cty.DynamicPseudoType
	for i, t := range ty.TupleElementTypes() {
		if i > 0 && !t.Equals(item) {
			return ty
		}
		item = t
	}
	return cty.List(item)
}

func (d *decoder) setDefault(v *Variable, given cty.Value, rng hcl.Range) {
	v.Default = cty.UnknownVal(v.Type)
	if given.IsNull() && !v.Nullable {
		d.diags = append(d.diags, v.refuse(rng, v.address()+" must not be null, because nullable is false")...)
		return
	}
	val, diags := v.Convert(given, rng)
	d.diags = append(d.diags, diags...)
	if !diags.HasErrors() {
		v.Default = val
	}
}
