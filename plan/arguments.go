package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

func sortedAttributes(ty cty.Type) []string {
	return slices.Sorted(maps.Keys(ty.AttributeTypes()))
}

// duration checks a string with a unit; a bare number is refused (rule 19).
func (d *decoding) duration(a *schema.Attribute, x *expression, v cty.Value) cty.Value {
	if v.Type() == cty.Number {
		example := "5s"
		if v.IsKnown() && !v.IsNull() && !hides(a, v) {
			example = v.AsBigFloat().Text('f', -1) + "s"
		}
		d.problem(x.Range(), fmt.Sprintf("%q needs a unit", a.Name), "A duration is a string with a unit. Write %q for seconds; there are also ms, m and h.", example)
		return v
	}
	text, ok := d.text1(a, x, v, "a duration such as \"90s\"")
	if !ok {
		return text
	}
	bare, _ := text.Unmark()
	if _, err := schema.ParseDuration(bare.AsString()); err != nil {
		why := capital(err.Error())
		if hides(a, v) {
			why = "The value is sensitive, and not a duration: write a number with a unit, such as \"90s\" or \"5m\""
		}
		d.problem(x.Range(), fmt.Sprintf("Wrong value for %q", a.Name), "%s.", why)
	}
	return text
}

// text1 converts a value to a string; false when it is not known, null, or no
// string.
func (d *decoding) text1(a *schema.Attribute, x *expression, v cty.Value, want string) (cty.Value, bool) {
	text, err := convert.Convert(v, cty.String)
	if err != nil || v.Type() == cty.Bool {
		d.wrongType(a, x, v, want, "")
		return cty.UnknownVal(cty.String), false
	}
	bare, _ := text.Unmark()
	return text, bare.IsKnown() && !bare.IsNull()
}

// path makes the name of a file absolute; it must exist.
func (d *decoding) path(a *schema.Attribute, x *expression, v cty.Value) cty.Value {
	text, ok := d.text1(a, x, v, "the path of a file or directory")
	if !ok {
		return text
	}
	bare, marks := text.Unmark()
	written := bare.AsString()
	if written == "" {
		d.problem(x.Range(), fmt.Sprintf("%q is empty", a.Name), "Write the path of a file or directory, relative to the directory of the workflow.")
		return text
	}
	if !d.ev.host.Has(written) {
		why := capital(d.ev.host.Missing(written).Error()) + "." + d.besideModule(x, written)
		if hides(a, v) {
			why = fmt.Sprintf("The path is sensitive, and there is no such file or directory; a path is relative to %s.", d.ev.host.Dir)
		}
		d.problem(x.Range(), fmt.Sprintf("Missing file for %q", a.Name), "%s", why)
	}
	return cty.StringVal(d.ev.host.Abs(written)).WithMarks(marks)
}

// node checks a node object.
func (d *decoding) node(a *schema.Attribute, x *expression, v cty.Value) cty.Value {
	if v.IsNull() {
		return cty.NullVal(schema.NodeType)
	}
	_, _, known, diags := d.ev.machine(v, x.Range())
	d.diags = append(d.diags, diags...)
	if !known || diags.HasErrors() {
		return cty.UnknownVal(schema.NodeType)
	}
	node, err := convert.Convert(v, schema.NodeType)
	if err != nil {
		d.wrongType(a, x, v, "a node such as cluster.NAME.ROLE[0]", "")
		return cty.UnknownVal(schema.NodeType)
	}
	return node
}

// cluster checks a cluster object. The value is the cluster's own, so that it
// never bears a mark.
func (d *decoding) cluster(x *expression, v cty.Value) cty.Value {
	bare, _ := v.Unmark()
	if bare.IsNull() || !bare.IsKnown() {
		return bare
	}
	name, ok := attributeText(bare, "name")
	if c := d.ev.root.clusters.byName[name]; ok && c != nil && bare.Type().HasAttribute("nodes") {
		return d.ev.world(d.facts).cluster(c)
	}
	hint := ""
	if ty := v.Type(); ty.Equals(schema.NodeType) || ty.Equals(nodesType) {
		hint = " Write the cluster as a whole, without a role."
	}
	d.problem(x.Range(), "Not a cluster", "Wanted is a cluster such as %s; this is %s.%s",
		example("cluster", d.ev.root.clusters.names), described(v), hint)
	return cty.DynamicVal
}

