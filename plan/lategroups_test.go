package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
)

const lateGroup = lab + `
step "run" "leader" {
  node    = cluster.c.master[0]
  command = ["leader"]
}
step "run" "before" {
  nodes   = cluster.c.master
  command = ["a"]
}
group "g" {
  nodes        = [for n in cluster.c.master : n if n.name == step.leader.stdout]
  max_parallel = 1
  step "run" "a" {
    node    = node
    command = [node.name, step.before[node.name].stdout]
  }
  step "run" "b" { command = [step.a.stdout] }
}
step "run" "after" { command = [for k, o in group.g : "${k}=${o.b.stdout}"] }
`

func TestRule10_LateGroups(t *testing.T) {
	p := mustBuild(t, lateGroup)
	checkEdges(t, p, "group.g[*]", "step.leader")
	checkEdges(t, p, "group.g", "group.g[*]")
	checkEdges(t, p, "step.after", "group.g")
	f := &facts{
		outputs:  map[dag.ID]cty.Value{"step.leader": ran("master-1"), `step.before["master-1"]`: ran("b")},
		nodes:    map[string][]backends.Node{"c": p.Clusters[0].Nodes},
		expanded: map[dag.ID][]*Instance{},
	}
	x, err := p.Graph.Value("group.g[*]").Expand(f)
	if err != nil {
		t.Fatal(err)
	}
	var ids []dag.ID
	for _, v := range x.Vertices {
		ids = append(ids, v.ID)
		f.expanded["group.g[*]"] = append(f.expanded["group.g[*]"], v.Value)
	}
	if want := []dag.ID{`group.g["master-1"]:begin`, `group.g["master-1"].a`, `group.g["master-1"].b`, `group.g["master-1"]`}; !slices.Equal(ids, want) {
		t.Errorf("the expansion has\n got %q\nwant %q", ids, want)
	}
	for _, want := range []dag.Edge{
		{From: `group.g["master-1"]:begin`, To: "group.g[*]"},
		{From: `group.g["master-1"]:begin`, To: `step.before["master-1"]`},
		{From: `group.g["master-1"].b`, To: `group.g["master-1"].a`},
		{From: "group.g", To: `group.g["master-1"]`},
		{From: ":main", To: `group.g["master-1"]`, When: dag.Settled},
	} {
		if !slices.Contains(x.Edges, want) {
			t.Errorf("the expansion lacks the edge %v:\n%v", want, x.Edges)
		}
	}
	if x.Vertices[0].Traits.Roll != "group.g" || len(x.Rolls) != 1 {
		t.Errorf("the expansion has the rolls %v", x.Rolls)
	}
	f.outputs[`group.g["master-1"].b`] = ran("done")
	f.outputs[`group.g["master-1"].a`] = ran("done")
	if got := texts(configure(t, p, "step.after", f).GetAttr("command")); !slices.Equal(got, []string{"master-1=done"}) {
		t.Errorf("the outputs of a late group are %q", got)
	}
	f.outputs["step.leader"] = ran("nobody")
	var late *Error
	if _, err := p.Graph.Value("group.g[*]").Expand(f); !errors.As(err, &late) || !strings.Contains(err.Error(), "group.g would run nowhere") || !strings.Contains(err.Error(), "allow_empty = true") {
		t.Errorf("an empty late group gives %v", err)
	}
}
