package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
)

func TestRule01_EdgesAreSyntactic(t *testing.T) {
	p := mustBuild(t, lab+`
locals {
  plain   = step.copy
  through = local.plain
  other   = "${step.one.stdout}!"
}
step "run" "one" { command = ["a"] }
step "run" "copy" {
  nodes   = cluster.c.master
  command = ["a"]
}
step "run" "each" {
  nodes   = cluster.c.master
  command = ["a", step.copy[node.name].stdout]
}
step "run" "local" {
  nodes   = cluster.c.master
  command = ["a", local.through[node.name].stdout]
}
step "run" "whole" { command = [for o in values(step.copy) : o.stdout] }
step "run" "splat" { command = values(step.copy)[*].stdout }
step "run" "for_key" { command = [for n in cluster.c.master : step.copy[n.name].stdout] }
step "run" "unknown_key" { command = [step.copy[step.one.stdout].stdout] }
step "run" "text" { command = [local.other] }
step "run" "depends" {
  command    = ["a"]
  depends_on = [step.copy["master-1"], step.one]
}
step "run" "shadow" {
  nodes   = cluster.c.master
  command = [for node in cluster.c.master : step.copy[node.name].stdout]
}
step "run" "branch" {
  nodes   = cluster.c.master
  command = [node.index == 0 ? "none" : step.copy[cluster.c.master[node.index - 1].name].stdout]
}`)
	checkEdges(t, p, `step.each["master-1"]`, `step.copy["master-1"]`, `provision.c["master-1"]`)
	checkEdges(t, p, `step.local["master-1"]`, `step.copy["master-1"]`, `provision.c["master-1"]`)
	checkEdges(t, p, "step.copy", `step.copy["master-0"]`, `step.copy["master-1"]`)
	checkEdges(t, p, "step.whole", "step.copy")
	checkEdges(t, p, "step.splat", "step.copy")
	checkEdges(t, p, "step.for_key", "step.copy")
	checkEdges(t, p, "step.unknown_key", "step.copy", "step.one")
	checkEdges(t, p, "step.text", "step.one")
	checkEdges(t, p, "step.depends", `step.copy["master-1"]`, "step.one")
	checkEdges(t, p, `step.shadow["master-0"]`, "step.copy", `provision.c["master-0"]`)
	checkEdges(t, p, `step.branch["master-0"]`, `provision.c["master-0"]`)
	checkEdges(t, p, `step.branch["master-1"]`, `step.copy["master-0"]`, `provision.c["master-1"]`)
}

const twoSteps = `
step "run" "one" { command = ["a"] }
step "run" "many" {
  nodes   = cluster.c.master
  command = ["a"]
}
`

func TestRule02_FanOutsAreMaps(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "missing index", text: twoSteps + `step "run" "x" { command = [step.many.stdout] }`, line: 7,
			want: []string{"Missing index", `step.many[`, `].stdout`, "values(step.many)[*].stdout"}},
		{name: "unneeded index", text: twoSteps + `step "run" "x" { command = [step.one["a"].stdout] }`, line: 7,
			want: []string{"Unneeded index", "step.one.stdout", `step.one["a"].stdout`}},
		{name: "key as attribute", text: twoSteps + `step "run" "x" { command = [step.many.master-0.stdout] }`,
			want: []string{"Missing brackets", `step.many["master-0"].stdout`}},
		{name: "step by expression", text: twoSteps + `step "run" "x" { command = [step["one"].stdout] }`,
			want: []string{"Incomplete reference", "step.NAME[KEY]"}},
		{name: "unknown key", text: twoSteps + `step "run" "x" { command = [step.many["master-9"].stdout] }`,
			want: []string{`has no instance "master-9"`, `"master-0", "master-1"`, "Did you mean"}},
		{name: "splat", text: twoSteps + `step "run" "x" { command = step.many[*].stdout }`,
			want: []string{"values(step.many)[*].stdout"}},
		{name: "through a local", text: twoSteps + `
locals { m = step.many }
step "run" "x" { command = [local.m.stdout] }`, want: []string{"Missing index", "values(step.many)[*].stdout"}},
	})
	p := mustBuild(t, lab+twoSteps+`step "run" "x" { command = [for k, v in step.many : "${k} ${length(step.many)} ${v.stdout}"] }`)
	f := &facts{outputs: map[dag.ID]cty.Value{`step.many["master-0"]`: ran("0"), `step.many["master-1"]`: ran("1")}}
	got := configure(t, p, "step.x", f).GetAttr("command")
	if want := cty.ListVal([]cty.Value{cty.StringVal("master-0 2 0"), cty.StringVal("master-1 2 1")}); !got.RawEquals(want) {
		t.Errorf("command = %#v, want %#v", got, want)
	}
}

