package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
)

const rollingGroup = lab + `
step "run" "ready" { command = ["a"] }
group "roll" {
  nodes        = cluster.c.master
  max_parallel = 1
  timeout      = "10m"
  deadline     = "1h"
  retry {
    attempts = 2
    on       = ["exit_code"]
  }
  step "run" "upgrade" {
    node       = node
    command    = ["upgrade", node.name]
    depends_on = [step.ready]
  }
  step "wait" "healthy" {
    depends_on = [step.upgrade]
    until { node = node }
  }
}
step "run" "one" { command = [group.roll["master-1"].upgrade.stdout] }
step "run" "all" { command = [for k, g in group.roll : "${k}=${g.upgrade.stdout}"] }
step "run" "after" {
  nodes      = cluster.c.master
  command    = ["a"]
  depends_on = [group.roll[node.name]]
}
`

func TestRule11_GroupsAreBrackets(t *testing.T) {
	p := mustBuild(t, rollingGroup)
	checkEdges(t, p, `group.roll["master-1"]:begin`, "step.ready", `provision.c["master-1"]`)
	checkEdges(t, p, `group.roll["master-1"].upgrade`, `group.roll["master-1"]:begin`)
	checkEdges(t, p, `group.roll["master-1"].healthy`, `group.roll["master-1"]:begin`, `group.roll["master-1"].upgrade`)
	checkEdges(t, p, `group.roll["master-1"]`, `~group.roll["master-1"].upgrade`, `~group.roll["master-1"].healthy`, `group.roll["master-1"]:begin`)
	checkEdges(t, p, "group.roll", `group.roll["master-0"]`, `group.roll["master-1"]`)
	checkEdges(t, p, "step.one", `group.roll["master-1"]`)
	checkEdges(t, p, "step.all", "group.roll")
	checkEdges(t, p, `step.after["master-0"]`, `group.roll["master-0"]`, `provision.c["master-0"]`)
	if got := edges(p, ":main"); slices.Contains(got, `~group.roll["master-0"].upgrade`) || !slices.Contains(got, `~group.roll["master-0"]`) {
		t.Errorf("finalisers wait for %q, want the groups as a whole", got)
	}

	begin := p.Graph.Traits(`group.roll["master-0"]:begin`)
	if want := (dag.Traits{Opens: `group.roll["master-0"]`, Roll: "group.roll", Limit: 10 * time.Minute, Deadline: time.Hour}); fmt.Sprint(begin) != fmt.Sprint(want) {
		t.Errorf("the opening's traits are %+v, want %+v", begin, want)
	}
	if roll, _ := p.Graph.Roll("group.roll"); roll != (dag.Roll{Name: "group.roll", Limit: 1}) {
		t.Errorf("the roll is %+v", roll)
	}
	whole := p.Graph.Value(`group.roll["master-0"]`)
	if whole.Kind != Region || whole.Retry.Attempts != 2 || !slices.Equal(whole.Retry.On, []string{"exit_code"}) || whole.Deadline != time.Hour || whole.Key != "master-0" {
		t.Errorf("the region is %+v", whole)
	}
	inner := p.Graph.Value(`group.roll["master-0"].upgrade`)
	if inner.Node != "master-0" || inner.Cluster != "c" || inner.Region != `group.roll["master-0"]` || p.Graph.Traits(inner.ID).Region != inner.Region {
		t.Errorf("the step in the group is %+v", inner)
	}
	if wait := p.Graph.Value(`group.roll["master-0"].healthy`); wait.Node != "" {
		t.Errorf("a step without a node of its own runs on %q", wait.Node)
	}
}

