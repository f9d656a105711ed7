package plan

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dag"
)

// lateInstances adds the two vertices of a fan-out whose keys are known only at
// run time, and checks its arguments with an unknown key (rule 10).
func (b *builder) lateInstances(st *step) {
	st.roll = rollOf(st)
	m := b.guessed(st)
	expander := st.joint(Expander, st.expander())
	expander.Timeout, expander.Description = m.Timeout, m.Description
	expander.Subject = m.Subject
	history := b.in.History
	expander.Expand = func(f Facts) (dag.Expansion[*Instance], error) {
		x, err := b.ev.expand(st, f)
		for _, v := range x.Vertices {
			v.Value.Expected, v.Value.Basis = history.expect(v.Value)
			v.Value.Rank = expander.Rank
		}
		return x, err
	}
	b.addVertex(st, expander)
	keys, diags := b.ev.linksOf(st.fan.expr.uses, nil, nil)
	b.report(diags)
	if from := st.fan.from; from != nil {
		b.edge(dag.Edge{From: st.expander(), To: from.expander(), When: triggerAmong(st)}, st.fan.expr.Range())
	} else {
		for _, l := range keys {
			b.link(st, st.expander(), l)
		}
	}
	b.addVertex(st, st.joint(Join, st.join()))
	b.edge(dag.Edge{From: st.join(), To: st.expander(), When: triggerAmong(st)}, st.decl.Range)
	for _, l := range m.links {
		b.guess(st, l)
	}
}

// guessed is an instance that stands for all of a fan-out without keys.
func (b *builder) guessed(st *step) *made {
	m, diags := b.ev.instance(st, &frame{keyed: true, guess: true, fan: st.fan})
	b.report(append(diags, b.ev.examine(st, m)...))
	return m
}

// guess notes what some of the instances to come may wait for.
func (b *builder) guess(st *step, l link) {
	before := len(b.edges)
	b.link(st, st.join(), l)
	b.guesses = append(b.guesses, b.edges[before:]...)
	b.edges = b.edges[:before]
}

// expand makes the instances of a late fan-out.
func (ev *evaluator) expand(st *step, f Facts) (dag.Expansion[*Instance], error) {
	var x dag.Expansion[*Instance]
	frames, known, diags := ev.frames(st.fan, f)
	if err := ev.failure(diags); err != nil {
		return x, err
	}
	if !known {
		return x, ev.failure(problems(st.fan.expr.Range(), "The keys are still unknown", "%s cannot start: its keys hang on something that no step makes known.", st.address()))
	}
	if len(frames) == 0 && !st.fan.allowEmpty {
		return x, ev.failure(hcl.Diagnostics{emptyFanOut(st)})
	}
	for _, fr := range frames {
		m, more := ev.instance(st, fr)
		diags = append(diags, more...)
		diags = append(diags, ev.examine(st, m)...)
		ev.expandInto(&x, st, m)
	}
	if st.roll != nil {
		x.Rolls = []dag.Roll{*st.roll}
	}
	return x, ev.failure(diags)
}

func emptyFanOut(st *step) *hcl.Diagnostic {
	return problem(st.fan.expr.Range(), "An empty fan-out", "%s", fmt.Sprintf(
		"%s would run nowhere, and a test of nothing passes always. If that is meant, write allow_empty = true.", st.address()))
}

func (ev *evaluator) expandInto(x *dag.Expansion[*Instance], st *step, m *made) {
	x.Vertices = append(x.Vertices, vertexOf(st, m.Instance))
	among := triggerAmong(st)
	x.Edges = append(x.Edges,
		dag.Edge{From: m.ID, To: st.expander(), When: dag.Succeeded},
		dag.Edge{From: st.join(), To: m.ID, When: among})
	if ev.barred && !st.final() {
		x.Edges = append(x.Edges, dag.Edge{From: barrier, To: m.ID, When: dag.Settled})
	}
	for _, l := range m.links {
		if e, needed := linkEdge(st, m.ID, l); needed {
			x.Edges = append(x.Edges, e)
		}
	}
}
