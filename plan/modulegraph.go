package plan

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dag"
)

// around is what the call of a module says of everything in it, and the calls
// around that.
type around struct {
	// waits is what the parts wait for, and during what they are during; inside
	// of brackets the opening one has them.
	waits, during []link
	// enabled is nil when nothing disables it, and inherited when nothing but
	// brackets does; off says that it is known before the run to be disabled.
	enabled, inherited func(Facts) (bool, error)
	off                bool
}

// surround finds out what the calls of modules say of what is in them, from the
// outermost on, and draws the brackets.
func (b *builder) surround() {
	for _, m := range b.calls {
		m.roll = rollOf(&m.unit)
	}
	for _, s := range b.scopes[1:] {
		m, outer := s.call, s.parent
		links, diags := b.ev.links(&m.unit, s.frame)
		during, more := b.ev.linksOf(m.meta.during, s.frame, nil)
		diags = append(diags, more...)
		enabled, off, diags := b.ev.enabled(&m.unit, s.frame, diags)
		b.report(diags)
		s.around = around{
			waits: links, during: append(during, outer.during...),
			enabled: enabledBoth(outer.enabled, enabled), inherited: enabledBoth(outer.inherited, enabled), off: outer.off || off,
		}
		if m.regional {
			b.bracket(s)
		}
	}
}

// bracket draws the two ends of an instance of a module that is rolled, repeated
// or bounded. What is in it waits for the opening one, which waits for the rest.
func (b *builder) bracket(s *scope) {
	m := s.call
	inst := &Instance{
		ID: s.region.id, Kind: Region, Step: m.name, Key: s.frame.key, Keyed: s.frame.keyed, When: OnSuccess, Range: m.rng,
		During: addresses(s.during), Off: s.off,
	}
	b.report(b.ev.early(&m.unit, s.frame, inst))
	made := &made{Instance: inst, frame: s.frame, links: s.waits, during: s.during}
	inst.Enabled = s.inherited
	b.graph.open(b.ev, &m.unit, made, s.region)
	b.graph.shut(made, s.region)
	s.waits, s.during, s.inherited = nil, nil, nil
}

// joints adds the vertices that stand for whole modules, or for instances of
// them, where something waits for those.
func (b *builder) joints() {
	wanted := map[dag.ID]bool{}
	for _, e := range b.graph.edges {
		wanted[e.To] = true
	}
	for _, e := range b.guesses.edges {
		wanted[e.To] = true
	}
	for _, m := range b.calls {
		if wanted[m.join()] && m.fan.kind != single {
			b.joint(m, m.join())
			for _, s := range m.scopes {
				to := m.end(s.frame.key)
				b.graph.edge(m.whole(m.join()), to, dag.Succeeded, m.rng)
				wanted[to.id] = true
			}
		}
		for _, s := range m.scopes {
			if id := m.id(s.frame.key); wanted[id] && !m.regional {
				b.joint(m, id)
				for _, to := range b.ends(s) {
					b.graph.edge(m.whole(id), to, dag.Succeeded, m.rng)
					wanted[to.id] = true
				}
			}
		}
	}
}

func (b *builder) joint(m *module, id dag.ID) {
	b.graph.vertex(&Instance{
		ID: id, Kind: Join, Step: m.name, When: OnSuccess, Range: m.rng, Retry: Retry{Attempts: 1},
	}, dag.Traits{}, m.scope.region)
}

// ends are what all of a scope has ended with; finalisers come later.
func (b *builder) ends(s *scope) []end {
	var ends []end
	add := func(u *unit) {
		switch {
		case u.final() || u.fan.broken:
		case u.fan.kind == single:
			ends = append(ends, u.end(""))
		default:
			u.joined = true
			ends = append(ends, u.whole(u.join()))
		}
	}
	for _, st := range s.steps.list {
		if st.typ != nil {
			add(&st.unit)
		}
	}
	for _, g := range s.groups.list {
		add(&g.unit)
	}
	for _, m := range s.modules.list {
		if len(m.scopes) > 0 {
			add(&m.unit)
		}
	}
	return ends
}

// repeated reports keys that only a run knows in a module that is repeated as a
// whole: what they made would be there already.
func (b *builder) repeated(u *unit, rng hcl.Range) {
	for s := u.scope; s.parent != nil; s = s.parent {
		if s.call.args.Retry != nil {
			b.problem(rng, "Late keys in a repeated module", "The keys of %s are known only during the run, and module %q is repeated as a whole (%s). Take its keys from what is known before the run, or put `retry` into the steps.",
				u.address(), s.call.name, place(s.call.args.Retry.Range))
			return
		}
	}
}