func TestRule03_ReferencesAreCheckedStatically(t *testing.T) {
	run := func(expr string) string { return twoSteps + `step "run" "x" { command = [` + expr + `] }` }
	checkMistakes(t, []mistake{
		{name: "output", text: run(`step.one.stdot`), want: []string{`Unknown output "stdot"`, `"run" step`, "stdout, exit_code, token", `Did you mean "stdout"?`}},
		{name: "try hides nothing", text: run(`try(step.one.stdot, "")`), want: []string{`Unknown output "stdot"`}},
		{name: "step", text: run(`step.ones.stdout`), want: []string{`Unknown step "ones"`, `Did you mean "one"?`}},
		{name: "other kind", text: "variable \"many2\" { default = 1 }\n" + run(`step.many2.stdout`), want: []string{"There is a variable of that name: write var.many2."}},
		{name: "variable", text: run(`var.x`), want: []string{`Unknown variable "x"`, "There is a step of that name: write step.x."}},
		{name: "local", text: run(`local.nix`), want: []string{`Unknown local "nix"`}},
		{name: "root", text: run(`foo.bar`), want: []string{`"foo"`}},
		{name: "bare name", text: run(`one.stdout`), want: []string{"write step.one"}},
		{name: "cluster", text: run(`cluster.d.nodes`), want: []string{`Unknown cluster "d"`}},
		{name: "role", text: run(`cluster.c.masters[0].name`), want: []string{`Unknown attribute "masters"`, "agent, master, name, nodes", `Did you mean "master"?`}},
		{name: "node attribute", text: run(`cluster.c.master[0].nam`), want: []string{`Unknown attribute "nam"`, `Did you mean "name"?`}},
		{name: "node list", text: run(`cluster.c.master.name`), want: []string{"Missing index", "cluster.c.master[0].name"}},
		{name: "node out of place", text: run(`node.name`), want: []string{`No "node" here`, "`nodes`"}},
		{name: "each out of place", text: run(`each.key`), want: []string{`No "each" here`, "for_each"}},
		{name: "probe out of place", text: run(`probe.stdout`), want: []string{`No "probe" here`, "condition"}},
		{name: "run", text: run(`run.idd`), want: []string{`Unknown attribute "idd"`, "dir, id, seed"}},
		{name: "path", text: run(`path.workflo`), want: []string{`Did you mean "workflow"?`}},
		{name: "probe attribute", text: `step "assert" "x" { condition = probe.stdot == "" }`, want: []string{`Unknown attribute "stdot"`, `Did you mean "stdout"?`}},
		{name: "variable attribute", text: "variable \"v\" { default = { from = \"a\" } }\n" + run(`var.v.form`), want: []string{`Unknown attribute "form"`, `Did you mean "from"?`}},
		{name: "in a key", text: run(`step.many[var.nix].stdout`), want: []string{`Unknown variable "nix"`}},
		{name: "in a local", text: "locals { l = step.one.stdot }\n" + run(`local.l`), want: []string{`Unknown output "stdot"`}, line: 1},
		{name: "depends_on", text: `step "run" "x" {
  command    = ["a"]
  depends_on = [step.nope]
}`, line: 3, want: []string{`Unknown step "nope"`}},
	})
}