// deferred makes the expression that a plug-in evaluates at every try. At plan
// time it is checked with an unknown probe.
func (d *decoding) deferred(a *schema.Attribute, x *expression) cty.Value {
	if d.facts == nil {
		probe := cty.DynamicVal
		if a.Late != cty.NilType {
			probe = cty.UnknownVal(a.Late)
		}
		v, diags := dsl.EvaluateStrict(x.source, withProbe(d.ctx, probe))
		if d.diags = append(d.diags, diags...); !diags.HasErrors() && a.Type != cty.NilType {
			if _, err := convert.Convert(v, a.Type); err != nil {
				d.wrongType(a, x, v, a.Type.FriendlyName(), "")
			}
		}
	}
	return cty.CapsuleVal(schema.ExpressionType, &schema.Expression{
		Text: dsl.Text(x.source, d.ev.files),
		Eval: d.late(a, x), Inputs: d.inputs(x),
	})
}

// inputs are the values of the references in a deferred expression. One that
// leads nowhere counts as its root.
func (d *decoding) inputs(x *expression) cty.Value {
	if d.facts == nil {
		return cty.NilVal
	}
	var values []cty.Value
	for _, t := range x.source.Variables() {
		if t.RootName() == "probe" {
			continue
		}
		v, diags := t.TraverseAbs(d.ctx)
		if diags.HasErrors() {
			v = d.ctx.Variables[t.RootName()]
		}
		if v != cty.NilVal {
			v, _ = v.UnmarkDeep()
			values = append(values, v)
		}
	}
	return cty.TupleVal(values)
}

func withProbe(ctx *hcl.EvalContext, probe cty.Value) *hcl.EvalContext {
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{}
	if probe != cty.NilVal {
		child.Variables["probe"] = probe
	}
	return child
}

// late evaluates a deferred expression with what a probe saw; every other root
// is as it was when the step started.
func (d *decoding) late(a *schema.Attribute, x *expression) func(cty.Value) (cty.Value, []schema.Operand, error) {
	ev, started, needs, frame, facts := d.ev, d.ctx, d.needs, d.frame, d.facts
	return func(probe cty.Value) (cty.Value, []schema.Operand, error) {
		ctx := withProbe(started, probe)
		var operands []schema.Operand
		for _, o := range dsl.Operands(x.source, ctx, ev.files) {
			operands = append(operands, schema.Operand{Text: o.Text, Value: o.Value})
		}
		v, diags := dsl.EvaluateStrict(x.source, ctx)
		if diags.HasErrors() {
			return cty.DynamicVal, operands, ev.failure(ev.hintNull(diags, needs, frame, facts))
		}
		if v.ContainsMarked() {
			v = ev.secrets.reveal(ev.compose(x, v, ctx))
		}
		if a.Type != cty.NilType {
			converted, err := convert.Convert(v, a.Type)
			if err != nil {
				return v, operands, ev.failure(problems(x.Range(), fmt.Sprintf("Wrong type for %q", a.Name), "Wanted is %s, got %s.", a.Type.FriendlyName(), described(v)))
			}
			v = converted
		}
		return v, operands, nil
	}
}

// hintNull adds to the diagnostics of an evaluation which steps have no outputs
// (rule 7).
func (ev *evaluator) hintNull(diags hcl.Diagnostics, n *needs, fr *frame, f Facts) hcl.Diagnostics {
	if f == nil || !diags.HasErrors() {
		return diags
	}
	hint := ev.nullHintFor(n, fr, f)
	for _, diag := range diags {
		diag.Detail += hint
	}
	return diags
}

func (d *decoding) nullHint() string {
	if d.facts == nil {
		return ""
	}
	return d.ev.nullHintFor(d.needs, d.frame, d.facts)
}

func (ev *evaluator) nullHintFor(n *needs, fr *frame, f Facts) string {
	for _, u := range n.uses {
		key, chosen, _ := ev.choose(u, fr)
		if u.step == nil || chosen == noInstance || chosen == allInstances && u.unit().fan.kind != single {
			continue
		}
		if v := ev.outputsOf(u.step, key, f); v.IsNull() {
			return fmt.Sprintf(" %s has no outputs, because it was disabled or did not finish: try(..., default) gives a value then.", u.step.id(key))
		}
	}
	return ""
}
