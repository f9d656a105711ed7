package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dcosflow/dcosflow/dag"
)

// Random workflows get either a sound graph or one of a few refusals.
func TestRandomPlansHaveSoundBrackets(t *testing.T) {
	plans, spans, regions := 0, 0, 0
	for seed := range uint64(400) {
		req := randomRequest(seed)
		p, diags, files := req.build(t)
		if p == nil {
			for _, d := range diags {
				if !slices.Contains(refusals, d.Summary) {
					t.Fatalf("seed %d: %s\n%v", seed, rendered(diags, files), req)
				}
			}
			continue
		}
		plans++
		s, r := checkBrackets(t, p)
		spans, regions = spans+s, regions+r
		if t.Failed() {
			t.Fatalf("seed %d:\n%v", seed, req)
		}
	}
	if plans < 100 || spans < 300 || regions < 300 {
		t.Errorf("%d plans with %d spans and %d regions are too few to tell anything", plans, spans, regions)
	}
}

// refusals are what random workflows may do wrong.
var refusals = []string{"Steps wait for each other", "A lock that never comes free", "A roll that cannot go on", "Late keys in a repeated module"}

// randomRequest is a workflow with a module.
func randomRequest(seed uint64) request {
	r := rand.New(rand.NewPCG(seed, 5))
	inner := &workflowWriter{rand: r, nodes: "var.nodes"}
	inner.text.WriteString("variable \"nodes\" { type = any }\n")
	inner.fill(1 + r.IntN(3))
	w := &workflowWriter{rand: r, nodes: "cluster.c.master", modules: true}
	w.text.WriteString(lab)
	w.fill(3 + r.IntN(6))
	return request{text: w.text.String(), files: map[string]string{"m/main.hcl": inner.text.String()}}
}

type workflowWriter struct {
	rand    *rand.Rand
	text    strings.Builder
	nodes   string
	modules bool
	// units can be waited for, spans can be held during something; keyed ones
	// are by node.
	units, spans []string
	keyed        map[string]bool
}

// fill writes steps, groups and calls of modules that refer to earlier ones.
func (w *workflowWriter) fill(n int) {
	w.text.WriteString("step \"run\" \"key\" { command = [\"a\"] }\n")
	for i := range n {
		switch kind := w.rand.IntN(6); {
		case kind == 0 && w.modules:
			w.module(i)
		case kind < 3:
			w.group(i)
		default:
			w.step(fmt.Sprintf("s%d", i), "", nil)
		}
	}
}

func (w *workflowWriter) module(i int) {
	name := fmt.Sprintf("module.m%d", i)
	fmt.Fprintf(&w.text, "module \"m%d\" {\n  source = \"./m\"\n  nodes = %s\n", i, w.nodes)
	for _, line := range []string{"for_each = [\"x\", \"y\"]\n  max_parallel = 1", "enabled = false", "retry {}", "timeout = \"1h\""} {
		if w.chance(30) {
			fmt.Fprintf(&w.text, "  %s\n", line)
		}
	}
	fmt.Fprintf(&w.text, "  depends_on = %s\n  during = %s\n}\n", w.pick(w.units, false), w.pick(w.spans, false))
	w.note(name, false, false)
}

func (w *workflowWriter) chance(percent int) bool { return w.rand.IntN(100) < percent }

