package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
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

// guarded is a module whose instances are switched, waited for and bracketed.
var guarded = map[string]string{"part/main.hcl": `
variable "on" { default = "x" }
step "run" "work" { command = ["work", var.on] }
step "run" "tidy" {
  when    = "always"
  command = ["tidy"]
}
output "said" { value = step.work.stdout }
output "fixed" { value = "fixed" }
`}

func TestRule07_ModulesAreDisabled(t *testing.T) {
	late := map[string]string{"part/main.hcl": guarded["part/main.hcl"] + `
step "run" "late" {
  for_each = toset(split(",", step.work.stdout))
  command  = [each.key]
}`}
	p := request{files: late, text: `
step "run" "ask" { command = ["ask"] }
module "m" {
  source  = "./part"
  enabled = step.ask.stdout == "yes"
}
module "never" {
  source  = "./part"
  enabled = false
}
step "run" "after" {
  command = [coalesce(module.m.said, "nothing"), module.m.fixed == null ? "null" : module.m.fixed, module.never.fixed == null ? "null" : "set"]
}
`}.mustBuild(t)
	checkEdges(t, p, "module.m.step.work", "step.ask")
	checkEdges(t, p, "step.after", "module.m.step.work", "step.ask")
	for _, c := range []struct {
		said string
		on   bool
		want []string
	}{{"yes", true, []string{"done", "fixed", "null"}}, {"no", false, []string{"nothing", "null", "null"}}} {
		f := &facts{outputs: map[dag.ID]cty.Value{"step.ask": ran(c.said), "module.m.step.work": ran("done")}}
		for _, id := range []dag.ID{"module.m.step.work", "module.m.step.late[*]", "module.m.step.tidy"} {
			if on, err := p.Graph.Value(id).Enabled(f); err != nil || on != c.on {
				t.Errorf("after %q, %s is enabled: %t, %v; want %t", c.said, id, on, err, c.on)
			}
		}
		checkCommand(t, p, "step.after", f, c.want...)
	}
	if on, err := p.Graph.Value("module.never.step.work").Enabled(&facts{}); err != nil || on {
		t.Errorf("a disabled module works: %t, %v", on, err)
	}
}

func TestModulesThatAreBracketed(t *testing.T) {
	p := request{files: guarded, text: `
step "run" "before" { command = ["a"] }
module "m" {
  source       = "./part"
  for_each     = toset(["a", "b"])
  on           = step.before.stdout
  max_parallel = 1
  timeout      = "5m"
  enabled      = step.before.stdout != ""
  retry { attempts = 2 }
}
step "run" "after" { command = [module.m["a"].said] }
step "run" "all" {
  command    = ["a"]
  depends_on = [module.m]
}
`}.mustBuild(t)
	const region = dag.ID(`module.m["a"]`)
	checkEdges(t, p, region+":begin", "step.before")
	checkEdges(t, p, region+".step.work", string(region)+":begin")
	checkEdges(t, p, region, string(region)+":begin", "~"+string(region)+".step.work")
	checkEdges(t, p, region+".step.tidy", "~:main")
	checkEdges(t, p, "step.after", string(region), "step.before")
	checkEdges(t, p, "step.all", "module.m")
	checkEdges(t, p, "module.m", `module.m["a"]`, `module.m["b"]`)
	traits := p.Graph.Traits(region + ":begin")
	if traits.Roll != "module.m" || traits.Opens != region || traits.Limit != 5*time.Minute {
		t.Errorf("the opening has the traits %+v", traits)
	}
	if inner := p.Graph.Traits(region + ".step.work"); inner.Region != region {
		t.Errorf("what is in it has the traits %+v", inner)
	}
	if r := p.Graph.Value(region).Retry; r.Attempts != 2 {
		t.Errorf("the region has %d attempts, want 2", r.Attempts)
	}
	f := &facts{outputs: map[dag.ID]cty.Value{"step.before": ran("")}}
	if on, err := p.Graph.Value(region + ":begin").Enabled(f); err != nil || on {
		t.Errorf("the opening is enabled: %t, %v; want false", on, err)
	}
	if p.Graph.Value(region+".step.work").Enabled != nil {
		t.Error("what is in the region asks again whether it is enabled")
	}
}

