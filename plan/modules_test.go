package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
)

// etcd is a module that takes nodes, a cluster and the output of a step.
var etcd = map[string]string{"etcd/main.hcl": `
variable "nodes" { type = any }
variable "version" { default = "3.5" }
variable "bundle" { type = any }
locals { tag = "v${var.version}" }
step "run" "install" {
  nodes   = var.nodes
  command = ["install", local.tag, var.bundle]
}
step "run" "check" {
  nodes   = var.nodes
  command = ["check", step.install[node.name].stdout]
}
output "installed" { value = step.install }
output "version" { value = local.tag }
output "stdout" { value = { for k, v in step.check : k => v.stdout } }
`}

const bundle = `
step "run" "bundle" {
  for_each = toset(["old", "new"])
  command  = ["genconf", each.key]
}
`

func TestRule01_ModulesAreReplacedByTheirExpressions(t *testing.T) {
	p := request{files: etcd, text: lab + bundle + `
module "m" {
  source  = "./etcd"
  nodes   = cluster.c.master
  bundle  = step.bundle["old"].stdout
  version = "3.6"
}
step "run" "one" { command = [module.m.installed["master-0"].stdout, module.m.version] }
step "run" "all" { command = values(module.m.stdout) }
step "run" "each" {
  nodes   = cluster.c.master
  command = [module.m.installed[node.name].stdout]
}
step "run" "whole" { command = [module.m.version, jsonencode(module.m)] }
`}.mustBuild(t)
	const install = `module.m.step.install["master-0"]`
	checkEdges(t, p, install, `step.bundle["old"]`, `provision.c["master-0"]`)
	checkEdges(t, p, `module.m.step.check["master-0"]`, install, `provision.c["master-0"]`)
	checkEdges(t, p, "step.one", install)
	checkEdges(t, p, "step.all", "module.m.step.check")
	checkEdges(t, p, `step.each["master-0"]`, install, `provision.c["master-0"]`)
	checkEdges(t, p, "step.whole", "module.m.step.install", "module.m.step.check")
	f := &facts{outputs: map[dag.ID]cty.Value{
		`step.bundle["old"]`: ran("b-old"), install: ran("i0"), `module.m.step.check["master-0"]`: ran("c0"), `module.m.step.check["master-1"]`: ran("c1"),
		`module.m.step.install["master-1"]`: ran("i1"),
	}}
	checkCommand(t, p, install, f, "install", "v3.6", "b-old")
	checkCommand(t, p, `module.m.step.check["master-0"]`, f, "check", "i0")
	checkCommand(t, p, "step.one", f, "i0", "v3.6")
	checkCommand(t, p, "step.all", f, "c0", "c1")
	checkCommand(t, p, `step.each["master-1"]`, f, "i1")
}

// checkCommand compares the command argument of an instance.
func checkCommand(t *testing.T, p *Plan, id dag.ID, f Facts, want ...string) {
	t.Helper()
	var got []string
	for _, word := range configure(t, p, id, f).GetAttr("command").AsValueSlice() {
		got = append(got, word.AsString())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the command of %s is\n got %q\nwant %q", id, got, want)
	}
}

func TestRule01_LayersOfPlainReferences(t *testing.T) {
	p := request{files: map[string]string{
		"outer/main.hcl": `
variable "hosts" { type = any }
locals { hosts = var.hosts }
module "inner" {
  source = "../inner"
  from   = local.hosts
}
output "made" { value = module.inner.made }
`,
		"inner/main.hcl": `
variable "from" { type = any }
step "run" "use" { command = [var.from["new"].stdout] }
step "run" "made" {
  for_each = var.from
  command  = [each.key]
}
step "run" "after" {
  for_each   = step.made
  depends_on = [var.from["new"]]
  command    = [each.value.stdout]
}
output "made" { value = step.made }
`,
	}, text: lab + bundle + `
module "m" {
  source = "./outer"
  hosts  = step.bundle
}
step "run" "last" { command = [module.m.made["old"].stdout] }
`}.mustBuild(t)
	checkEdges(t, p, "module.m.module.inner.step.use", `step.bundle["new"]`)
	checkEdges(t, p, `module.m.module.inner.step.made["old"]`)
	checkEdges(t, p, `module.m.module.inner.step.after["old"]`, `module.m.module.inner.step.made["old"]`, `step.bundle["new"]`)
	checkEdges(t, p, "step.last", `module.m.module.inner.step.made["old"]`)
	f := &facts{outputs: map[dag.ID]cty.Value{`step.bundle["new"]`: ran("n"), `module.m.module.inner.step.made["old"]`: ran("o")}}
	checkCommand(t, p, "module.m.module.inner.step.use", f, "n")
	checkCommand(t, p, "step.last", f, "o")
}

