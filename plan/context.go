package plan

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// frame is what one instance sees besides the world: where it runs and its
// place in a fan-out.
type frame struct {
	key   string
	keyed bool
	// guess stands for the instances of a fan-out whose keys are not known yet.
	guess bool
	// cluster and node are where the instance runs; nil without a node.
	cluster *cluster
	node    int
	// value is each.value as it was when the key became known.
	value cty.Value
	fan   *fanout
}

func (w *world) cluster(c *cluster) cty.Value {
	if v, ok := w.clusters[c.name]; ok {
		return v
	}
	return cty.DynamicVal // its roles are not known, or wrong and reported
}

func (w *world) nodeOf(fr *frame) cty.Value {
	if fr.cluster == nil {
		return cty.UnknownVal(schema.NodeType)
	}
	nodes := w.nodes[fr.cluster.name]
	if fr.node >= len(nodes) {
		return cty.UnknownVal(schema.NodeType)
	}
	return nodes[fr.node]
}

// each makes the root `each` of an instance. The value is evaluated again when
// a part of it was not known before.
func (ev *evaluator) each(w *world, fr *frame, n *needs) (cty.Value, hcl.Diagnostics) {
	key := cty.StringVal(fr.key)
	value := fr.value
	if fr.guess {
		key = cty.UnknownVal(cty.String)
	}
	var diags hcl.Diagnostics
	switch {
	case fr.fan == nil || value == cty.NilVal && fr.fan.from == nil:
		value = cty.DynamicVal
	case fr.fan.from != nil && !n.usesStep(fr.fan.from):
		value = cty.DynamicVal // only the key is wanted
	case fr.fan.from != nil:
		value = ev.outputsOf(fr.fan.from, fr.key, w.facts)
	case w.facts != nil && !value.IsWhollyKnown():
		value, diags = ev.eachValue(w, fr)
	}
	return cty.ObjectVal(map[string]cty.Value{"key": key, "value": value}), diags
}

func (n *needs) usesStep(st *step) bool {
	return slices.ContainsFunc(n.uses, func(u use) bool { return u.step == st })
}

// eachValue evaluates for_each again and takes the instance's part.
func (ev *evaluator) eachValue(w *world, fr *frame) (cty.Value, hcl.Diagnostics) {
	ctx, diags := ev.contextIn(w, &fr.fan.expr.needs, nil, w.facts)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	all, diags := dsl.EvaluateStrict(fr.fan.expr.source, ctx)
	all, _ = all.Unmark()
	if diags.HasErrors() || all.IsNull() || !all.IsKnown() {
		return cty.DynamicVal, diags
	}
	for key, value := range all.Elements() {
		if !all.Type().IsMapType() && !all.Type().IsObjectType() {
			key = value
		}
		if key.IsKnown() && key.Type() == cty.String && key.AsString() == fr.key {
			return value, diags
		}
	}
	return cty.DynamicVal, diags
}

// pick is which instances of a step or group an expression needs, and which
// steps of a group: none means all of them.
type pick struct {
	all   bool
	keys  []string
	whole bool
	steps []*step
}

// outputsFor makes the roots `step` and `group` of every scope.
func (ev *evaluator) outputsFor(n *needs, fr *frame, f Facts) (map[*scope]map[string]cty.Value, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	picks := map[part]*pick{}
	for _, u := range n.uses {
		what := part{group: u.group}
		if u.group == nil {
			what.step = u.step
		}
		p := picks[what]
		if p == nil {
			p = &pick{}
			picks[what] = p
		}
		p.add(u)
		key, choice, more := ev.choose(u, fr)
		diags = append(diags, more...)
		switch choice {
		case oneInstance:
			p.keys = append(p.keys, key)
		case allInstances:
			p.all = true
		}
	}
	values := map[*scope]*struct{ steps, groups map[string]cty.Value }{}
	for what, p := range picks {
		in := values[what.unit().scope]
		if in == nil {
			in = &struct{ steps, groups map[string]cty.Value }{map[string]cty.Value{}, map[string]cty.Value{}}
			values[what.unit().scope] = in
		}
		if what.group != nil {
			in.groups[what.group.name] = ev.groupValue(what.group, p, f)
		} else {
			in.steps[what.step.name] = ev.stepValue(what.step, p, f)
		}
	}
	roots := make(map[*scope]map[string]cty.Value, len(values))
	for s, in := range values {
		roots[s] = map[string]cty.Value{}
		if len(in.steps) > 0 {
			roots[s]["step"] = cty.ObjectVal(in.steps)
		}
		if len(in.groups) > 0 {
			roots[s]["group"] = cty.ObjectVal(in.groups)
		}
	}
	return roots, diags
}

func (p *pick) add(u use) {
	switch {
	case u.group == nil:
	case u.step == nil:
		p.whole = true
	case !slices.Contains(p.steps, u.step):
		p.steps = append(p.steps, u.step)
	}
}

// choice is what a reference to a step means in an instance.
type choice int

const (
	noInstance choice = iota
	oneInstance
	allInstances
)

