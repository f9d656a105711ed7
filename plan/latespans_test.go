package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
)

const partition = lab + `
step "run" "leader" {
  node    = cluster.c.master[0]
  command = ["leader"]
}
step "run" "writer" {
  background = true
  command    = ["write"]
}
step "cut" "cut" {
  nodes  = [for n in cluster.c.master : n if n.name == trimspace(step.leader.stdout)]
  during = [step.writer]
}
step "assert" "new_leader" {
  during    = [step.cut]
  condition = step.leader.stdout != ""
}
step "run" "tail" {
  nodes      = [for n in cluster.c.master : n if n.name == trimspace(step.leader.stdout)]
  background = true
  during     = [step.cut]
  command    = ["tail"]
}
group "each" {
  nodes  = cluster.c.master
  during = [step.cut]
  step "run" "look" { command = ["a"] }
}
step "run" "lost" { command = [step.writer.stdout] }
`

func TestRule10_LateSpans(t *testing.T) {
	p := mustBuild(t, partition)
	checkEdges(t, p, "step.writer", "step.writer:start", "~step.cut")
	checkEdges(t, p, "step.cut[*]", "step.leader")
	checkEdges(t, p, "step.new_leader", "step.leader", "step.cut[*]")
	checkEdges(t, p, "step.tail[*]", "step.cut[*]", "step.leader")
	checkEdges(t, p, `group.each["master-0"]:begin`, "step.cut[*]")
	checkEdges(t, p, "step.lost", "step.writer")
	if !p.Graph.Traits("step.writer:start").Lazy {
		t.Error("a span whose children are not known yet is not lazy")
	}
	f := &facts{
		outputs:  map[dag.ID]cty.Value{"step.leader": ran("master-1")},
		nodes:    map[string][]backends.Node{"c": p.Clusters[0].Nodes},
		expanded: map[dag.ID][]*Instance{},
	}
	checkExpansion(t, p, f, "step.cut[*]", []string{
		`step.cut["master-1"]:start -> step.cut[*]`,
		`step.cut["master-1"]:start -> provision.c["master-1"]`,
		`step.cut["master-1"]:start -> step.writer:start`,
		`step.writer -> ~step.cut["master-1"]`,
		`step.cut["master-1"] -> step.cut["master-1"]:start`,
		`step.new_leader -> step.cut["master-1"]:start`,
		`step.cut["master-1"] -> ~step.new_leader`,
		`step.cut["master-1"] -> ~step.tail`,
		`group.each["master-0"]:begin -> step.cut["master-1"]:start`,
		`step.cut["master-1"] -> ~group.each["master-0"]`,
		`group.each["master-1"]:begin -> step.cut["master-1"]:start`,
		`step.cut["master-1"] -> ~group.each["master-1"]`,
		`step.cut -> step.cut["master-1"]`,
		`:main -> ~step.cut["master-1"]`,
	})
	checkExpansion(t, p, f, "step.tail[*]", []string{
		`step.tail["master-1"]:start -> step.tail[*]`,
		`step.tail["master-1"]:start -> provision.c["master-1"]`,
		`step.tail["master-1"]:start -> step.cut["master-1"]:start`,
		`step.cut["master-1"] -> ~step.tail["master-1"]`,
		`step.tail["master-1"] -> step.tail["master-1"]:start`,
		`step.tail -> step.tail["master-1"]`,
		`:main -> ~step.tail["master-1"]`,
	})
	for id, alone := range map[dag.ID]bool{"step.cut[*]": false, "step.tail[*]": true} {
		for _, inst := range f.expanded[id] {
			if inst.Span == nil || inst.Span.Alone != alone {
				t.Errorf("%s has the span %+v, want alone %v", inst.ID, inst.Span, alone)
			}
		}
	}
}

// checkExpansion expands a fan-out, notes what it made, and looks at the edges,
// whose order does not count.
func checkExpansion(t *testing.T, p *Plan, f *facts, id dag.ID, want []string) {
	t.Helper()
	x, err := p.Graph.Value(id).Expand(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range x.Vertices {
		f.expanded[id] = append(f.expanded[id], v.Value)
	}
	var got []string
	for _, e := range x.Edges {
		text := string(e.From) + " -> " + string(e.To)
		if e.When == dag.Settled {
			text = string(e.From) + " -> ~" + string(e.To)
		}
		got = append(got, text)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s makes the edges\n got %s\nwant %s", id, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}
