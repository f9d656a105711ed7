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

func TestRule06_OnlyReferencedKeysAreAskedFor(t *testing.T) {
	p := mustBuild(t, lab+twoSteps+`
step "run" "x" {
  nodes   = cluster.c.master
  command = [step.many[node.name].stdout]
}`)
	f := &strictFacts{facts: facts{outputs: map[dag.ID]cty.Value{`step.many["master-1"]`: ran("1")}}, t: t}
	if got := configure(t, p, `step.x["master-1"]`, f).GetAttr("command"); !got.RawEquals(cty.ListVal([]cty.Value{cty.StringVal("1")})) {
		t.Errorf("command = %#v", got)
	}
}

// strictFacts refuse to be asked for what they do not have.
type strictFacts struct {
	facts
	t *testing.T
}

func (f *strictFacts) Output(id dag.ID) (cty.Value, bool) {
	v, ok := f.facts.Output(id)
	if !ok {
		f.t.Errorf("asked for %s, which is not referenced", id)
	}
	return v, ok
}

func TestRule07_DisabledStepsHaveNullOutputs(t *testing.T) {
	p := mustBuild(t, lab+twoSteps+`
step "run" "on" {
  enabled = true
  command = ["a"]
}
step "run" "off" {
  enabled = false
  command = ["a"]
}
step "run" "later" {
  enabled = step.one.exit_code == 0
  command = ["a"]
}
step "run" "bad" { command = [step.off.stdout] }
step "run" "good" { command = [try(step.off.stdout, "none")] }`)
	f := &facts{outputs: map[dag.ID]cty.Value{"step.one": ran(""), "step.off": cty.NullVal(ran("").Type())}}
	if p.Graph.Value("step.on").Enabled != nil {
		t.Error("an instance that is enabled for sure has a function to ask")
	}
	for id, want := range map[dag.ID]bool{"step.off": false, "step.later": true} {
		if got, err := p.Graph.Value(id).Enabled(f); err != nil || got != want {
			t.Errorf("%s enabled: %v, %v; want %v", id, got, err, want)
		}
	}
	checkEdges(t, p, "step.later", "step.one")
	if got := configure(t, p, "step.good", f).GetAttr("command").Index(cty.NumberIntVal(0)); got.AsString() != "none" {
		t.Errorf("try gives %#v", got)
	}
	_, err := p.Graph.Value("step.bad").Configure(f)
	var late *Error
	if !errors.As(err, &late) || !strings.Contains(err.Error(), "step.off has no outputs") || len(late.Files) == 0 {
		t.Errorf("the error is %v, want one of type *Error that names step.off", err)
	}
}

