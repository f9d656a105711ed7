package plan

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// pickedModule is a reference to the instance of a module whose key hangs on
// the node or the key of the instance that the expression is evaluated for.
type pickedModule struct {
	module *module
	key    *expression
	// output is what is wanted of it, all of them when empty, and tail what
	// stands after that.
	output string
	tail   tail
	rng    hcl.Range
}

// module checks a reference to a module or one of its outputs, and notes what
// the outputs need.
func (r *resolver) module(ref dsl.Reference) bool {
	m, ok := find(r, &r.scope.modules, ref)
	if !ok || !r.allowed(ref, r.site.steps) {
		return false
	}
	r.scope.ev.open(m)
	r.out.call(m)
	if len(m.scopes) == 0 && (m.fan.kind == single || m.fan.broken) || !r.moduleForm(m, ref) {
		return false
	}
	if m.fan.broken || m.fan.kind == single {
		return r.instancesOf(m.scopes[:1], ref)
	}
	if ref.Key == nil {
		return r.instancesOf(m.scopes, ref)
	}
	key, diags := r.scope.resolve(ref.Key, r.site)
	switch {
	case diags.HasErrors(): // reported as those of the whole expression
		return false
	case r.free(ref.Key) || len(key.uses) > 0:
		return r.instancesOf(m.scopes, ref)
	case !key.shared():
		r.pick(m, key, ref)
		return false
	}
	s, known, problem := r.scope.ev.pick(pickedModule{module: m, key: key, rng: ref.Range}, nil)
	switch {
	case problem != nil:
		r.diags = append(r.diags, problem)
	case s != nil:
		return r.instancesOf([]*scope{s}, ref)
	case !known:
		return r.instancesOf(m.scopes, ref)
	}
	return false
}

// wholeModule notes that a module, or an instance of it, is waited for.
func (r *resolver) wholeModule(ref dsl.Reference) {
	m, ok := find(r, &r.scope.modules, ref)
	if !ok || !r.moduleForm(m, ref) {
		return
	}
	if r.scope.ev.open(m); len(m.scopes) > 0 {
		t := r.tail(ref)
		r.out.uses = append(r.out.uses, use{module: m, key: t.key, keyed: ref.Range, free: t.free, rng: ref.Range})
	}
}

// moduleForm checks the form of a reference to a module.
func (r *resolver) moduleForm(m *module, ref dsl.Reference) bool {
	address, rest := "module."+m.name, ""
	if in := ref.Inner; in != nil {
		rest = "." + in.Name
	}
	switch {
	case m.fan.kind == single && ref.Key != nil:
		r.problem(ref.Range, "Unneeded index", "%s has one instance, without a key. Write %s instead of %s; an index is for modules with `for_each`.",
			address, address+rest, address+"["+keyText(ref.Key)+"]"+rest)
	case m.fan.kind != single && ref.Splat:
		r.problem(ref.Range, "Splat on a map", "%s is a map with one value per instance. Write values(%s)[*]%s for all of them.", address, address, restText(ref.Rest))
	case m.fan.kind != single && ref.Key == nil && ref.Inner != nil:
		r.problem(ref.Range, "Missing index", "%s has an instance for each key. Write %s[%s]%s for one of them, or values(%s)[*]%s for all.",
			address, address, m.keyExample(), rest, address, rest)
	case ref.Inner != nil:
		return r.moduleOutput(m, ref)
	default:
		return true
	}
	return false
}

// moduleOutput checks the name of an output.
func (r *resolver) moduleOutput(m *module, ref dsl.Reference) bool {
	if len(m.scopes) == 0 {
		return true // without keys
	}
	known, name := m.scopes[0].outputs.names, ref.Inner.Name
	if slices.Contains(known, name) {
		return true
	}
	has := "it has no outputs"
	if len(known) > 0 {
		has = "its outputs are " + enumerate(known)
	}
	hint := dsl.Suggest(name, known)
	if inside := m.scopes[0].elsewhere("", name); hint == "" && inside != "" || name == "step" || name == "group" {
		hint = fmt.Sprintf(" From outside only outputs are seen: write an output block in the module (%s).", m.decl.Source)
	}
	r.problem(ref.Inner.NameRange, fmt.Sprintf("Unknown output %q", name), "module.%s has no output %q; %s.%s", m.name, name, has, hint)
	return false
}

