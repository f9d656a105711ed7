package plan

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// module is a module call: each of its instances is a scope of its own.
type module struct {
	unit
	decl *dsl.Module
	// scopes are the instances in the order of the keys. They are made when
	// something needs to know them: see open.
	scopes          []*scope
	opening, opened bool
	asked, regional bool
}

func newModule(s *scope, decl *dsl.Module) *module {
	m := &module{decl: decl, unit: unit{name: decl.Name, scope: s, prefix: "module", args: &decl.Meta, rng: decl.Range}}
	m.fan = &fanout{owner: &m.unit, kind: fanKindOf(&decl.Meta, nil), allowEmpty: true}
	m.meta.when, m.meta.needs.scope, m.all.scope = OnSuccess, s, s
	meta := decl.Meta
	m.regional = meta.MaxParallel != nil || meta.Retry != nil || meta.Timeout != nil || meta.Deadline != nil
	return m
}

// declare makes known by name what a file or directory has.
func (b *builder) declare(s *scope, w *dsl.Workflow) {
	for _, decl := range w.Steps {
		st := b.declared(s, decl)
		if !s.steps.add(decl.Name, st) {
			b.doubles = append(b.doubles, st)
		}
	}
	b.declareGroups(s, w.Groups)
	for _, decl := range w.Modules {
		s.modules.add(decl.Name, newModule(s, decl))
	}
}

// modules makes the instances of all module calls in a scope, and in them.
func (b *builder) modules(s *scope) {
	b.scopes = append(b.scopes, s)
	for _, m := range s.modules.list {
		b.open(m)
		b.calls = append(b.calls, m)
		for _, inner := range m.scopes {
			b.modules(inner)
		}
	}
}

// open makes the instances of a module call, once. References need them, so they
// are the only ones whose keys must be known before the run.
func (b *builder) open(m *module) {
	if m.opened || m.decl.Workflow == nil {
		return
	}
	if m.opening {
		if !m.fan.broken {
			b.problem(m.rng, "Keys in a circle", "The keys of %s hang on themselves.", m.address())
		}
		m.fan.broken = true
		return
	}
	m.opening = true
	frames := []*frame{{}}
	if m.fan.kind != single {
		b.fanOut(&m.unit)
		frames = m.fan.frames
		if m.fan.late && !m.fan.broken {
			m.fan.broken = true
			if !b.ev.static {
				b.problem(m.args.ForEach.Range(), "The keys are not known", "The keys of a module must be known before the run: write them out, or take them from variables, names and counts, or from a step whose keys are known. Steps in the module may have keys that only the run knows.")
			}
		}
	}
	m.opened = true
	if m.fan.broken { // its text is checked all the same
		frames = []*frame{{key: guessKey, keyed: true, guess: true, fan: m.fan}}
		b.ev.static = true
	}
	for _, fr := range frames {
		m.scopes = append(m.scopes, b.inside(m, fr))
	}
}

// inside makes an instance of a module call.
func (b *builder) inside(m *module, fr *frame) *scope {
	w := m.decl.Workflow
	s := newScope(b.ev, w)
	s.parent, s.call, s.frame = m.scope, m, fr
	s.path = string(m.id(fr.key)) + "."
	s.region = m.scope.region
	if m.regional {
		s.region = &region{id: m.id(fr.key), outer: m.scope.region}
	}
	s.functions = b.ev.functionsIn(w.Dir)
	s.roots = map[string]cty.Value{"path": pathsOf(b.in.Workflow.Dir, w.Dir), "run": m.scope.roots["run"]}
	for _, v := range w.Variables {
		s.inputs.add(v.Name, b.input(m, s, fr, v))
	}
	for _, o := range w.Outputs {
		if o.Value == nil {
			continue // reported by the loader
		}
		s.outputs.add(o.Name, &binding{
			title: "module." + m.name + "." + o.Name, home: s, scope: s, source: o.Value, rng: o.Range, output: o,
			at: site{what: "an output", steps: true, clusters: true},
		})
	}
	b.declare(s, w)
	return s
}

// input is the value of a variable of a module: the argument of the call, or
// else the default.
func (b *builder) input(m *module, s *scope, fr *frame, v *dsl.Variable) *binding {
	x := &binding{title: "var." + v.Name, home: s, scope: m.scope, rng: v.Range, input: v}
	for _, in := range m.decl.Inputs {
		if in.Name != v.Name || in.Expr == nil {
			continue
		}
		x.source, x.rng, x.given = in.Expr, in.NameRange, true
		x.at = m.site("an input of a module")
		if fr.keyed {
			x.frame = fr
		}
		return x
	}
	value := v.Default
	if value == cty.NilVal { // that it is missing has been reported
		value = cty.UnknownVal(v.Type)
		b.ev.static = true
	}
	x.source = &hclsyntax.LiteralValueExpr{Val: value, SrcRange: v.Range}
	return x
}

// pathsOf is the root `path`.
func pathsOf(workflow, module string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"workflow": cty.StringVal(workflow), "module": cty.StringVal(module)})
}

// condition is what enables the call; nil when nothing does.
func (m *module) condition() *expression {
	if !m.asked && m.args.Enabled != nil && m.meta.enabled == nil {
		m.asked = true
		if x, diags := m.scope.resolve(m.args.Enabled, m.site("an argument of a module")); !diags.HasErrors() {
			m.meta.enabled = x // what is wrong with it is reported with the other arguments
		}
	}
	return m.meta.enabled
}
