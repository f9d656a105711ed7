package plan

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// addSteps puts the steps that the file leaves out around those of the file:
// what makes the nodes of a cluster that is used, and what removes them.
func (b *builder) addSteps() {
	parts := b.ev.root.parts()
	declared := stepsOf(parts)
	var before, after []part
	for _, c := range b.ev.root.clusters.list {
		if c.typ == nil || !c.typ.Destroys || !usedBy(declared, c) {
			continue
		}
		if !slices.ContainsFunc(declared, func(st *step) bool { return st.role() == steps.Provisions && st.touches(c) }) {
			before = b.added(before, c, steps.Provisions, OnSuccess)
		}
		if !slices.ContainsFunc(declared, func(st *step) bool {
			return st.role() == steps.Destroys && st.meta.when == Always && st.touches(c)
		}) {
			after = b.added(after, c, steps.Destroys, Always)
		}
	}
	b.parts = slices.Concat(before, parts, after)
	b.all = stepsOf(b.parts)
}

func stepsOf(parts []part) []*step {
	var list []*step
	for _, p := range parts {
		list = append(list, p.steps()...)
	}
	return list
}

func usedBy(list []*step, c *cluster) bool {
	return slices.ContainsFunc(list, func(st *step) bool { return st.touches(c) })
}

// idle warns about what makes a run do less than its author thinks: a workflow
// without steps passes, and a cluster that no step uses gets no machines.
func (b *builder) idle() {
	if b.in.Workflow.Flawed || b.diags.HasErrors() {
		return // a misspelt name may be why
	}
	declared := stepsOf(b.ev.root.parts())
	if len(declared) == 0 {
		b.warning(hcl.Range{}, "The workflow has no steps", "A run of it does nothing, and passes.")
		return
	}
	for _, c := range b.ev.root.clusters.list {
		if !usedBy(declared, c) {
			b.warning(c.decl.Range, fmt.Sprintf("Cluster %q is not used", c.name),
				"No step refers to it, so it gets no nodes. Name it in a step, such as: nodes = cluster.%s.nodes; or remove the block.", c.name)
		}
	}
}

func (b *builder) warning(rng hcl.Range, summary, detail string, args ...any) {
	d := problem(rng, summary, detail, args...)
	d.Severity = hcl.DiagWarning
	b.report(hcl.Diagnostics{d})
}

// touches says whether a step refers to a cluster.
func (st *step) touches(c *cluster) bool {
	return slices.Contains(st.all.clusters, c) || st.fan.expr != nil && slices.Contains(st.fan.expr.clusters, c)
}

// added appends a step with the cluster as its one argument.
func (b *builder) added(list []part, c *cluster, role steps.Role, when When) []part {
	i := slices.IndexFunc(b.in.Steps, func(t steps.Type) bool { return t.Role == role })
	if i < 0 {
		b.problem(c.decl.Range, "No step type for machines", "Cluster %q needs steps that make and remove its nodes, and no step type does that.", c.name)
		return list
	}
	typ := &b.in.Steps[i]
	at := slices.IndexFunc(typ.Schema.Attributes, func(a schema.Attribute) bool { return a.Kind == schema.Cluster })
	if at < 0 {
		b.problem(c.decl.Range, "No step type for machines", "The step type %q takes no cluster.", typ.Name)
		return list
	}
	text := fmt.Sprintf("%s = cluster.%s", typ.Schema.Attributes[at].Name, c.name)
	file, diags := hclsyntax.ParseConfig([]byte(text), c.decl.Range.Filename, c.decl.Range.Start)
	b.report(diags)
	if diags.HasErrors() {
		return list
	}
	st := newStep(b.ev.root, typ.Name, &dsl.Step{Type: typ.Name, Name: c.name, Body: file.Body, Range: c.decl.Range}, typ)
	b.stepText(st)
	st.meta.when = when
	return append(list, part{step: st})
}

// finalisers puts the barrier between the main vertices and those that come
// after them, and makes a finalising destroy wait for all other uses of its
// cluster (rule 9).
func (b *builder) finalisers() {
	var final []dag.Vertex[*Instance]
	for _, v := range b.graph.vertices {
		if v.Traits.Final {
			final = append(final, v)
		}
	}
	if len(final) == 0 {
		return
	}
	b.ev.barred = true
	gate := dag.Vertex[*Instance]{
		ID: barrier, Traits: dag.Traits{Final: true},
		Value: &Instance{ID: barrier, Kind: Barrier, When: Always, Retry: Retry{Attempts: 1}},
	}
	for _, v := range b.graph.vertices {
		if !v.Traits.Final && barring(v) {
			b.graph.order(barrier, v.ID, hcl.Range{})
		}
	}
	for _, v := range final {
		b.graph.order(v.ID, barrier, v.Value.Range)
	}
	b.graph.vertices = append(b.graph.vertices, gate)
	b.destroyLast(final)
}

// barring says whether the barrier waits for a main vertex itself: of brackets
// the end is enough.
func barring(v dag.Vertex[*Instance]) bool {
	return v.Traits.Region == "" && v.Traits.Opens == ""
}

func (b *builder) destroyLast(final []dag.Vertex[*Instance]) {
	stepOf := map[dag.ID]*step{}
	for _, st := range b.all {
		if st.final() {
			stepOf[st.join()], stepOf[st.expander()] = st, st
			for _, fr := range st.fan.frames {
				stepOf[st.id(fr.key)] = st
			}
		}
	}
	for _, d := range final {
		if d.Value.Kind != Work || d.Value.Type.Role != steps.Destroys {
			continue
		}
		c := b.ev.root.clusters.byName[d.Value.Subject]
		for _, v := range final {
			other := stepOf[v.ID]
			uses := c != nil && (other.touches(c) || v.Value.Cluster == c.name)
			if uses && other.role() != steps.Destroys {
				b.graph.order(d.ID, v.ID, d.Value.Range)
			}
		}
	}
}
