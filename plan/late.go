package plan

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dag"
)

// lateInstances adds the two vertices of a fan-out whose keys are known only at
// run time, and checks its arguments with an unknown key (rule 10).
func (b *builder) lateInstances(p part) {
	u := p.unit()
	b.repeated(u, u.fan.expr.Range())
	expander := p.joint(Expander, u.expander())
	before := len(b.guesses.edges)
	ghost := b.ghost(p)
	b.foresee(p, b.guesses.edges[before:])
	all := made{Instance: expander}
	all.in(u.scope) // a disabled module has no keys to look for
	expander.Timeout, expander.Description, expander.Subject = ghost.Timeout, ghost.Description, ghost.Subject
	expander.During = ghost.During
	history := b.in.History
	expander.Expand = func(f Facts) (dag.Expansion[*Instance], error) {
		x, err := b.ev.expand(p, f)
		for _, v := range x.Vertices {
			v.Value.Expected, v.Value.Basis = history.expect(v.Value)
			v.Value.Rank = expander.Rank
		}
		return x, err
	}
	d, first, whole := &b.graph, u.whole(u.expander()), u.whole(u.join())
	d.vertex(expander, u.traits(), u.outside())
	keys, diags := b.ev.linksOf(u.fan.expr.uses, nil, nil)
	b.report(diags)
	if from := u.fan.from; from != nil {
		d.edge(first, from.whole(from.expander()), triggerAmong(u), u.fan.expr.Range())
	} else {
		for _, l := range keys {
			d.link(u, first, l)
		}
	}
	d.vertex(p.joint(Join, u.join()), u.traits(), u.outside())
	d.edge(whole, first, triggerAmong(u), u.rng)
}

// foresee notes what the instances to come of a late fan-out may need. A region
// around it waits for that: when they come, it is open.
func (b *builder) foresee(p part, guessed []placedEdge) {
	u := p.unit()
	around := u.outside()
	var later []dag.ID
	for _, e := range guessed {
		later = append(later, e.To)
		if around.opens(e.From) {
			b.graph.edges = append(b.graph.edges, e)
		}
	}
	clusters := slices.Clone(u.fan.expr.clusters)
	for _, st := range p.steps() {
		if st.meta.node != nil {
			clusters = append(clusters, st.meta.node.clusters...)
		}
	}
	for _, c := range clusters {
		if c.provisioner == nil {
			continue
		}
		for _, fr := range c.provisioner.fan.frames {
			later = append(later, c.provisioner.id(fr.key))
		}
		if around != nil {
			b.graph.link(u, end{around.id, around}, provisioning(c, "", u.fan.expr.Range()))
		}
	}
	b.plan.later[u.expander()] = later
}

// ghost adds the instance that stands for those to come, and returns it.
func (b *builder) ghost(p part) *Instance {
	u := p.unit()
	before := len(b.guesses.vertices)
	b.guesses.late = u
	b.instancesOf(&b.guesses, p, guessed(u))
	b.guesses.late = nil
	for _, v := range b.guesses.vertices[before:] {
		if v.ID == u.id(guessKey) {
			among := triggerAmong(u)
			b.guesses.edge(u.whole(u.join()), u.end(guessKey), among, u.rng)
			return v.Value
		}
	}
	return &Instance{}
}

// expand makes the instances of a late fan-out.
func (ev *evaluator) expand(p part, f Facts) (dag.Expansion[*Instance], error) {
	var x dag.Expansion[*Instance]
	u := p.unit()
	frames, known, diags := ev.frames(u.fan, f)
	if err := ev.failure(diags); err != nil {
		return x, err
	}
	if !known {
		return x, ev.failure(problems(u.fan.expr.Range(), "The keys are still unknown", "%s cannot start: its keys hang on something that no step makes known.", u.address()))
	}
	if len(frames) == 0 && !u.fan.allowEmpty {
		return x, ev.failure(hcl.Diagnostics{emptyFanOut(u)})
	}
	d := draft{facts: f}
	for _, fr := range frames {
		d.diags = append(d.diags, ev.draw(&d, p, fr, true)...)
		d.edge(u.whole(u.join()), u.end(fr.key), triggerAmong(u), u.rng)
		d.awaited(u, fr.key)
	}
	x.Vertices = d.vertices
	for _, v := range d.vertices {
		if v.Traits.Region != u.scope.region.name() {
			continue // its opening waits, and it is waited for, as a whole
		}
		if !v.Value.closes() {
			x.Edges = append(x.Edges, dag.Edge{From: v.ID, To: u.expander()})
		}
		if ev.barred && !u.final() && barring(v) {
			x.Edges = append(x.Edges, dag.Edge{From: barrier, To: v.ID, When: dag.Settled})
		}
	}
	for _, e := range d.edges {
		if !u.outside().opens(e.From) { // foreseen
			x.Edges = append(x.Edges, e.Edge)
		}
	}
	if u.roll != nil {
		x.Rolls = []dag.Roll{*u.roll}
	}
	return x, ev.failure(d.diags)
}

func emptyFanOut(u *unit) *hcl.Diagnostic {
	return problem(u.fan.expr.Range(), "An empty fan-out", "%s", fmt.Sprintf(
		"%s would run nowhere, and a test of nothing passes always. If that is meant, write allow_empty = true.", u.address()))
}