// choose evaluates the key of a reference. A key that is not known at plan time
// means all instances. One that cannot be evaluated means none: only the branch
// of a condition that is not taken may hold it.
func (ev *evaluator) choose(u use, fr *frame) (string, choice, hcl.Diagnostics) {
	what := u.unit()
	if u.frame != nil {
		fr = u.frame
	}
	switch {
	case u.own():
		return fr.key, oneInstance, nil
	case u.key == nil || u.free || what.fan.kind == single || what.fan.late || len(u.key.uses) > 0:
		return "", allInstances, nil
	case u.key.node && (fr == nil || fr.guess), u.key.each && (fr == nil || fr.guess):
		return "", allInstances, nil
	}
	v := ev.keyOf(u, fr)
	if !v.IsKnown() {
		return "", allInstances, nil
	}
	if v.IsNull() {
		return "", noInstance, nil
	}
	key := v.AsString()
	if _, exists := what.fan.index[key]; !exists && what.fan.broken {
		return "", allInstances, nil // which there are is not known, and reported
	} else if !exists {
		return "", noInstance, hcl.Diagnostics{what.unknownKey(key, u.keyed)}
	}
	return key, oneInstance, nil
}

// keyOf evaluates the key of a reference to a string: null when it has no
// value.
func (ev *evaluator) keyOf(u use, fr *frame) cty.Value {
	ctx, diags := ev.context(&u.key.needs, fr, nil)
	v, more := dsl.EvaluateStrict(u.key.source, ctx)
	if diags.HasErrors() || more.HasErrors() {
		return cty.NullVal(cty.String)
	}
	v, _ = v.Unmark()
	if key, err := convert.Convert(v, cty.String); err == nil {
		return key
	}
	return cty.NullVal(cty.String)
}

// stepValue is what step.x means: the outputs, or a map of them.
func (ev *evaluator) stepValue(st *step, p *pick, f Facts) cty.Value {
	switch {
	case st.typ == nil || st.fan.broken:
		return cty.DynamicVal
	case st.within != nil && len(p.keys) > 0: // all references have that key
		return ev.outputsOf(st, p.keys[0], f)
	case st.fan.kind == single:
		return ev.outputsOf(st, "", f)
	case p.all && f == nil:
		return st.planned
	}
	return ev.mapped(&st.unit, p, f, func(key string) cty.Value { return ev.outputsOf(st, key, f) })
}

// groupValue is what group.g means: an object of the outputs of its steps, or a
// map of such objects.
func (ev *evaluator) groupValue(g *group, p *pick, f Facts) cty.Value {
	steps := p.steps
	if p.whole {
		steps = g.steps.list
	}
	one := func(key string) cty.Value {
		values := make(map[string]cty.Value, len(steps))
		for _, st := range steps {
			values[st.name] = ev.outputsOf(st, key, f)
		}
		return cty.ObjectVal(values)
	}
	switch {
	case g.fan.broken:
		return cty.DynamicVal
	case g.fan.kind == single:
		return one("")
	case p.all && f == nil:
		return g.planned
	}
	return ev.mapped(&g.unit, p, f, one)
}

// mapped makes a map of the instances that are needed.
func (ev *evaluator) mapped(u *unit, p *pick, f Facts, one func(key string) cty.Value) cty.Value {
	keys := p.keys
	if p.all {
		keys = keys[:0:0]
		for _, fr := range ev.framesNow(u, f) {
			keys = append(keys, fr.key)
		}
	}
	values := make(map[string]cty.Value, len(keys))
	elem := u.outputs
	for _, key := range keys {
		values[key] = one(key)
		elem = values[key].Type()
	}
	return mapOf(values, elem)
}

// framesNow are the instances of a fan-out at run time.
func (ev *evaluator) framesNow(u *unit, f Facts) []*frame {
	if !u.fan.late {
		return u.fan.frames
	}
	made, _ := f.Expanded(u.expander())
	var frames []*frame
	for _, inst := range made {
		if inst.ID == u.id(inst.Key) { // the others are the ends and steps of it
			frames = append(frames, &frame{key: inst.Key, keyed: true, fan: u.fan})
		}
	}
	return frames
}

// outputsOf is the outputs of one instance, null when it has none.
func (ev *evaluator) outputsOf(st *step, key string, f Facts) cty.Value {
	if st.typ == nil {
		return cty.DynamicVal
	}
	if f == nil {
		return st.unknown
	}
	v, settled := f.Output(st.id(key))
	if !settled || v == cty.NilVal || v.IsNull() {
		return cty.NullVal(st.outputs)
	}
	if !st.secretOutputs() {
		return v
	}
	attrs := v.AsValueMap()
	for _, o := range st.typ.Outputs {
		if value, has := attrs[o.Name]; has && o.Sensitive {
			attrs[o.Name] = value.Mark(sensitive)
		}
	}
	return cty.ObjectVal(attrs)
}

// mapOf makes a map where all values have one type, else an object, which works
// alike in expressions.
func mapOf(values map[string]cty.Value, elem cty.Type) cty.Value {
	if len(values) == 0 {
		return cty.MapValEmpty(elem)
	}
	for _, v := range values {
		if !v.Type().Equals(elem) {
			return cty.ObjectVal(values)
		}
	}
	return cty.MapVal(values)
}