// pick writes a list of a few of the names.
func (w *workflowWriter) pick(from []string, byNode bool) string {
	var list []string
	for _, name := range from {
		if len(list) < 2 && w.chance(30) {
			if byNode && w.keyed[name] && w.chance(50) {
				name += "[node.name]"
			}
			list = append(list, name)
		}
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// step writes a step, in a group or not, and says whether it is a span.
func (w *workflowWriter) step(name, indent string, own []string) bool {
	keyed, span := indent == "" && w.chance(50), w.chance(50)
	line := func(format string, args ...any) {
		fmt.Fprintf(&w.text, indent+"  "+format+"\n", args...)
	}
	fmt.Fprintf(&w.text, "%sstep \"run\" %q {\n", indent, name)
	line("command = [\"a\"]")
	switch {
	case keyed && w.chance(20):
		line("nodes = [for n in %s : n if n.name == step.key.stdout]\n  allow_empty = true", w.nodes)
	case keyed:
		line("nodes = %s", w.nodes)
	}
	if keyed && w.chance(30) {
		line("max_parallel = 1")
	}
	if span {
		line("background = true")
	}
	if w.chance(20) {
		line("locks = [\"l%d\"]", w.rand.IntN(2))
	}
	if w.chance(15) {
		line("enabled = false")
	}
	line("depends_on = %s", w.pick(w.units, keyed))
	line("during = %s", w.pick(append(slices.Clone(w.spans), own...), keyed))
	fmt.Fprintf(&w.text, "%s}\n", indent)
	if indent == "" {
		w.note("step."+name, keyed, span)
	}
	return span
}

func (w *workflowWriter) group(i int) {
	name, keyed := fmt.Sprintf("g%d", i), w.chance(60)
	fmt.Fprintf(&w.text, "group %q {\n  ordered = %v\n", name, w.chance(30))
	if keyed {
		fmt.Fprintf(&w.text, "  nodes = %s\n  max_parallel = 1\n", w.nodes)
	}
	if w.chance(50) {
		w.text.WriteString("  retry {}\n")
	}
	fmt.Fprintf(&w.text, "  depends_on = %s\n  during = %s\n", w.pick(w.units, keyed), w.pick(w.spans, keyed))
	var own []string
	for j := range 1 + w.rand.IntN(3) {
		inner := fmt.Sprintf("%si%d", name, j)
		if w.step(inner, "  ", own) {
			own = append(own, "step."+inner)
		}
	}
	w.text.WriteString("}\n")
	w.note("group."+name, keyed, false)
}

func (w *workflowWriter) note(name string, keyed, span bool) {
	if w.keyed == nil {
		w.keyed = map[string]bool{}
	}
	w.keyed[name] = keyed
	w.units = append(w.units, name)
	if span {
		w.spans = append(w.spans, name)
	}
}

// checkBrackets looks whether all brackets of a plan are sound, and counts them.
func checkBrackets(t *testing.T, p *Plan) (spans, regions int) {
	t.Helper()
	if order, err := p.Graph.Order(); err != nil || len(order) != p.Graph.Len() {
		t.Errorf("the plan has no order: %v", err)
	}
	waits := func(from, to dag.ID) bool {
		return slices.ContainsFunc(p.Graph.Dependencies(from), func(e dag.Edge) bool { return e.To == to })
	}
	for _, id := range p.Graph.IDs() {
		traits, inst := p.Graph.Traits(id), p.Graph.Value(id)
		if inst.Kind == Start {
			spans++
			for _, e := range p.Graph.Dependants(id) {
				if last := closing(p, e.From); last != inst.Of.ID && !waits(inst.Of.ID, last) {
					t.Errorf("%s starts during %s, which does not wait for it", last, inst.Of.ID)
				}
			}
		}
		if inst.Kind == Opening {
			regions++
		}
		if traits.Opens != "" && !waits(traits.Opens, id) {
			t.Errorf("%s does not wait for its opening", traits.Opens)
		}
		for _, e := range p.Graph.Dependencies(id) {
			checkBorder(t, p, e)
		}
		if r := traits.Region; r != "" && (!waits(opening(p, id), r+":begin") || !waits(r, closing(p, id))) {
			t.Errorf("%s is not between the ends of %s", id, r)
		}
	}
	return spans, regions
}

// checkBorder looks whether an edge goes past the end of a region.
func checkBorder(t *testing.T, p *Plan, e dag.Edge) {
	t.Helper()
	from, to := p.Graph.Traits(e.From), p.Graph.Traits(e.To)
	if from.Region != to.Region && to.Region != e.From && to.Opens != from.Region {
		t.Errorf("%s in %q waits for %s in %q", e.From, from.Region, e.To, to.Region)
	}
}

func closing(p *Plan, id dag.ID) dag.ID {
	if opens := p.Graph.Traits(id).Opens; opens != "" {
		return opens
	}
	return id
}

func opening(p *Plan, id dag.ID) dag.ID {
	switch inst := p.Graph.Value(id); {
	case inst.Kind == Work && inst.Span != nil:
		return id + ":start"
	case inst.Kind == Region:
		return id + ":begin"
	}
	return id
}