func TestRule08_Rolls(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "roll" {
  nodes        = reverse(cluster.c.master)
  max_parallel = 1
  command      = ["a"]
}
step "run" "go_on" {
  nodes        = cluster.c.master
  max_parallel = 2
  on_failure   = "continue"
  command      = ["a"]
}`)
	ids := slices.DeleteFunc(p.Graph.IDs(), func(id dag.ID) bool { return !strings.HasPrefix(string(id), "step.roll") })
	if want := []dag.ID{`step.roll["master-1"]`, `step.roll["master-0"]`}; !slices.Equal(ids, want) {
		t.Errorf("the roll's order is %q, want %q", ids, want)
	}
	for id, want := range map[dag.ID]dag.Roll{
		`step.roll["master-0"]`:  {Name: "step.roll", Limit: 1},
		`step.go_on["master-0"]`: {Name: "step.go_on", Limit: 2, Continue: true},
	} {
		if got, _ := p.Graph.Roll(p.Graph.Traits(id).Roll); got != want {
			t.Errorf("the roll of %s is %+v, want %+v", id, got, want)
		}
	}
	if !p.Graph.Traits(`step.go_on["master-0"]`).Tolerated {
		t.Error("on_failure = continue is not tolerated")
	}
	checkMistakes(t, []mistake{{name: "zero", text: `step "run" "x" {
  command      = ["a"]
  max_parallel = 0
}`, line: 3, want: []string{"whole number from 1"}}})
}

func TestRule09_Finalisers(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "main" {
  nodes   = cluster.c.master
  command = ["a"]
}
step "run" "collect" {
  when    = "on_failure"
  nodes   = cluster.c.master
  command = ["a"]
}
step "run" "report" {
  when    = "always"
  command = [for o in values(step.collect) : try(o.stdout, "")]
}
step "destroy" "end" {
  when    = "always"
  cluster = cluster.c
}`)
	checkEdges(t, p, ":main", `~provision.c["master-0"]`, `~provision.c["master-1"]`, `~provision.c["agent-0"]`, `~step.main["master-0"]`, `~step.main["master-1"]`)
	checkEdges(t, p, `step.collect["master-0"]`, "~:main")
	checkEdges(t, p, "step.report", "~step.collect", "~:main")
	checkEdges(t, p, "step.end", "~:main", `~step.collect["master-0"]`, `~step.collect["master-1"]`, "~step.collect")
	if p.Graph.Has("destroy.c") {
		t.Error("the plan adds a destroy beside the written one")
	}
	if tr := p.Graph.Traits("step.end"); !tr.Final {
		t.Errorf("the traits of step.end are %+v, want Final", tr)
	}
	if v := p.Graph.Value("step.end"); v.Subject != "c" || v.When != Always {
		t.Errorf("step.end destroys %q when %q", v.Subject, v.When)
	}
	ordinary := mustBuild(t, lab+twoSteps+`step "destroy" "early" {
  cluster    = cluster.c
  depends_on = [step.many]
}`)
	checkEdges(t, ordinary, "step.early", "step.many")
	checkEdges(t, ordinary, "destroy.c", "~:main")
	checkMistakes(t, []mistake{
		{name: "main waits", text: `step "run" "last" {
  when    = "always"
  command = ["a"]
}
step "run" "x" { command = [step.last.stdout] }`, line: 5, want: []string{"A main step waits for a finaliser", "step.last"}},
		{name: "wrong when", text: `step "run" "x" {
  command = ["a"]
  when    = "on_failur"
}`, line: 3, want: []string{`Wrong value for "when"`, "on_success, on_failure, always", `Did you mean "on_failure"?`}},
	})
}

const lateText = lab + `
step "run" "leader" {
  node    = cluster.c.master[0]
  command = ["leader"]
}
step "run" "copy" {
  nodes   = cluster.c.master
  command = ["a"]
}
step "run" "cut" {
  nodes        = [for n in cluster.c.master : n if n.name == step.leader.stdout]
  max_parallel = 1
  command      = ["cut", node.name, node.ip, step.copy[node.name].stdout]
}
step "run" "same" {
  for_each = step.cut
  command  = [each.key, each.value.stdout]
}
step "run" "after" { command = [for k, o in step.cut : "${k}=${o.stdout}"] }
step "run" "wide" {
  nodes       = [for n in cluster.c.master : n if step.leader.stdout == "x"]
  allow_empty = true
  command     = ["a"]
}
`

