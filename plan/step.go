package plan

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// step is a step of the workflow, or one that the plan adds.
type step struct {
	unit
	decl *dsl.Step
	// typ is nil when the type is unknown: such a step has no instances.
	typ  *steps.Type
	body *block
	// read says that its text has been checked.
	read bool
	// span says that it is two vertices, its start and its end. What was meant
	// to be one and is wrong is a maybe, which has been reported.
	span, maybe bool
}

func (st *step) added() bool { return st.prefix != "step" }

func (st *step) role() steps.Role {
	if st.typ == nil {
		return steps.Ordinary
	}
	return st.typ.Role
}

func (st *step) secretOutputs() bool {
	return slices.ContainsFunc(st.typ.Outputs, func(o schema.Output) bool { return o.Sensitive })
}

// declared makes a step of a file.
func (b *builder) declared(s *scope, decl *dsl.Step) *step {
	st := newStep(s, "step", decl, b.stepType(decl.Type))
	if st.typ == nil {
		names := b.stepTypeNames()
		b.problem(decl.TypeRange, fmt.Sprintf("Unknown step type %q", decl.Type), "%s%s",
			thereIs(names), dsl.Suggest(decl.Type, names))
	}
	return st
}

func newStep(s *scope, prefix string, decl *dsl.Step, typ *steps.Type) *step {
	st := &step{
		unit: unit{name: decl.Name, scope: s, prefix: prefix, args: &decl.Meta, rng: decl.Range},
		decl: decl, typ: typ,
	}
	st.fan = &fanout{owner: &st.unit, kind: fanKindOf(&decl.Meta, typ)}
	st.meta.when, st.meta.needs.scope = OnSuccess, s
	if typ == nil {
		return st
	}
	if decl.Meta.Sensitive {
		typ = silent(typ)
		st.typ = typ
	}
	st.outputs = schema.OutputType(typ.Outputs)
	attrs := make(map[string]cty.Value, len(typ.Outputs))
	for _, o := range typ.Outputs {
		attrs[o.Name] = cty.UnknownVal(o.Type)
		if o.Sensitive {
			attrs[o.Name] = attrs[o.Name].Mark(sensitive)
		}
	}
	st.unknown = cty.ObjectVal(attrs)
	return st
}

// silent makes what a type prints sensitive.
func silent(t *steps.Type) *steps.Type {
	s := *t
	s.Outputs = slices.Clone(t.Outputs)
	for i := range s.Outputs {
		s.Outputs[i].Sensitive = s.Outputs[i].Sensitive || s.Outputs[i].Printed
	}
	return &s
}

func (b *builder) stepType(name string) *steps.Type {
	for i := range b.in.Steps {
		if b.in.Steps[i].Name == name {
			return &b.in.Steps[i]
		}
	}
	return nil
}

func (b *builder) stepTypeNames() []string {
	var names []string
	for _, t := range b.in.Steps {
		names = append(names, t.Name)
	}
	return names
}

// steps resolves the references of all steps and evaluates what is the same for
// their instances. Then the clusters that are used are known, and what the file
// leaves out is added.
func (b *builder) steps() {
	for _, m := range b.calls {
		b.metaText(&m.unit, m.site("an argument of a module"))
	}
	for _, p := range b.ev.root.parts() {
		if p.group != nil {
			b.groupText(p.group)
		} else {
			b.stepText(p.step)
		}
	}
	for _, st := range b.doubles {
		b.stepText(st)
	}
	b.addSteps()
}

// stepText checks the text of a step.
func (b *builder) stepText(st *step) {
	if st.read {
		return
	}
	st.read = true
	at := b.siteOf(st, "an argument of a step")
	if st.typ != nil {
		b.placement(st)
	}
	b.metaText(&st.unit, at)
	if st.typ == nil {
		return
	}
	b.spanText(st)
	c := compiler{ev: b.ev, scope: st.scope, site: at, meta: true}
	st.body = c.block(st.decl.Body, &st.typ.Schema, st.decl.Range, fmt.Sprintf("step type %q", st.typ.Name))
	b.report(c.diags)
	st.all.merge(&st.body.needs)
	if st.fan.kind == overCluster {
		st.fan.expr = st.body.clusterArgument()
	}
}

// mistyped says whether an unknown argument, which is reported as such, may be
// one of these meta-arguments: then nothing that follows from its absence is
// news.
func (st *step) mistyped(names ...string) bool {
	if st.typ == nil {
		return false
	}
	attrs, _ := st.decl.Body.JustAttributes() // blocks are no arguments
	known, _ := st.typ.Schema.Names()
	for name := range attrs {
		if !slices.Contains(known, name) && dsl.Suggest(name, names) != "" {
			return true
		}
	}
	return false
}

// siteOf is what the arguments of a step may use.
func (b *builder) siteOf(st *step, what string) site {
	at := st.site(what)
	flawed := st.within != nil && st.within.decl.Flawed
	at.each = at.each || flawed || st.mistyped("for_each")
	at.node = at.node || flawed || st.fan.kind == overCluster || st.args.Node != nil || st.mistyped("node", "nodes")
	return at
}

// site is what the arguments of a step or group may use.
func (u *unit) site(what string) site {
	at := site{what: what, steps: true, clusters: true, group: u.within}
	at.each, at.node = u.fan.kind == overEach, u.fan.kind == overNodes
	if fan := u.fan; at.each && fan.read {
		at.from = fan.from
	} else if e := fan.owner.args.ForEach; at.each && e != nil {
		at.from = fan.owner.scope.keysFrom(e)
	}
	return at
}
