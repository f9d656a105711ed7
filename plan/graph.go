package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dag"
)

// barrier is the vertex that settles after all main instances.
const barrier dag.ID = ":main"

// instances makes the vertices and edges of all steps and groups.
func (b *builder) instances() {
	b.guesses.graph, b.graph.guesses = &b.graph, &b.guesses
	b.surround()
	for _, p := range b.parts {
		u := p.unit()
		u.roll = rollOf(u)
		switch {
		case p.step != nil && p.step.typ == nil:
		case u.fan.broken:
			b.instancesOf(&b.guesses, p, guessed(u)) // for what is wrong besides its keys
		case u.fan.late:
			b.lateInstances(p)
		case u.fan.kind == single:
			b.instancesOf(&b.graph, p, []*frame{{}})
		default:
			b.instancesOf(&b.graph, p, u.fan.frames)
		}
		if u.gated() {
			b.graph.gate(u)
		}
	}
	b.joints()
	for _, p := range b.parts {
		if u := p.unit(); u.joined && !u.fan.late && !u.fan.broken && (p.group != nil || p.step.typ != nil) {
			b.addJoin(p)
		}
	}
	b.alone()
	b.report(b.graph.diags)
	b.report(b.guesses.diags)
}

// guessed are the frames of the instance that stands for those of a fan-out
// whose keys are not known.
func guessed(u *unit) []*frame {
	return []*frame{{key: guessKey, keyed: true, guess: true, fan: u.fan}}
}

// instancesOf adds the instances of a step or group. When one has a problem, the
// others would only repeat it: their arguments are not looked at any more.
func (b *builder) instancesOf(d *draft, p part, frames []*frame) {
	sound := true
	for _, fr := range frames {
		diags := b.ev.draw(d, p, fr, sound)
		sound = sound && !diags.HasErrors()
		d.diags = append(d.diags, diags...)
	}
}

// draw adds an instance of a step or group. Its arguments are not looked at
// unless examine is set.
func (ev *evaluator) draw(d *draft, p part, fr *frame, examine bool) hcl.Diagnostics {
	if p.group != nil {
		return ev.groupInstance(d, p.group, fr, examine)
	}
	m, diags := ev.instance(p.step, fr)
	if examine {
		diags = append(diags, ev.examine(p.step, m)...)
	}
	d.add(ev, p.step, m)
	return diags
}

func rollOf(u *unit) *dag.Roll {
	if u.meta.maxParallel == 0 || u.fan.kind == single {
		return nil
	}
	return &dag.Roll{Name: u.address(), Limit: u.meta.maxParallel, Continue: u.meta.tolerated}
}

// joint is a vertex of a step or group that does no work.
func (p part) joint(kind Kind, id dag.ID) *Instance {
	u := p.unit()
	inst := &Instance{ID: id, Kind: kind, Step: u.name, When: u.meta.when, Range: u.rng, Retry: Retry{Attempts: 1}}
	if p.step != nil {
		inst.Type, inst.Added = p.step.typ, p.step.added()
	}
	return inst
}

func (u *unit) traits() dag.Traits { return dag.Traits{Final: u.final()} }

// addJoin adds the vertex that stands for all instances of a fan-out.
func (b *builder) addJoin(p part) {
	u := p.unit()
	b.graph.vertex(p.joint(Join, u.join()), u.traits(), u.outside())
	for _, fr := range u.fan.frames {
		b.graph.edge(u.whole(u.join()), u.end(fr.key), triggerAmong(u), u.rng)
	}
}

// close fills the graph and looks for cycles, and for spans that would wait for
// themselves.
func (b *builder) close() {
	g := b.plan.Graph
	sound := !b.diags.HasErrors()
	for _, v := range b.graph.vertices {
		if err := g.Add(v.ID, v.Value, v.Traits); err != nil && sound {
			b.problem(v.Value.Range, "Two instances of one name", "%s.", capital(err.Error()))
		}
	}
	var units []*unit
	for _, p := range b.parts {
		units = append(units, p.unit())
	}
	for _, m := range b.calls {
		units = append(units, &m.unit)
	}
	for _, u := range units {
		if u.roll == nil {
			continue
		}
		if err := g.SetRoll(*u.roll); err != nil {
			b.problem(u.rng, "Refused max_parallel", "%s.", capital(err.Error()))
		}
	}
	b.connect(g, b.graph.edges, sound)
	if b.cycles(g, b.graph.edges) {
		return
	}
	all := b.graph
	if len(b.guesses.vertices) > 0 {
		g = dag.New[*Instance]()
		all.vertices = slices.Concat(b.graph.vertices, b.guesses.vertices)
		all.edges = slices.Concat(b.graph.edges, b.guesses.edges)
		for _, v := range all.vertices {
			_ = g.Add(v.ID, v.Value, v.Traits) // reported above
		}
		b.connect(g, all.edges, false)
		if b.cycles(g, all.edges) {
			return
		}
	}
	b.starved(g, all.vertices)
}

// connect adds edges. Beside other problems, some of their ends are missing.
func (b *builder) connect(g *dag.Graph[*Instance], edges []placedEdge, sound bool) {
	for _, e := range edges {
		if err := g.DependOn(e.From, e.To, e.When); err != nil && sound {
			b.problem(e.rng, "An edge leads nowhere", "%s.", capital(err.Error()))
		}
	}
}

// cycles reports cycles with every edge and its place, once: when one has been
// found, what its places say is left out, and the others are looked for.
func (b *builder) cycles(g *dag.Graph[*Instance], edges []placedEdge) bool {
	for found := false; ; found = true {
		_, err := g.Order()
		var cycle *dag.CycleError
		if !errors.As(err, &cycle) {
			return found
		}
		said := b.cycle(cycle, edges)
		edges = slices.DeleteFunc(slices.Clone(edges), func(e placedEdge) bool { return said[e.rng] })
		rest := dag.New[*Instance]()
		for _, id := range g.IDs() {
			_ = rest.Add(id, g.Value(id), dag.Traits{})
		}
		b.connect(rest, edges, false)
		g = rest
	}
}

// cycle reports one cycle and returns the places of its edges.
func (b *builder) cycle(found *dag.CycleError, edges []placedEdge) map[hcl.Range]bool {
	places, said := map[dag.Edge]hcl.Range{}, map[hcl.Range]bool{}
	for _, e := range found.Edges {
		places[dag.Edge{From: e.From, To: e.To}] = hcl.Range{}
	}
	for _, e := range edges {
		key := dag.Edge{From: e.From, To: e.To}
		first, there := places[key]
		if !there {
			continue
		}
		if first == (hcl.Range{}) {
			places[key] = e.rng
		}
		said[e.rng] = true
	}
	var lines []string
	for _, e := range found.Edges {
		if opens(e.To, e.From) {
			continue // its own beginning: nobody wrote that edge
		}
		rng := places[dag.Edge{From: e.From, To: e.To}]
		lines = append(lines, fmt.Sprintf("  %s waits for %s (%s)", written(e.From), written(e.To), place(rng)))
	}
	first := found.Edges[0]
	b.problem(places[dag.Edge{From: first.From, To: first.To}], "Steps wait for each other",
		"None of them can start first; take one of these edges away:\n%s", strings.Join(lines, "\n"))
	return said
}