const twice = `
module "m" {
  source   = "./etcd"
  for_each = { a = cluster.c.master, b = [cluster.c.agent[0]] }
  nodes    = each.value
  bundle   = step.bundle[each.key == "a" ? "old" : "new"].stdout
  version  = each.key
}
`

func TestModulesWithKeys(t *testing.T) {
	p := request{files: etcd, text: lab + bundle + twice + `
step "run" "one" { command = [module.m["a"].installed["master-0"].stdout, module.m["b"].version] }
step "run" "each" {
  for_each = toset(["a", "b"])
  command  = [module.m[each.key].version, join(",", values(module.m[each.key].stdout))]
}
step "run" "node" {
  nodes   = cluster.c.master
  command = [module.m[node.index == 0 ? "a" : "b"].version, module.m["a"].installed[node.name].stdout]
}
step "run" "all" { command = values(module.m)[*].version }
step "run" "count" { command = [tostring(length(module.m)), keys(module.m)[0]] }
`}.mustBuild(t)
	checkEdges(t, p, `module.m["a"].step.install["master-1"]`, `step.bundle["old"]`, `provision.c["master-1"]`)
	checkEdges(t, p, `module.m["b"].step.install["agent-0"]`, `step.bundle["new"]`, `provision.c["agent-0"]`)
	checkEdges(t, p, "step.one", `module.m["a"].step.install["master-0"]`)
	checkEdges(t, p, `step.each["a"]`, `module.m["a"].step.check`)
	checkEdges(t, p, `step.each["b"]`, `module.m["b"].step.check`)
	checkEdges(t, p, `step.node["master-0"]`, `module.m["a"].step.install["master-0"]`, `provision.c["master-0"]`)
	f := &facts{outputs: map[dag.ID]cty.Value{
		`step.bundle["old"]`: ran("o"), `step.bundle["new"]`: ran("n"), `module.m["a"].step.install["master-0"]`: ran("i0"),
		`module.m["a"].step.check["master-0"]`: ran("c0"), `module.m["a"].step.check["master-1"]`: ran("c1"), `module.m["b"].step.check["agent-0"]`: ran("d0"),
		`module.m["a"].step.install["master-1"]`: ran("i1"), `module.m["b"].step.install["agent-0"]`: ran("j0"),
	}}
	checkCommand(t, p, `module.m["a"].step.install["master-0"]`, f, "install", "va", "o")
	checkCommand(t, p, `module.m["b"].step.install["agent-0"]`, f, "install", "vb", "n")
	checkCommand(t, p, "step.one", f, "i0", "vb")
	checkCommand(t, p, `step.each["a"]`, f, "va", "c0,c1")
	checkCommand(t, p, `step.each["b"]`, f, "vb", "d0")
	checkCommand(t, p, `step.node["master-1"]`, f, "vb", "i1")
	checkCommand(t, p, "step.all", f, "va", "vb")
	checkCommand(t, p, "step.count", f, "2", "a")
	if found := p.Find(`module.m["a"]`); len(found) == 0 || slices.ContainsFunc(found, func(id dag.ID) bool { return !strings.HasPrefix(string(id), `module.m["a"].`) }) {
		t.Errorf("module.m[\"a\"] means %q", found)
	}
}

func TestModulesAreWaitedFor(t *testing.T) {
	p := request{files: etcd, text: lab + bundle + twice + `
step "run" "first" { command = ["a"] }
step "run" "after" {
  command    = ["a"]
  depends_on = [module.m]
}
step "run" "partly" {
  command    = ["a"]
  depends_on = [module.m["b"]]
}
module "next" {
  source     = "./etcd"
  nodes      = cluster.c.agent
  bundle     = "x"
  depends_on = [step.first, module.m["a"]]
}
step "run" "end" {
  command    = ["a"]
  depends_on = [module.next]
}
`}.mustBuild(t)
	checkEdges(t, p, "step.after", "module.m")
	checkEdges(t, p, "module.m", `module.m["a"]`, `module.m["b"]`)
	checkEdges(t, p, `module.m["b"]`, `module.m["b"].step.install`, `module.m["b"].step.check`)
	checkEdges(t, p, "step.partly", `module.m["b"]`)
	checkEdges(t, p, `module.next.step.install["agent-0"]`, "step.first", `module.m["a"]`, `provision.c["agent-0"]`)
	checkEdges(t, p, "step.end", "module.next")
	checkEdges(t, p, "module.next", "module.next.step.install", "module.next.step.check")
}
