package plan

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dag"
)

// draft is a part of a graph in the making: the whole of it at plan time, or
// what the keys of a late fan-out add during the run.
type draft struct {
	vertices []dag.Vertex[*Instance]
	edges    []placedEdge
	diags    hcl.Diagnostics
	// spans are those among the vertices, and held those during which something
	// happens.
	spans []spanned
	held  map[dag.ID]bool
	// facts are nil at plan time.
	facts Facts
	// graph is nil, but for guesses: their instances stand for those to come of
	// the late fan-out, and what they wait for serves to find cycles. Guesses are
	// those of a plan's graph.
	graph, guesses *draft
	late           *unit
}

// placedEdge is an edge with the place in the files that it comes from.
type placedEdge struct {
	dag.Edge
	rng hcl.Range
}

// edge makes one end wait for another.
func (d *draft) edge(from, to end, when dag.Trigger, rng hcl.Range) {
	var e dag.Edge
	e.From, e.To = lift(from, to)
	e.When = when
	d.edges = append(d.edges, placedEdge{e, rng})
}

// order makes one vertex wait for the end of another, whatever the regions.
func (d *draft) order(from, to dag.ID, rng hcl.Range) {
	d.edges = append(d.edges, placedEdge{dag.Edge{From: from, To: to, When: dag.Settled}, rng})
}

// vertex adds a vertex to the region around it. Of the two ends of a bracket the
// first waits for the region's opening, and the region for the last.
func (d *draft) vertex(inst *Instance, traits dag.Traits, around *region) {
	if around != nil {
		traits.Region, inst.Region = around.id, around.id
		if !inst.closes() {
			d.edges = append(d.edges, placedEdge{dag.Edge{From: inst.ID, To: around.opening()}, inst.Range})
		}
		if traits.Opens == "" {
			d.order(around.id, inst.ID, inst.Range)
		}
	}
	d.vertices = append(d.vertices, dag.Vertex[*Instance]{ID: inst.ID, Value: inst, Traits: traits})
}

// closes says that another vertex opens what this one closes.
func (i *Instance) closes() bool {
	return i.Kind == Region || i.Kind == Work && i.Span != nil
}

// add adds an instance of a step with what it waits for. A span has a vertex
// more, which starts it: that one waits.
func (d *draft) add(ev *evaluator, st *step, m *made) {
	around := st.region(m.Key)
	traits := dag.Traits{Final: st.final(), Tolerated: st.meta.tolerated}
	first := end{m.ID, around}
	if m.Span != nil {
		first.id = d.span(st, m, traits)
	} else {
		if !st.typ.Polls {
			traits.Weight = 1
		}
		traits.Locks = m.Locks
		if st.roll != nil {
			traits.Roll = st.roll.Name
		}
		d.vertex(m.Instance, traits, around)
	}
	for _, l := range m.links {
		d.link(&st.unit, first, l)
	}
	d.during(ev, first, end{m.ID, around}, m.during, m.Off)
}

// link adds the edge of a link. Finalisers wait for main steps by the barrier
// alone.
func (d *draft) link(u *unit, from end, l link) {
	if !u.final() && l.unit.final() {
		d.diags = append(d.diags, problem(l.rng, "A main step waits for a finaliser", "%s runs after all main steps (when = %q), so %s cannot wait for it. Give %s a `when` too, or take it away there.",
			l.unit.address(), l.unit.meta.when, u.address(), u.address()))
		return
	}
	if u.final() && !l.unit.final() {
		return
	}
	d.edge(from, l.target(), triggerAmong(u), l.rng)
	if d.facts == nil { // at run time, the plan has foreseen it
		l.unit.joined = l.unit.joined || !l.one && l.unit.fan.kind != single
	}
}

// triggerAmong is how instances wait for each other: among finalisers edges mean
// settled (rule 9).
func triggerAmong(u *unit) dag.Trigger {
	if u.final() {
		return dag.Settled
	}
	return dag.Succeeded
}
