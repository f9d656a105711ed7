package plan

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// decoding evaluates the blocks of one instance and collects the problems.
type decoding struct {
	ev    *evaluator
	ctx   *hcl.EvalContext
	needs *needs
	frame *frame
	// facts are nil at plan time.
	facts Facts
	// marked says that some value is sensitive.
	marked bool
	diags  hcl.Diagnostics
}

func (ev *evaluator) decoding(n *needs, fr *frame, f Facts) *decoding {
	ctx, diags := ev.context(n, fr, f)
	return &decoding{ev: ev, ctx: ctx, needs: n, frame: fr, facts: f, diags: diags}
}

func (d *decoding) problem(rng hcl.Range, summary, detail string, args ...any) {
	diag := problem(rng, summary, detail, args...)
	d.diags = append(d.diags, diag)
}

// block makes the object that a plug-in receives, marks and all.
func (d *decoding) block(b *block) cty.Value {
	before := len(d.diags)
	attrs := make(map[string]cty.Value, len(b.schema.Attributes)+len(b.schema.Blocks))
	for i := range b.schema.Attributes {
		a := &b.schema.Attributes[i]
		attrs[a.Name] = d.attribute(a, b.args[a.Name])
	}
	for i := range b.schema.Blocks {
		n := &b.schema.Blocks[i]
		attrs[n.Name] = d.nested(n, b.blocks[n.Name])
	}
	v := cty.ObjectVal(attrs)
	if b.schema.Check != nil && !b.flawed && !d.diags[before:].HasErrors() {
		d.place(b, b.schema.Check(d.bare(v)))
	}
	return v
}

func (d *decoding) nested(n *schema.Nested, written []*block) cty.Value {
	if n.Max == 1 {
		if len(written) == 0 {
			return d.ev.absent(n)
		}
		return d.block(written[0])
	}
	items := make([]cty.Value, len(written))
	for i, w := range written {
		items[i] = d.block(w)
	}
	return cty.TupleVal(items)
}

// absent is the value of a block that is not written; its type is worked out
// once.
func (ev *evaluator) absent(n *schema.Nested) cty.Value {
	if known, ok := ev.nulls.Load(n); ok {
		return known.(cty.Value)
	}
	null := cty.NullVal(n.Block.Type())
	ev.nulls.Store(n, null)
	return null
}

func (d *decoding) attribute(a *schema.Attribute, arg *argument) cty.Value {
	fallback := a.Default
	if fallback == cty.NilVal {
		fallback = cty.NullVal(a.ValueType())
	}
	if arg == nil {
		return fallback
	}
	v := d.argument(arg)
	if v.IsNull() && a.Required {
		d.problem(arg.expr.Range(), fmt.Sprintf("%q must not be null", a.Name), "It is required.%s", d.nullHint())
	}
	if v.IsNull() {
		return fallback
	}
	if a.Sensitive {
		v, d.marked = v.Mark(sensitive), true
	}
	return v
}

// place puts the problems that a plug-in found where the arguments stand.
func (d *decoding) place(b *block, found []schema.Problem) {
	for _, p := range found {
		d.problem(b.place(p.Attribute), p.Summary, "%s", p.Detail)
		if p.Warning {
			d.diags[len(d.diags)-1].Severity = hcl.DiagWarning
		}
	}
}

// argument evaluates one argument and makes it the type and kind that the
// schema wants. What is not known yet is unknown of the right type.
func (d *decoding) argument(arg *argument) cty.Value {
	a, x := arg.attr, arg.expr
	if arg.broken {
		return cty.UnknownVal(a.ValueType())
	}
	if arg.planned != cty.NilVal && (d.facts == nil || x.constant()) {
		d.marked = d.marked || arg.marked
		return arg.planned
	}
	if a.Kind == schema.Deferred {
		return d.deferred(a, x)
	}
	before := len(d.diags)
	v, diags := dsl.EvaluateStrict(x.source, d.ctx)
	d.diags = append(d.diags, d.ev.hintNull(diags, d.needs, d.frame, d.facts)...)
	if !diags.HasErrors() {
		v = d.fit(a, x, v)
	}
	if len(d.diags) > before {
		x.blame(d.diags[before:])
		return cty.UnknownVal(a.ValueType())
	}
	marked := false
	if a.Kind != schema.Cluster { // big, and never sensitive
		marked = v.ContainsMarked()
		d.mustBeKnown(a, x, v)
	}
	if marked {
		v = d.guard(a, x, v)
	}
	d.marked = d.marked || marked
	if d.facts == nil && x.shared() {
		arg.planned, arg.marked = v, marked
	}
	return v
}

// mustBeKnown reports what is unknown when a step starts.
func (d *decoding) mustBeKnown(a *schema.Attribute, x *expression, v cty.Value) {
	if d.facts != nil && !v.IsWhollyKnown() {
		d.problem(x.Range(), "A value is still unknown", "%q is not known when the step starts, and nothing that it waits for makes it known.", a.Name)
	}
}

