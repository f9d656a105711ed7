package plan

import "github.com/dcosflow/dcosflow/dag"

// mostPairs is up to how many pairs of instances of a span and what happens
// during all of them there is an edge for each.
const mostPairs = 10_000

// gateSuffix ends the address of what closes a Gate.
const gateSuffix = ":all"

// gated says that a Gate stands between the instances of a span and what happens
// during all of them.
func (u *unit) gated() bool { return len(u.fan.frames)*u.wide > mostPairs }

// width is how many vertices happen during a span when all instances do.
func (u *unit) width() int { return max(1, len(u.fan.frames)) }

// width is how many vertices happen during a span when all of a module does.
func (m *module) width() int {
	if m.regional {
		return len(m.scopes)
	}
	n := 0
	for _, s := range m.scopes {
		for _, p := range s.parts() {
			n += p.unit().width()
		}
	}
	return n
}

// gate is what happens during all instances of a span, as an end of edges.
func (u *unit) gate() end { return u.whole(u.join() + gateSuffix) }

// gate adds the two vertices of a span that does nothing and is during all
// instances of another.
func (d *draft) gate(u *unit) {
	last := u.gate()
	first := startOf(last)
	opening := &Instance{ID: first.id, Kind: Gate, Step: u.name, When: OnSuccess, Range: u.rng, Retry: Retry{Attempts: 1}}
	closing := *opening
	closing.ID, closing.Kind = last.id, Join
	d.vertex(opening, dag.Traits{Opens: last.id, Span: true, Lazy: true}, last.region)
	d.vertex(&closing, dag.Traits{}, last.region)
	d.edge(last, first, dag.Succeeded, u.rng)
	for _, fr := range u.fan.frames {
		d.bracket(u.end(fr.key), child{first: first, last: last, rng: u.rng})
	}
}