func TestRule10_LateKeys(t *testing.T) {
	p := mustBuild(t, lateText)
	checkEdges(t, p, "step.cut[*]", "step.leader")
	checkEdges(t, p, "step.cut", "step.cut[*]")
	checkEdges(t, p, "step.same[*]", "step.cut[*]")
	checkEdges(t, p, "step.after", "step.cut")
	f := &facts{
		outputs:  map[dag.ID]cty.Value{"step.leader": ran("master-1"), `step.copy["master-1"]`: ran("copied")},
		nodes:    map[string][]backends.Node{"c": addressed(p.Clusters[0].Nodes)},
		expanded: map[dag.ID][]*Instance{},
	}
	x, err := p.Graph.Value("step.cut[*]").Expand(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Vertices) != 1 || x.Vertices[0].ID != `step.cut["master-1"]` || x.Vertices[0].Traits.Roll != "step.cut" || len(x.Rolls) != 1 {
		t.Fatalf("the expansion is %+v", x)
	}
	wantEdges := []dag.Edge{
		{From: `step.cut["master-1"]`, To: "step.cut[*]"},
		{From: ":main", To: `step.cut["master-1"]`, When: dag.Settled},
		{From: `step.cut["master-1"]`, To: `step.copy["master-1"]`},
		{From: `step.cut["master-1"]`, To: `provision.c["master-1"]`},
		{From: "step.cut", To: `step.cut["master-1"]`},
	}
	if !slices.Equal(x.Edges, wantEdges) {
		t.Errorf("edges\n got %v\nwant %v", x.Edges, wantEdges)
	}
	v, err := x.Vertices[0].Value.Configure(f)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := texts(v.GetAttr("command")), []string{"cut", "master-1", "10.0.0.2", "copied"}; !slices.Equal(got, want) {
		t.Errorf("command = %q, want %q", got, want)
	}

	f.expanded["step.cut[*]"] = []*Instance{x.Vertices[0].Value}
	f.outputs[`step.cut["master-1"]`] = ran("done")
	if got := texts(configure(t, p, "step.after", f).GetAttr("command")); !slices.Equal(got, []string{"master-1=done"}) {
		t.Errorf("the whole step is %q", got)
	}
	same, err := p.Graph.Value("step.same[*]").Expand(f)
	if err != nil || len(same.Vertices) != 1 || same.Vertices[0].ID != `step.same["master-1"]` {
		t.Errorf("for_each over late keys gives %+v, %v", same, err)
	}
	f.outputs["step.leader"] = ran("nobody")
	var late *Error
	if _, err := p.Graph.Value("step.cut[*]").Expand(f); !errors.As(err, &late) || !strings.Contains(err.Error(), "allow_empty = true") {
		t.Errorf("an empty late fan-out gives %v", err)
	}
	if x, err := p.Graph.Value("step.wide[*]").Expand(f); err != nil || len(x.Vertices) != 0 {
		t.Errorf("allow_empty gives %+v, %v", x, err)
	}
	checkMistakes(t, []mistake{
		{name: "cycle through late instances", bare: true, text: lateText + `
step "run" "back" {
  nodes   = cluster.c.master
  command = [for k, o in step.cut : "x"]
}
step "run" "again" {
  nodes   = [for n in cluster.c.master : n if n.name == step.leader.stdout]
  command = [step.back2[node.name].stdout]
}
step "run" "back2" {
  nodes   = cluster.c.master
  command = keys(step.again)
}`, want: []string{"Steps wait for each other", "step.again[...] waits for step.back2"}},
		{name: "late node", text: twoSteps + `step "run" "x" {
  command = ["a"]
  node    = [for n in cluster.c.nodes : n if n.name == step.one.stdout][0]
}`, line: 9, want: []string{"The node is not known", "nodes = [for"}},
	})
}

// The race detector watches what instances share.
func TestInstancesAreConfiguredAtTheSameTime(t *testing.T) {
	p := mustBuild(t, lateText)
	f := &facts{
		outputs: map[dag.ID]cty.Value{"step.leader": ran("master-1")},
		nodes:   map[string][]backends.Node{"c": addressed(p.Clusters[0].Nodes)},
	}
	for range 4 {
		for _, id := range p.Graph.IDs() {
			t.Run(string(id), func(t *testing.T) {
				t.Parallel()
				var err error
				switch inst := p.Graph.Value(id); {
				case id == "step.cut[*]":
					_, err = inst.Expand(f)
				case inst.Kind == Work && id != "step.after":
					_, err = inst.Configure(f)
				}
				if err != nil {
					t.Error(err)
				}
				p.Secrets()
			})
		}
	}
}

// addressed gives nodes the addresses 10.0.0.1 and so on.
func addressed(nodes []backends.Node) []backends.Node {
	list := slices.Clone(nodes)
	for i := range list {
		list[i].Private = addr(i + 1)
	}
	return list
}

func texts(v cty.Value) []string {
	var list []string
	for _, item := range v.AsValueSlice() {
		list = append(list, item.AsString())
	}
	return list
}