// bare removes the marks of a value for those who only look at it.
func (d *decoding) bare(v cty.Value) cty.Value {
	if !d.marked {
		return v
	}
	v, _ = v.UnmarkDeep()
	return v
}

// reveal removes the marks for good and remembers what was below them.
func (d *decoding) reveal(v cty.Value) cty.Value {
	if !d.marked {
		return v
	}
	return d.ev.secrets.reveal(v)
}

// fit converts a value; problems are placed at the expression.
func (d *decoding) fit(a *schema.Attribute, x *expression, v cty.Value) cty.Value {
	switch a.Kind {
	case schema.Duration:
		return d.duration(a, x, v)
	case schema.Path:
		return d.path(a, x, v)
	case schema.Node:
		return d.node(a, x, v)
	case schema.Cluster:
		return d.cluster(x, v)
	}
	if path, name, known := extraAttribute(v.Type(), a.Type, a.Name); name != "" {
		d.problem(x.Range(), fmt.Sprintf("Unknown attribute %q", name), "%s has %s.%s", path, enumerate(known), dsl.Suggest(name, known))
		return v
	}
	converted, err := convert.Convert(v, a.Type)
	if err != nil {
		d.wrongType(a, x, v, a.Type.FriendlyNameForConstraint(), fmt.Sprintf(" (%s)", err))
		return v
	}
	d.oneOf(a, x, converted)
	return converted
}

// wrongType reports what was wanted and what is there.
func (d *decoding) wrongType(a *schema.Attribute, x *expression, v cty.Value, want, why string) {
	got := described(v)
	if hides(a, v) {
		got = v.Type().FriendlyName() + " (sensitive)"
	}
	if strings.Contains(why, "required") && !strings.Contains(why, ":") || !v.Type().IsObjectType() && !v.Type().IsTupleType() {
		why = "" // it repeats what was wanted
	}
	d.problem(x.Range(), fmt.Sprintf("Wrong type for %q", a.Name), "Wanted is %s, got %s%s.%s", want, got, why, conversion(a, v.Type()))
}

// conversion is what the user may have meant.
func conversion(a *schema.Attribute, got cty.Type) string {
	want := a.ValueType()
	if a.Kind == schema.Deferred {
		want = a.Type
	}
	sequence := got.IsListType() || got.IsTupleType() || got.IsSetType()
	switch {
	case (want.IsListType() || want.IsSetType()) && got == cty.String:
		return " Write it as a list: [\"...\", \"...\"]."
	case want.IsListType() && got.IsPrimitiveType():
		return " Put it in brackets to make a list."
	case want == cty.String && sequence:
		return " join(\" \", ...) makes one string of a list."
	case want == cty.String && (got.IsObjectType() || got.IsMapType()):
		return " jsonencode(...) makes a string of it; or choose one attribute."
	case want == cty.Number && got == cty.String:
		return " tonumber(...) converts digits."
	case want == cty.Bool:
		return " Write true or false, or a comparison."
	}
	return ""
}

// hides says whether no message may show a value.
func hides(a *schema.Attribute, v cty.Value) bool { return a.Sensitive || v.ContainsMarked() }

// oneOf checks a string that has only certain values.
func (d *decoding) oneOf(a *schema.Attribute, x *expression, v cty.Value) {
	hidden := hides(a, v)
	v, _ = v.Unmark()
	if len(a.Values) == 0 || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return
	}
	for _, allowed := range a.Values {
		if v.AsString() == allowed {
			return
		}
	}
	got, hint := dsl.ValueText(v), dsl.Suggest(v.AsString(), a.Values)
	if hidden {
		got, hint = "sensitive, and none of these", ""
	}
	d.problem(x.Range(), fmt.Sprintf("Wrong value for %q", a.Name), "It is %s. %s%s", got, thereIs(a.Values), hint)
}

// extraAttribute finds an attribute of an object value that the wanted type
// does not have: conversion would drop it silently.
func extraAttribute(got, want cty.Type, path string) (where, name string, known []string) {
	if !got.IsObjectType() {
		return "", "", nil
	}
	switch {
	case want.IsObjectType():
		known = sortedAttributes(want)
		for _, attr := range sortedAttributes(got) {
			if !want.HasAttribute(attr) {
				return path, attr, known
			}
			if where, name, known := extraAttribute(got.AttributeType(attr), want.AttributeType(attr), path+"."+attr); name != "" {
				return where, name, known
			}
		}
	case want.IsMapType():
		for _, attr := range sortedAttributes(got) {
			if where, name, known := extraAttribute(got.AttributeType(attr), want.ElementType(), path+"."+attr); name != "" {
				return where, name, known
			}
		}
	}
	return "", "", nil
}