func TestRule11_OutputsOfGroups(t *testing.T) {
	p := mustBuild(t, rollingGroup)
	f := &strictFacts{facts: facts{outputs: map[dag.ID]cty.Value{`group.roll["master-1"].upgrade`: ran("1")}}, t: t}
	if got := texts(configure(t, p, "step.one", f).GetAttr("command")); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the output of a step in a group is %q", got)
	}
	f.outputs[`group.roll["master-0"].upgrade`] = ran("0")
	f.outputs[`group.roll["master-0"].healthy`], f.outputs[`group.roll["master-1"].healthy`] = cty.EmptyObjectVal, cty.EmptyObjectVal
	if got := texts(configure(t, p, "step.all", f).GetAttr("command")); !slices.Equal(got, []string{"master-0=0", "master-1=1"}) {
		t.Errorf("the outputs of all instances are %q", got)
	}
	f.nodes = map[string][]backends.Node{"c": p.Clusters[0].Nodes}
	if got := texts(configure(t, p, `group.roll["master-0"].upgrade`, f).GetAttr("command")); !slices.Equal(got, []string{"upgrade", "master-0"}) {
		t.Errorf("the node of the group is %q in its steps", got)
	}

	p = mustBuild(t, lab+`
group "g" {
  for_each = { a = "x", b = "y" }
  step "run" "first" { command = [each.key, each.value] }
  step "run" "second" { command = [step.first.stdout] }
}
group "solo" {
  step "run" "third" { command = ["a"] }
}
locals { l = group.g }
step "run" "local" { command = [local.l["b"].second.stdout, group.solo.third.stdout] }
step "run" "before" {
  for_each = ["b"]
  command  = [group.g[each.key].first.stdout]
}`)
	checkEdges(t, p, "step.local", `group.g["b"]`, "group.solo")
	checkEdges(t, p, `step.before["b"]`, `group.g["b"]`)
	checkEdges(t, p, "group.solo.third", "group.solo:begin")
	more := &strictFacts{facts: facts{outputs: map[dag.ID]cty.Value{
		`group.g["b"].first`: ran("own"), `group.g["b"].second`: ran("2"), "group.solo.third": ran("3"),
	}}, t: t}
	for id, want := range map[dag.ID][]string{
		`group.g["b"].second`: {"own"}, `group.g["b"].first`: {"b", "y"}, "step.local": {"2", "3"},
	} {
		if got := texts(configure(t, p, id, more).GetAttr("command")); !slices.Equal(got, want) {
			t.Errorf("%s has the command %q, want %q", id, got, want)
		}
	}
	more.outputs[`group.g["b"].first`] = cty.NullVal(ran("").Type())
	_, err := p.Graph.Value(`group.g["b"].second`).Configure(more)
	if want := `group.g["b"].first has no outputs`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("without outputs the error is %v, want %q", err, want)
	}
}

func TestRule11_WhatGroupsRefuse(t *testing.T) {
	const g = `group "g" {
  nodes = cluster.c.master
  step "run" "a" { command = ["a"] }
}
group "solo" {
  step "run" "b" { command = ["a"] }
}
`
	run := func(expr string) string { return g + `step "run" "x" { command = [` + expr + `] }` }
	checkMistakes(t, []mistake{
		{name: "bare", text: run(`step.a.stdout`), line: 8, want: []string{"A step of a group", `step.a is in group "g"`, `group.g[node.name].a.stdout`}},
		{name: "bare of a single group", text: run(`step.b.stdout`), want: []string{`Write group.solo.b.stdout.`}},
		{name: "missing index", text: run(`group.g.a.stdout`), want: []string{"Missing index", `Write group.g[node.name].a.stdout for one of them, or values(group.g)[*].a.stdout for all`}},
		{name: "unneeded index", text: run(`group.solo["k"].b.stdout`), want: []string{"Unneeded index", `Write group.solo.b.stdout instead of group.solo["k"].b.stdout`}},
		{name: "splat", text: run(`group.g[*].a.stdout`), want: []string{"values(group.g)[*].a.stdout"}},
		{name: "unknown key", text: run(`group.g["master-9"].a.stdout`), want: []string{`group.g has no instance "master-9"; its keys are "master-0", "master-1"`}},
		{name: "unknown step", text: run(`group.g["master-0"].aa.stdout`), want: []string{`Unknown step "aa"`, `Group "g" has no step "aa"; it has a.`}},
		{name: "unknown output", text: run(`group.g["master-0"].a.stdot`), want: []string{`Unknown output "stdot"`, `Did you mean "stdout"?`}},
		{name: "unknown group", text: run(`group.h["master-0"].a.stdout`), want: []string{`Unknown group "h"`}},
		{name: "no name", text: run(`group["g"].a.stdout`), want: []string{"Incomplete reference", "group.NAME"}},
		{name: "index inside", text: `group "g" {
  nodes = cluster.c.master
  step "run" "a" { command = ["a"] }
  step "run" "b" { command = [step.a[node.name].stdout] }
}`, line: 4, want: []string{"Unneeded index", "step.a is that of the same instance", "Write step.a.stdout instead of step.a[node.name].stdout"}},
		{name: "near name inside", text: `group "g" {
  step "run" "first" { command = ["a"] }
  step "run" "b" { command = [step.fist.stdout] }
}`, line: 3, want: []string{`Unknown step "fist"`, `Did you mean "first"?`}},
		{name: "depends on a step of it", text: g + `step "run" "x" {
  command    = ["a"]
  depends_on = [group.g["master-0"].a]
}`, want: []string{"as a whole", `write group.g["master-0"] without .a`}},
		{name: "itself", text: `group "g" {
  nodes = cluster.c.master
  step "run" "a" { command = [for k, o in group.g : k] }
}`, count: 1, want: []string{"Steps wait for each other", `group.g["master-0"] waits for group.g (main.hcl:8)`, `group.g waits for group.g["master-0"]`}},
		{name: "provisioning", text: `group "g" {
  step "provision" "p" { cluster = cluster.c }
}`, want: []string{`A "provision" step in a group`, "outside of the group"}},
		{name: "missing node", text: `group "g" {
  nodes = cluster.c.master
  step "copy" "p" {
    source      = "here.txt"
    destination = "/x"
  }
}`, line: 3, want: []string{"Missing node", "node = node"}},
		{name: "nodes and for_each", text: `group "g" {
  nodes    = cluster.c.master
  for_each = ["a"]
  step "run" "a" { command = ["a"] }
}`, line: 3, want: []string{"Both nodes and for_each"}},
		{name: "the name of a step outside", text: `step "run" "a" { command = [var.nix] }
group "g" {
  step "run" "a" { command = [var.nax] }
}`, count: 3, want: []string{"a", `Unknown variable "nix"`, `Unknown variable "nax"`}},
		{name: "two of one name", text: `group "g" {
  step "run" "a" { command = ["a"] }
}
group "g" {
  nodes = cluster.c.master
  step "run" "b" { command = [node.name, var.nix] }
}`, count: 2, want: []string{`"g"`, `Unknown variable "nix"`}},
		{name: "unknown type", text: `group "g" {
  nodes = cluster.c.master
  step "rum" "p" { command = ["a"] }
}
step "run" "x" { command = [group.g["master-0"].p.stdout] }`, line: 3, want: []string{`Unknown step type "rum"`, `Did you mean "run"?`}},
		{name: "late bound", text: g + `group "h" {
  timeout = group.solo.b.stdout
  step "run" "c" { command = ["a"] }
}`, want: []string{"known before the run"}},
	})
}

