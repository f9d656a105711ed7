package plan

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// view is what an expression, or all expressions of a body, see at one moment.
// It has the values of the bindings that they need, each evaluated as the
// scope and the instance see it where it is written.
type view struct {
	ev    *evaluator
	world *world
	needs *needs
	frame *frame
	facts Facts
	// values are those of the bindings so far, outputs the roots `step` and
	// `group` by scope.
	values  map[*binding]cty.Value
	outputs map[*scope]map[string]cty.Value
	diags   hcl.Diagnostics
}

// context makes what expressions see: only what they need, and of steps only
// the instances that they name (rule 6). Without facts, outputs and addresses
// are unknown.
func (ev *evaluator) context(n *needs, fr *frame, f Facts) (*hcl.EvalContext, hcl.Diagnostics) {
	return ev.contextIn(ev.world(f), n, fr, f)
}

func (ev *evaluator) contextIn(w *world, n *needs, fr *frame, f Facts) (*hcl.EvalContext, hcl.Diagnostics) {
	v := view{ev: ev, world: w, needs: ev.chosen(n, fr), frame: fr, facts: f, diags: ev.unpicked(n, fr)}
	v.bindings()
	return v.context(v.needs, fr), v.diags
}

// context is that of expressions with these needs, which are the view's or those
// of one of its bindings.
func (v *view) context(n *needs, fr *frame) *hcl.EvalContext {
	vars := maps.Clone(n.scope.roots)
	if len(n.clusters) > 0 {
		clusters := make(map[string]cty.Value, len(n.clusters))
		for _, c := range n.clusters {
			clusters[c.name] = v.world.cluster(c)
		}
		vars["cluster"] = cty.ObjectVal(clusters)
	}
	if n.node && fr != nil {
		vars["node"] = v.world.nodeOf(fr)
	}
	if n.each && fr != nil {
		each, diags := v.ev.each(v.world, fr, n)
		vars["each"], v.diags = each, append(v.diags, diags...)
	}
	if len(v.needs.uses) > 0 {
		maps.Copy(vars, v.outputsIn(n.scope))
	}
	if len(v.needs.bindings)+len(v.needs.calls) > 0 {
		v.names(n.scope, vars)
	}
	return &hcl.EvalContext{Variables: vars, Functions: n.scope.functions}
}

// bindings evaluates the bindings that are needed, each after those it uses.
func (v *view) bindings() {
	if len(v.needs.bindings) == 0 {
		return
	}
	v.values = make(map[*binding]cty.Value, len(v.needs.bindings))
	for _, b := range v.needs.bindings {
		if v.off(b) {
			v.values[b] = cty.NullVal(cty.DynamicPseudoType)
			continue
		}
		if b.stable() || v.facts == nil && !b.plain {
			shared := v.ev.shared(v.world, b)
			v.values[b] = shared.value
			if v.facts != nil { // before the run it is reported where it is declared
				v.diags = append(v.diags, shared.diags...)
			}
			continue
		}
		v.values[b] = v.evaluate(b)
	}
}

// evaluate evaluates a binding, after those that it needs.
func (v *view) evaluate(b *binding) cty.Value {
	ctx := v.context(&b.expr.needs, b.frame)
	if v.diags.HasErrors() { // a value that is missing is no news then
		return cty.DynamicVal
	}
	value, diags := dsl.EvaluateStrict(b.expr.source, ctx)
	if diags.HasErrors() {
		v.diags = append(v.diags, v.ev.hintNull(diags, v.needs, v.frame, v.facts)...)
		return cty.DynamicVal
	}
	v.diags = append(v.diags, diags...)
	if b.input != nil {
		return v.input(b, value)
	}
	if b.output != nil && b.output.Sensitive {
		value = value.Mark(sensitive)
	}
	return value
}

// outputsIn are the roots `step` and `group` of a scope.
func (v *view) outputsIn(s *scope) map[string]cty.Value {
	if v.outputs == nil {
		var diags hcl.Diagnostics
		v.outputs, diags = v.ev.outputsFor(v.needs, v.frame, v.facts)
		v.diags = append(v.diags, diags...)
	}
	return v.outputs[s]
}

// names makes the roots `local`, `var` and `module` of a scope, as far as they
// have been evaluated.
func (v *view) names(s *scope, vars map[string]cty.Value) {
	locals, inputs := map[string]cty.Value{}, map[string]cty.Value{}
	var outputs map[*scope]map[string]cty.Value
	for _, b := range v.needs.bindings {
		value, done := v.values[b]
		switch {
		case !done:
		case b.output != nil && b.home.parent == s:
			if outputs == nil {
				outputs = map[*scope]map[string]cty.Value{}
			}
			if outputs[b.home] == nil {
				outputs[b.home] = map[string]cty.Value{}
			}
			outputs[b.home][b.output.Name] = value
		case b.home != s || b.output != nil:
		case b.input != nil:
			inputs[b.input.Name] = value
		default:
			locals[b.local] = value
		}
	}
	if len(locals) > 0 {
		vars["local"] = cty.ObjectVal(locals)
	}
	if len(inputs) > 0 {
		vars["var"] = cty.ObjectVal(inputs)
	}
	if modules := v.needs.modulesOf(s, outputs); modules != nil {
		vars["module"] = cty.ObjectVal(modules)
	}
}
