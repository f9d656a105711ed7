package plan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dag"
)

// barrier is the vertex that settles after all main instances.
const barrier dag.ID = ":main"

// instances makes the vertices and edges of all steps.
func (b *builder) instances() {
	for _, st := range b.all {
		switch {
		case st.typ == nil:
		case st.fan.broken:
			b.guessed(st) // for what is wrong besides its keys
		case st.fan.late:
			b.lateInstances(st)
		case st.fan.kind == single:
			b.makeInstances(st, []*frame{{}})
		default:
			b.makeInstances(st, st.fan.frames)
		}
	}
	for _, st := range b.all {
		if st.joined && !st.fan.late && !st.fan.broken && st.typ != nil {
			b.addJoin(st)
		}
	}
}

// makeInstances adds the instances of a step. When one has a problem, the
// others would only repeat it: their arguments are not looked at any more.
func (b *builder) makeInstances(st *step, frames []*frame) {
	st.roll = rollOf(st)
	sound := true
	for _, fr := range frames {
		m, diags := b.ev.instance(st, fr)
		if sound {
			diags = append(diags, b.ev.examine(st, m)...)
			sound = !diags.HasErrors()
		}
		b.report(diags)
		b.addVertex(st, m.Instance)
		for _, l := range m.links {
			b.link(st, m.ID, l)
		}
	}
}

func rollOf(st *step) *dag.Roll {
	if st.meta.maxParallel == 0 || st.fan.kind == single {
		return nil
	}
	return &dag.Roll{Name: st.address(), Limit: st.meta.maxParallel, Continue: st.meta.tolerated}
}

func (b *builder) addVertex(st *step, inst *Instance) {
	b.vertices = append(b.vertices, vertexOf(st, inst))
}

func vertexOf(st *step, inst *Instance) dag.Vertex[*Instance] {
	traits := dag.Traits{Final: st.final()}
	if inst.Kind == Work {
		traits.Tolerated = st.meta.tolerated
		if !st.typ.Polls {
			traits.Weight = 1
		}
		traits.Locks = inst.Locks
		if st.roll != nil {
			traits.Roll = st.roll.Name
		}
	}
	return dag.Vertex[*Instance]{ID: inst.ID, Value: inst, Traits: traits}
}

// joint is a vertex of a step that does no work.
func (st *step) joint(kind Kind, id dag.ID) *Instance {
	return &Instance{
		ID: id, Kind: kind, Step: st.name, Type: st.typ, When: st.meta.when,
		Added: st.added(), Range: st.decl.Range, Retry: Retry{Attempts: 1},
	}
}

// addJoin adds the vertex that stands for all instances of a fan-out.
func (b *builder) addJoin(st *step) {
	b.addVertex(st, st.joint(Join, st.join()))
	for _, fr := range st.fan.frames {
		b.edge(dag.Edge{From: st.join(), To: st.id(fr.key), When: triggerAmong(st)}, st.decl.Range)
	}
}

// triggerAmong is how the parts of a step wait for each other: among finalisers
// edges mean settled (rule 9).
func triggerAmong(st *step) dag.Trigger {
	if st.final() {
		return dag.Settled
	}
	return dag.Succeeded
}

func (b *builder) edge(e dag.Edge, rng hcl.Range) {
	b.edges = append(b.edges, placedEdge{e, rng})
}

// link adds the edge of a link. Finalisers wait for main steps by the barrier
// alone.
func (b *builder) link(from *step, id dag.ID, l link) {
	e, needed := linkEdge(from, id, l)
	if from.final() || !l.step.final() {
		if needed {
			b.edge(e, l.rng)
			l.step.joined = l.step.joined || l.step.fan.kind != single && !l.one
		}
		return
	}
	b.problem(l.rng, "A main step waits for a finaliser", "%s runs after all main steps (when = %q), so %s cannot wait for it. Give %s a `when` too, or take it away there.",
		l.step.address(), l.step.meta.when, from.address(), from.address())
}

func linkEdge(from *step, id dag.ID, l link) (dag.Edge, bool) {
	return dag.Edge{From: id, To: l.target(), When: triggerAmong(from)}, !from.final() || l.step.final()
}

// close fills the graph and looks for cycles.
func (b *builder) close() {
	g := b.plan.Graph
	sound := !b.diags.HasErrors()
	for _, v := range b.vertices {
		if err := g.Add(v.ID, v.Value, v.Traits); err != nil && sound {
			b.problem(v.Value.Range, "Two instances of one name", "%s.", capital(err.Error()))
		}
	}
	for _, st := range b.all {
		if st.roll == nil {
			continue
		}
		if err := g.SetRoll(*st.roll); err != nil {
			b.problem(st.decl.Range, "Refused max_parallel", "%s.", capital(err.Error()))
		}
	}
	b.connect(g, b.edges, sound)
	if b.cycle(g, b.edges) || len(b.guesses) == 0 {
		return
	}
	trial := dag.New[*Instance]()
	for _, v := range b.vertices {
		_ = trial.Add(v.ID, v.Value, dag.Traits{}) // reported above
	}
	all := append(b.edges[:len(b.edges):len(b.edges)], b.guesses...)
	b.connect(trial, all, false)
	b.cycle(trial, all)
}

// connect adds edges. Beside other problems, some of their ends are missing.
func (b *builder) connect(g *dag.Graph[*Instance], edges []placedEdge, sound bool) {
	for _, e := range edges {
		if err := g.DependOn(e.From, e.To, e.When); err != nil && sound {
			b.problem(e.rng, "An edge leads nowhere", "%s.", capital(err.Error()))
		}
	}
}

// cycle reports a cycle with every edge and its place, once.
func (b *builder) cycle(g *dag.Graph[*Instance], edges []placedEdge) bool {
	_, err := g.Order()
	var found *dag.CycleError
	if !errors.As(err, &found) {
		return false
	}
	places := map[dag.Edge]hcl.Range{}
	for _, e := range edges {
		key := dag.Edge{From: e.From, To: e.To}
		if _, seen := places[key]; !seen {
			places[key] = e.rng
		}
	}
	var lines []string
	for _, e := range found.Edges {
		rng := places[dag.Edge{From: e.From, To: e.To}]
		lines = append(lines, fmt.Sprintf("  %s waits for %s (%s)", e.From, e.To, place(rng)))
	}
	first := found.Edges[0]
	b.problem(places[dag.Edge{From: first.From, To: first.To}], "Steps wait for each other",
		"None of them can start first; take one of these edges away:\n%s", strings.Join(lines, "\n"))
	return true
}