func TestModulesOfClusters(t *testing.T) {
	p := request{files: map[string]string{"all/main.hcl": `
variable "cluster" { type = any }
step "provision" "nodes" { cluster = var.cluster }
step "run" "hello" {
  nodes   = var.cluster.master
  command = [var.cluster.name, var.cluster.agent[0].ip]
}
step "destroy" "end" {
  when    = "always"
  cluster = var.cluster
}
`}, text: lab + `module "m" {
  source  = "./all"
  cluster = cluster.c
}`}.mustBuild(t)
	checkEdges(t, p, `module.m.step.hello["master-1"]`, `module.m.step.nodes["master-1"]`)
	for _, added := range []string{"provision.c", "destroy.c"} {
		if found := p.Find(added); len(found) > 0 {
			t.Errorf("%s was added: %q", added, found)
		}
	}
	nodes := p.Clusters[0].Nodes
	for i := range nodes {
		nodes[i].Private = addr(i + 1)
	}
	checkCommand(t, p, `module.m.step.hello["master-0"]`, &facts{nodes: map[string][]backends.Node{"c": nodes}}, "c", "10.0.0.3")
}

func TestInputsOfModules(t *testing.T) {
	files := map[string]string{"in/main.hcl": `
variable "size" {
  type = number
  validation {
    condition     = var.size % 2 == 1 && var.size <= var.most
    error_message = "It must be odd, not ${var.size}."
  }
}
variable "most" { default = 7 }
variable "spec" {
  type    = object({ name = string, port = optional(number, 80) })
  default = { name = "d" }
}
variable "secret" {
  default   = "hush"
  sensitive = true
}
variable "maybe" {
  default  = "x"
  nullable = false
}
step "run" "use" {
  command  = [var.spec.name, tostring(var.spec.port), tostring(var.size), var.maybe, path.module, file("text.txt")]
  password = var.secret
}
output "password" {
  value     = var.secret
  sensitive = true
}
`, "in/text.txt": "in the module"}
	const text = `
step "run" "count" { command = ["a"] }
module "m" {
  source = "./in"
  size   = %s
  spec   = { name = "n" }
  secret = "s3cret"
  maybe  = null
}
`
	p := request{files: files, text: strings.Replace(text, "%s", "tonumber(step.count.stdout)", 1)}.mustBuild(t)
	f := func(n string) Facts { return &facts{outputs: map[dag.ID]cty.Value{"step.count": ran(n)}} }
	checkCommand(t, p, "module.m.step.use", f("3"), "n", "80", "3", "x", "/w/in", "in the module")
	if !slices.Contains(p.Secrets(), "s3cret") {
		t.Errorf("the secrets are %q", p.Secrets())
	}
	_, err := p.Graph.Value("module.m.step.use").Configure(f("4"))
	for _, want := range []string{"main.hcl:5", `Invalid value for variable "size"`, "It must be odd, not 4.", "in/main.hcl:5"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	_, diags, shown := request{files: files, text: strings.Replace(text, "%s", "8", 1)}.build(t)
	got := rendered(diags, shown)
	for _, want := range []string{"on main.hcl line 5", "It must be odd, not 8.", "The condition stands at in/main.hcl:5.", "with var.size = 8"} {
		if !strings.Contains(got, want) {
			t.Errorf("the text lacks %q:\n%s", want, got)
		}
	}
	_, diags, shown = request{files: files, text: strings.Replace(text, "%s", "3", 1) + `output "leak" { value = module.m.password }`}.build(t)
	if got := rendered(diags, shown); !strings.Contains(got, `Output "leak" shows a secret`) || strings.Contains(got, "s3cret") {
		t.Errorf("a secret output gives\n%s", got)
	}
}

func TestModulesDuringSpans(t *testing.T) {
	for _, c := range []struct{ name, args, first, last string }{
		{"as they are", "", "module.m.step.work", "module.m.step.work"},
		{"in brackets", "timeout = \"1m\"", "module.m:begin", "module.m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := request{files: guarded, text: writer + "module \"m\" {\n  source = \"./part\"\n  during = [step.writer]\n" + c.args + "\n}"}.mustBuild(t)
			if got := edges(p, dag.ID(c.first)); !slices.Contains(got, "step.writer:start") {
				t.Errorf("%s waits for %q, want the start of the span", c.first, got)
			}
			if got := edges(p, "step.writer"); !slices.Contains(got, "~"+c.last) {
				t.Errorf("the span waits for %q, want %s", got, c.last)
			}
			if got := edges(p, "module.m.step.tidy"); slices.Contains(got, "step.writer:start") {
				t.Errorf("the finaliser waits for %q", got)
			}
		})
	}
}