func TestRule11_OneInstanceMayWaitForAnother(t *testing.T) {
	p := mustBuild(t, lab+`
group "g" {
  nodes = cluster.c.master
  step "run" "a" {
    node    = node
    command = [node.index == 0 ? "none" : group.g[cluster.c.master[node.index - 1].name].a.stdout]
  }
}`)
	checkEdges(t, p, `group.g["master-1"]:begin`, `group.g["master-0"]`, `provision.c["master-1"]`)
	checkEdges(t, p, `group.g["master-0"]:begin`, `provision.c["master-0"]`)
}

func TestOrderedGroups(t *testing.T) {
	p := mustBuild(t, lab+`
group "g" {
  ordered = true
  step "run" "one" { command = ["a"] }
  step "cut" "cut" {
    node = cluster.c.master[0]
  }
  step "run" "two" {
    during  = [step.cut]
    command = ["a"]
  }
  step "run" "three" {
    during  = [step.cut]
    command = ["a"]
  }
  step "run" "four" { command = ["a"] }
}`)
	checkEdges(t, p, "group.g.cut:start", "group.g:begin", "group.g.one")
	checkEdges(t, p, "group.g.two", "group.g:begin", "group.g.cut:start")
	checkEdges(t, p, "group.g.three", "group.g:begin", "group.g.cut:start", "group.g.two")
	checkEdges(t, p, "group.g.four", "group.g:begin", "group.g.cut", "group.g.three")
}