func TestRule04_ForEach(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "first" {
  for_each = { b = "two", a = "one" }
  command  = [each.key, each.value]
}
step "run" "keys" {
  for_each = step.first
  command  = [each.key]
}
step "run" "values" {
  for_each = step.first
  command  = [each.value.stdout]
}
step "run" "set" {
  for_each = toset(["z", "y"])
  command  = [each.value]
}`)
	want := []string{`step.first["a"]`, `step.first["b"]`, `step.keys["a"]`, `step.keys["b"]`, `step.values["a"]`, `step.values["b"]`, `step.set["y"]`, `step.set["z"]`}
	var got []string
	for _, id := range p.Graph.IDs() {
		got = append(got, string(id))
	}
	if !slices.Equal(got, want) {
		t.Errorf("instances\n got %q\nwant %q", got, want)
	}
	checkEdges(t, p, `step.keys["a"]`)
	checkEdges(t, p, `step.values["a"]`, `step.first["a"]`)
	f := &facts{outputs: map[dag.ID]cty.Value{`step.first["b"]`: ran("out")}}
	if got := configure(t, p, `step.values["b"]`, f).GetAttr("command"); !got.RawEquals(cty.ListVal([]cty.Value{cty.StringVal("out")})) {
		t.Errorf("each.value.stdout is %#v", got)
	}

	each := func(keys string) string {
		return twoSteps + "step \"run\" \"x\" {\n  command  = [each.key]\n  for_each = " + keys + "\n}"
	}
	checkMistakes(t, []mistake{
		{name: "null", text: each(`null`), line: 9, want: []string{"No keys", "null"}},
		{name: "duplicate", text: each(`["a", "b", "a"]`), want: []string{"A key twice", `"a"`, "toset"}},
		{name: "sensitive", text: "variable \"s\" {\n  sensitive = true\n  default = [\"a\"]\n}\n" + each(`var.s`), want: []string{"Sensitive keys"}},
		{name: "numbers", text: each(`[1, 2]`), want: []string{"A key that is no string", "tostring"}},
		{name: "string", text: each(`"a"`), want: []string{"for_each takes"}},
		{name: "single step", text: each(`step.one`), want: []string{"A step without keys", "step.one"}},
		{name: "both", text: `step "run" "x" {
  command  = ["a"]
  nodes    = cluster.c.nodes
  for_each = ["a"]
}`, line: 4, want: []string{"Both nodes and for_each"}},
		{name: "same names", text: `cluster "d" { roles = { master = 1 } }
step "run" "x" {
  command = ["a"]
  nodes   = concat(cluster.c.master, cluster.d.master)
}`, line: 4, want: []string{"Equal node names", "cluster.c", "cluster.d", "master-0"}},
		{name: "same node", text: `step "run" "x" {
  command = ["a"]
  nodes   = concat(cluster.c.master, cluster.c.nodes)
}`, want: []string{"The same node twice"}},
		{name: "a cluster", text: `step "run" "x" {
  command = ["a"]
  nodes   = cluster.c
}`, want: []string{"Not a list of nodes", "`nodes`?"}},
		{name: "depends on an output", text: twoSteps + `step "run" "x" {
  command    = ["a"]
  depends_on = [step.one.stdout]
}`, want: []string{"Not a step", "write step.one without .stdout"}},
	})
}

func TestRule05_Provisioning(t *testing.T) {
	p := mustBuild(t, lab+`
step "genconf" "bundle" {
  cluster = cluster.c
  config  = { masters = cluster.c.master[*].ip }
}
step "inspect" "all" { cluster = cluster.c }
step "run" "on" {
  node    = cluster.c.agent[0]
  command = ["a", node.name]
}
step "run" "nowhere" { command = ["a", cluster.c.master[0].ip] }
step "wait" "probe" {
  until { node = cluster.c.master[1] }
}`)
	checkEdges(t, p, "step.bundle")
	checkEdges(t, p, "step.nowhere")
	checkEdges(t, p, "step.all", "provision.c")
	checkEdges(t, p, "provision.c", `provision.c["master-0"]`, `provision.c["master-1"]`, `provision.c["agent-0"]`)
	checkEdges(t, p, "step.on", `provision.c["agent-0"]`)
	checkEdges(t, p, "step.probe", `provision.c["master-1"]`)
	checkEdges(t, p, `provision.c["master-0"]`)
	on := p.Graph.Value("step.on")
	if on.Cluster != "c" || on.Node != "agent-0" {
		t.Errorf("step.on runs on %s of %s, want agent-0 of c", on.Node, on.Cluster)
	}
	if made := p.Graph.Value(`provision.c["agent-0"]`); !made.Added || made.Subject != "c" || made.Node != "agent-0" {
		t.Errorf("the added provisioning is %+v", made)
	}

	written := mustBuild(t, lab+`
step "provision" "vm" { cluster = cluster.c }
step "run" "x" {
  nodes   = cluster.c.master
  command = [step.vm[node.name].state]
}`)
	checkEdges(t, written, `step.x["master-0"]`, `step.vm["master-0"]`)
	if written.Graph.Has(`provision.c["master-0"]`) {
		t.Error("the plan adds provisioning beside the written one")
	}
	existing := mustBuild(t, strings.Replace(lab, "docker", "existing", 1)+`
step "run" "x" {
  nodes   = cluster.c.agent
  command = ["a"]
}`)
	if got := existing.Graph.IDs(); !slices.Equal(got, []dag.ID{`step.x["agent-0"]`}) {
		t.Errorf("on machines that stay, the plan has %q", got)
	}
	checkMistakes(t, []mistake{
		{name: "twice", text: `step "provision" "a" { cluster = cluster.c }
step "provision" "b" { cluster = cluster.c }`, line: 2, want: []string{"provisioned twice", "step.a"}},
		{name: "no node", text: `step "copy" "x" {
  source      = "here.txt"
  destination = "/x"
}`, line: 1, want: []string{"Missing node", "nodes = "}},
		{name: "refused node", text: `step "genconf" "x" {
  cluster = cluster.c
  node    = cluster.c.agent[0]
}`, line: 3, want: []string{`Unexpected "node"`}},
		{name: "each node", text: `step "provision" "x" {
  cluster  = cluster.c
  for_each = ["a"]
}`, line: 3, want: []string{`Unexpected "for_each"`, "every node"}},
		{name: "list for node", text: `step "run" "x" {
  command = ["a"]
  node    = cluster.c.agent
}`, line: 3, want: []string{"Not a node", "Choose one by its index"}},
	})
}

func TestIdleWorkflowsAreWarnedOf(t *testing.T) {
	text := lab + "cluster \"spare\" {\n  roles = { node = 1 }\n}\n"
	for _, c := range []struct {
		name, step string
		want       []string
	}{
		{"used by an argument", "step \"run\" \"x\" {\n  nodes   = cluster.c.nodes\n  command = [cluster.spare.nodes[0].name]\n}\n", nil},
		{"used through a local", "locals {\n  n = cluster.spare.nodes\n}\nstep \"run\" \"x\" {\n  nodes   = concat(local.n, cluster.c.nodes)\n  command = [\"a\"]\n}\n", nil},
		{"not used", "step \"run\" \"x\" {\n  nodes   = cluster.c.nodes\n  command = [\"a\"]\n}\n", []string{`Cluster "spare" is not used`}},
		{"no steps", "", []string{"The workflow has no steps"}},
		{"nothing is used", "step \"run\" \"x\" {\n  command = [\"a\"]\n}\n", []string{`Cluster "c" is not used`, `Cluster "spare" is not used`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, diags, files := request{text: text + c.step}.build(t)
			var got []string
			for _, d := range diags {
				got = append(got, d.Summary)
			}
			if p == nil || !slices.Equal(got, c.want) {
				t.Errorf("got the plan %v and warnings %q, want a plan and %q:\n%s", p != nil, got, c.want, rendered(diags, files))
			}
		})
	}
}
