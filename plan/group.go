package plan

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// group is a group of steps that go together: each instance of it has one of
// each step.
type group struct {
	unit
	decl  *dsl.Group
	steps named[*step]
	// ordered steps run in the order of the file.
	ordered bool
}

// bracket is the region that an instance of the group is.
func (g *group) bracket(key string) *region {
	return &region{id: g.id(key), outer: g.scope.region}
}

func newGroup(s *scope, decl *dsl.Group) *group {
	g := &group{decl: decl, unit: unit{name: decl.Name, scope: s, prefix: "group", args: &decl.Meta, rng: decl.Range}}
	g.fan = &fanout{owner: &g.unit, kind: fanKindOf(&decl.Meta, nil)}
	g.meta.when, g.meta.needs.scope, g.all.scope = OnSuccess, s, s
	return g
}

// declareGroups makes the groups of a file and their steps known by name.
func (b *builder) declareGroups(s *scope, decls []*dsl.Group) {
	for _, decl := range decls {
		g := newGroup(s, decl)
		b.ev.static = b.ev.static || decl.Flawed // what follows from an argument that is unknown is no news
		for _, inner := range decl.Steps {
			st := b.declared(s, inner)
			st.within, st.fan = g, g.fan
			if !g.steps.add(inner.Name, st) {
				b.doubles = append(b.doubles, st)
			}
		}
		g.outline()
		if !s.groups.add(decl.Name, g) {
			b.doubles = append(b.doubles, g.steps.list...)
		}
	}
}

// outline makes the outputs of an instance: an object of those of the steps.
func (g *group) outline() {
	types, values := map[string]cty.Type{}, map[string]cty.Value{}
	for _, st := range g.steps.list {
		types[st.name], values[st.name] = cty.DynamicPseudoType, cty.DynamicVal
		if st.typ != nil {
			types[st.name], values[st.name] = st.outputs, st.unknown
		}
	}
	g.outputs, g.unknown = cty.Object(types), cty.ObjectVal(values)
}

// groupText checks the text of a group and of its steps.
func (b *builder) groupText(g *group) {
	b.metaText(&g.unit, g.site("an argument of a group"))
	if v, ok := b.constant(g.scope, g.decl.Ordered, schema.Attribute{Name: "ordered", Type: cty.Bool}); ok {
		g.ordered = v.True()
	}
	if g.args.Nodes != nil && g.args.ForEach != nil {
		b.bothKeys(g.args.ForEach)
	}
	for _, st := range g.steps.list {
		b.stepText(st)
		if st.typ != nil && st.typ.Placement == steps.EachNode {
			b.problem(st.decl.TypeRange, fmt.Sprintf("A %q step in a group", st.typ.Name),
				"It has an instance for every node of its cluster, and a step of a group has one for each of the group's. Write it outside of the group.")
		}
	}
}

// groupInstance adds one instance of a group: the steps between an opening and a
// closing vertex. Without examine, the arguments are not looked at.
func (ev *evaluator) groupInstance(d *draft, g *group, fr *frame, examine bool) hcl.Diagnostics {
	m, diags := ev.bracketed(g, fr)
	around := g.bracket(fr.key)
	d.open(ev, &g.unit, m, around)
	for i, st := range g.steps.list {
		if st.typ == nil {
			continue
		}
		inner, more := ev.instance(st, fr)
		diags = append(diags, more...)
		if examine {
			more = ev.examine(st, inner)
			examine = !more.HasErrors()
			diags = append(diags, more...)
		}
		inner.Off = m.Off || inner.Off
		d.add(ev, st, inner)
		if g.ordered {
			d.inOrder(g.steps.list[:i+1], fr.key)
		}
	}
	d.shut(m, around)
	return diags
}

// open adds the opening vertex of a region.
func (d *draft) open(ev *evaluator, u *unit, m *made, r *region) {
	begin := &Instance{
		ID: r.opening(), Kind: Opening, Step: m.Step, Key: m.Key, Keyed: m.Keyed, When: OnSuccess,
		Description: m.Description, Range: m.Range, Retry: Retry{Attempts: 1}, Enabled: m.Enabled,
	}
	m.Enabled = nil
	traits := dag.Traits{Opens: m.ID, Limit: m.Timeout, Deadline: m.Deadline}
	if u.roll != nil {
		traits.Roll = u.roll.Name
	}
	d.vertex(begin, traits, r.outer)
	first := end{begin.ID, r.outer}
	for _, l := range m.links {
		d.link(u, first, l)
	}
	d.during(ev, first, end{m.ID, r.outer}, m.during, m.Off)
}

// shut adds the closing vertex of a region.
func (d *draft) shut(m *made, r *region) {
	d.vertex(m.Instance, dag.Traits{}, r.outer)
	d.edges = append(d.edges, placedEdge{dag.Edge{From: m.ID, To: r.opening()}, m.Range})
}

// bracketed makes the closing instance of a group, with what the opening one
// waits for besides what the steps do.
func (ev *evaluator) bracketed(g *group, fr *frame) (*made, hcl.Diagnostics) {
	m := &made{frame: fr, Instance: &Instance{
		ID: g.id(fr.key), Kind: Region, Step: g.name, Key: fr.key, Keyed: fr.keyed, When: OnSuccess, Range: g.rng,
	}}
	diags := ev.early(&g.unit, fr, m.Instance)
	var more hcl.Diagnostics
	m.links, more = ev.links(&g.unit, fr)
	diags = append(diags, more...)
	m.during, more = ev.linksOf(g.meta.during, fr, nil)
	m.during = append(m.during, g.scope.during...)
	m.During = addresses(m.during)
	diags = append(diags, more...)
	m.Enabled, m.Off, diags = ev.enabled(&g.unit, fr, diags)
	m.in(g.scope)
	return m, diags
}

// in adds what the modules around say of it. Finalisers are in no brackets.
func (m *made) in(s *scope) {
	inherited := s.inherited
	if m.When != OnSuccess {
		inherited = s.enabled
	}
	m.Enabled, m.Off = enabledBoth(inherited, m.Enabled), s.off || m.Off
}

// enabledBoth is true when two conditions are; nil stands for true.
func enabledBoth(a, b func(Facts) (bool, error)) func(Facts) (bool, error) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(f Facts) (bool, error) {
		if yes, err := a(f); err != nil || !yes {
			return yes, err
		}
		return b(f)
	}
}

// inOrder makes the last of some steps of a group wait for those before it:
// for the one right before, and for the spans that it is not during.
func (d *draft) inOrder(list []*step, key string) {
	st := list[len(list)-1]
	first := st.id(key)
	if st.span {
		first = startOf(st.end(key)).id
	}
	for i, before := range list[:len(list)-1] {
		if before.typ == nil || i < len(list)-2 && !before.span || st.happensDuring(before) {
			continue
		}
		d.edges = append(d.edges, placedEdge{dag.Edge{From: first, To: before.id(key)}, st.rng})
	}
}

// happensDuring says whether a step is during a span of its group, directly or
// through others.
func (st *step) happensDuring(span *step) bool {
	seen := []*step{st}
	for i := 0; i < len(seen); i++ {
		for _, u := range seen[i].meta.during {
			if u.own() && !slices.Contains(seen, u.step) {
				seen = append(seen, u.step)
			}
		}
	}
	return slices.Contains(seen[1:], span)
}