func TestRule07_DisabledGroups(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "writer" {
  background = true
  command    = ["a"]
}
step "run" "ask" { command = ["a"] }
group "g" {
  nodes   = cluster.c.master
  during  = [step.writer]
  enabled = node.index == 0
  step "run" "a" { command = ["a"] }
}
group "later" {
  enabled = step.ask.stdout == "yes"
  step "run" "b" { command = ["a"] }
}`)
	checkEdges(t, p, `group.g["master-0"]:begin`, "step.writer:start")
	checkEdges(t, p, `group.g["master-1"]:begin`)
	checkEdges(t, p, "step.writer", "step.writer:start", `~group.g["master-0"]`, `~group.g["master-1"]`)
	checkEdges(t, p, "group.later:begin", "step.ask")
	f := &facts{outputs: map[dag.ID]cty.Value{"step.ask": ran("no")}, nodes: map[string][]backends.Node{"c": p.Clusters[0].Nodes}}
	if p.Graph.Value(`group.g["master-0"]:begin`).Enabled != nil {
		t.Error("a group that is enabled for sure has a function to ask")
	}
	for _, id := range []dag.ID{`group.g["master-1"]:begin`, "group.later:begin"} {
		if yes, err := p.Graph.Value(id).Enabled(f); yes || err != nil {
			t.Errorf("%s enabled: %v, %v; want false", id, yes, err)
		}
	}
}

func TestRule08_GroupsRollInListOrder(t *testing.T) {
	p := mustBuild(t, lab+`
group "g" {
  nodes        = reverse(cluster.c.master)
  max_parallel = 1
  step "run" "a" {
    node    = node
    command = ["a"]
  }
}`)
	var order []dag.ID
	for _, id := range p.Graph.IDs() {
		if p.Graph.Traits(id).Roll == "group.g" {
			order = append(order, id)
		}
	}
	if want := []dag.ID{`group.g["master-1"]:begin`, `group.g["master-0"]:begin`}; !slices.Equal(order, want) {
		t.Errorf("the roll's order is %q, want %q", order, want)
	}
	if tr := p.Graph.Traits(`group.g["master-0"].a`); tr.Roll != "" || tr.Weight != 1 {
		t.Errorf("the traits of a step in a rolled group are %+v", tr)
	}
}

func TestGroupsThatTakeTheKeysOfAStep(t *testing.T) {
	p := mustBuild(t, lab+twoSteps+`
group "g" {
  for_each = step.many
  step "run" "key" { command = [each.key] }
  step "run" "value" { command = [each.value.stdout] }
}
step "run" "late" {
  for_each = toset([step.one.stdout])
  command  = [each.key]
}
group "h" {
  for_each = step.late
  step "run" "after" { command = [each.value.stdout] }
}`)
	checkEdges(t, p, `group.g["master-1"]:begin`, `step.many["master-1"]`)
	checkEdges(t, p, "group.h[*]", "step.late[*]")
	f := &facts{outputs: map[dag.ID]cty.Value{`step.many["master-1"]`: ran("m")}}
	for id, want := range map[dag.ID]string{`group.g["master-1"].key`: "master-1", `group.g["master-1"].value`: "m"} {
		if got := texts(configure(t, p, id, f).GetAttr("command")); !slices.Equal(got, []string{want}) {
			t.Errorf("%s has the command %q, want %q", id, got, want)
		}
	}
}

func TestGroupsAreCheckedWithoutValues(t *testing.T) {
	p, diags, files := request{static: true, text: lab + writer + `
variable "nodes" { type = set(string) }
group "g" {
  for_each = var.nodes
  during   = [step.writer]
  step "run" "a" {
    command = [each.key]
    locks   = [each.key]
  }
}
step "run" "x" { command = [for k, o in group.g : o.a.stdout] }
`}.build(t)
	if p == nil || diags.HasErrors() {
		t.Errorf("validation finds:\n%s", rendered(diags, files))
	}
}

func TestRegionsForeseeLateInstances(t *testing.T) {
	req := request{text: lab + `
module "m" {
  source  = "./m"
  nodes   = cluster.c.master
  timeout = "1h"
}`, files: map[string]string{"m/main.hcl": `
variable "nodes" { type = any }
step "run" "leader" { command = ["a"] }
step "run" "late" {
  nodes   = [for n in var.nodes : n if n.name == step.leader.stdout]
  command = ["a"]
}`}}
	p := req.mustBuild(t)
	checkEdges(t, p, "module.m:begin", "provision.c")
	checkEdges(t, p, "module.m.step.late[*]", "module.m:begin", "module.m.step.leader")
	f := &facts{
		outputs:  map[dag.ID]cty.Value{"module.m.step.leader": ran("master-1")},
		nodes:    map[string][]backends.Node{"c": p.Clusters[0].Nodes},
		expanded: map[dag.ID][]*Instance{},
	}
	checkExpansion(t, p, f, "module.m.step.late[*]", []string{
		`module.m -> ~module.m.step.late["master-1"]`,
		`module.m.step.late -> module.m.step.late["master-1"]`,
		`module.m.step.late["master-1"] -> module.m.step.late[*]`,
		`module.m.step.late["master-1"] -> module.m:begin`,
	})
}