// instancesOf notes what the outputs of instances need: of one output, or of
// all. Only for one output of one instance, what follows belongs to it.
func (r *resolver) instancesOf(scopes []*scope, ref dsl.Reference) bool {
	if len(scopes) == 1 && ref.Inner != nil {
		after := *ref.Inner
		after.Range = ref.Range
		return r.binding(scopes[0].outputs.byName[after.Name], after)
	}
	whole := dsl.Reference{Root: ref.Root, Name: ref.Name, Range: ref.Range, NameRange: ref.NameRange}
	for _, s := range scopes {
		for _, b := range s.outputs.list {
			if ref.Inner == nil || b.output.Name == ref.Inner.Name {
				r.binding(b, whole)
			}
		}
	}
	return false
}

// pick notes a reference whose key is known only for each instance. What it may
// mean is checked with the first instance of the module.
func (r *resolver) pick(m *module, key *expression, ref dsl.Reference) {
	p := pickedModule{module: m, key: key, rng: ref.Range}
	trial := *r
	trial.out = r.scope.expression(nil)
	if ref.Inner != nil {
		p.output = ref.Inner.Name
		p.tail = r.tail(*ref.Inner)
	}
	if len(m.scopes) > 0 {
		trial.instancesOf(m.scopes[:1], ref)
		r.diags = trial.diags
	}
	for _, s := range m.scopes {
		for _, b := range s.outputs.list {
			if b.resolve(); b.expr != nil && (p.output == "" || p.output == b.output.Name) {
				r.out.merge(&needs{clusters: b.expr.clusters})
			}
		}
	}
	r.out.picks = append(r.out.picks, p)
}

// pick finds the instance that a key means: none with false when the key is not
// known, and none with true when it has no value.
func (ev *evaluator) pick(p pickedModule, fr *frame) (*scope, bool, *hcl.Diagnostic) {
	if (p.key.node || p.key.each) && (fr == nil || fr.guess) {
		return nil, false, nil
	}
	v := ev.keyOf(use{key: p.key}, fr)
	if !v.IsKnown() {
		return nil, false, nil
	}
	if v.IsNull() {
		return nil, true, nil
	}
	key := v.AsString()
	at, exists := p.module.fan.index[key]
	if !exists && p.module.fan.broken {
		return nil, false, nil // which there are is not known, and reported
	}
	if !exists {
		return nil, true, p.module.unknownKey(key, p.rng)
	}
	return p.module.scopes[at], true, nil
}

// chosen are the needs of an instance: those of the modules that its node or its
// key chooses are added. A key that does not exist is a problem of the links.
func (ev *evaluator) chosen(n *needs, fr *frame) *needs {
	if len(n.picks) == 0 {
		return n
	}
	all := *n
	all.picks, all.uses, all.bindings = nil, slices.Clone(n.uses), slices.Clone(n.bindings)
	for _, p := range n.picks {
		s, known, _ := ev.pick(p, fr)
		switch {
		case s != nil:
			all.take(s, p)
		case !known:
			for _, s := range p.module.scopes {
				all.take(s, p)
			}
		}
	}
	return &all
}

// unpicked are the problems of keys that modules do not have.
func (ev *evaluator) unpicked(n *needs, fr *frame) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, p := range n.picks {
		if _, _, problem := ev.pick(p, fr); problem != nil {
			diags = append(diags, problem)
		}
	}
	return diags
}

// take adds what the outputs of an instance of a module need.
func (n *needs) take(s *scope, p pickedModule) {
	for _, b := range s.outputs.list {
		if p.output != "" && b.output.Name != p.output || b.expr == nil {
			continue
		}
		lent := b.expr.needs
		if b.plain {
			u := lent.uses[0].followed(p.tail)
			u.rng = p.rng
			n.uses, lent.uses = append(n.uses, u), lent.uses[1:]
		}
		n.borrow(&lent)
		n.bind(b)
	}
}

// modulesOf makes the root `module` of a scope from the outputs by instance.
func (n *needs) modulesOf(s *scope, outputs map[*scope]map[string]cty.Value) map[string]cty.Value {
	var modules map[string]cty.Value
	for _, m := range n.calls {
		if m.scope != s {
			continue
		}
		if modules == nil {
			modules = map[string]cty.Value{}
		}
		modules[m.name] = m.value(outputs)
	}
	return modules
}

// value is what module.m means: an object of its outputs, or a map of them.
func (m *module) value(outputs map[*scope]map[string]cty.Value) cty.Value {
	if m.decl.Workflow == nil || m.fan.broken {
		return cty.DynamicVal
	}
	if m.fan.kind == single {
		return cty.ObjectVal(outputs[m.scopes[0]])
	}
	values := map[string]cty.Value{}
	elem := cty.EmptyObject
	for _, s := range m.scopes {
		if given := outputs[s]; given != nil || len(s.outputs.list) == 0 {
			values[s.frame.key] = cty.ObjectVal(given)
			elem = values[s.frame.key].Type()
		}
	}
	return mapOf(values, elem)
}
