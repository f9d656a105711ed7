package plan

import (
	"strings"
	"testing"
)

func TestRule03_MistakesAroundModules(t *testing.T) {
	call := func(args string) string { return "module \"m\" {\n  source = \"./etcd\"\n" + args + "\n}\n" }
	whole := call("  nodes = cluster.c.master\n  bundle = \"b\"")
	use := func(e string) string { return bundle + twice + "step \"run\" \"x\" { command = [" + e + "] }" }
	single := func(e string) string { return whole + "step \"run\" \"x\" { command = [" + e + "] }" }
	checkMistakes(t, []mistake{
		{name: "unknown module", files: etcd, text: single(`module.n.version`), want: []string{`Unknown module "n"`, "There is m."}},
		{name: "unknown output", files: etcd, text: single(`module.m.verzion`), want: []string{`Unknown output "verzion"`, "its outputs are installed, version, stdout", `Did you mean "version"?`}},
		{name: "a step inside", files: etcd, text: single(`module.m.step.check`), want: []string{`Unknown output "step"`, "From outside only outputs are seen", "./etcd"}},
		{name: "unneeded index", files: etcd, text: single(`module.m["a"].version`), want: []string{"Unneeded index", "Write module.m.version instead of"}},
		{name: "missing index", files: etcd, text: use(`module.m.version`), want: []string{"Missing index", `Write module.m["a"].version for one of them, or values(module.m)[*].version for all.`}},
		{name: "splat", files: etcd, text: use(`module.m[*].version`), want: []string{"Splat on a map", "values(module.m)"}},
		{name: "unknown key", files: etcd, text: use(`module.m["c"].version`), want: []string{"No such instance", `module.m has no instance "c"; its keys are "a", "b"`}},
		{name: "unknown key of a pick", files: etcd, text: bundle + twice + `step "run" "x" {
  for_each = toset(["a", "z"])
  command  = [module.m[each.key].version]
}`, want: []string{"No such instance", `no instance "z"`}},
		{name: "output of a pick", files: etcd, text: bundle + twice + `step "run" "x" {
  for_each = toset(["a"])
  command  = [module.m[each.key].versio]
}`, want: []string{`Unknown output "versio"`}},
		{name: "output of the inner step", files: etcd, text: single(`module.m.installed["master-0"].stdot`), want: []string{`Unknown output "stdot"`, "stdout"}},
		{name: "late keys", files: etcd, text: twoSteps + `module "m" {
  source   = "./etcd"
  for_each = toset(split(",", step.one.stdout))
  nodes    = cluster.c.master
  bundle   = each.key
}`, want: []string{"The keys are not known", "must be known before the run"}},
		{name: "wrong type of an input", files: etcd, line: 5, text: call("  nodes = cluster.c.master\n  bundle = \"b\"\n  version = 3.5"), want: []string{`Invalid value for variable "version"`, "write it in quotes", `in module "m"`}},
		{name: "wrong nodes", files: etcd, text: call("  nodes = \"x\"\n  bundle = \"b\""), want: []string{"Not a list of nodes", "etcd/main.hcl", "var.nodes is given at main.hcl:8."}, count: 2},
		{name: "wrong bundle", files: etcd, text: call("  nodes = cluster.c.master\n  bundle = { a = 1 }"), want: []string{`Wrong type for "command"`, "etcd/main.hcl", "var.bundle is given at main.hcl:9."}},
		{name: "not allowed in clusters", files: etcd, text: whole + `cluster "d" { roles = { a = module.m.version } }`, want: []string{`No "module" here`}},
		{name: "an output depended on", files: etcd, text: whole + `step "run" "x" {
  command    = ["a"]
  depends_on = [module.m.version]
}`, want: []string{"Not a step", "write module.m without .version"}},
		{name: "a wrong index depended on", files: etcd, text: whole + `step "run" "x" {
  command    = ["a"]
  depends_on = [module.m["a"]]
}`, want: []string{"Unneeded index"}},
		{name: "a cycle", files: etcd, text: call("  nodes = cluster.c.master\n  bundle = step.x.stdout") + `step "run" "x" { command = [module.m.stdout["master-0"]] }`,
			want: []string{"Steps wait for each other", `module.m.step.check["master-0"] waits for module.m.step.install["master-0"] (etcd/main.hcl:12)`, "main.hcl:"}},
		{name: "values in a cycle", files: etcd, text: call("  nodes = cluster.c.master\n  bundle = \"b\"\n  version = module.m.version"), want: []string{"Values need each other", "module.m.version needs local.tag (etcd/main.hcl:15)"}},
		{name: "keys in a circle", files: etcd, text: `module "m" {
  source   = "./etcd"
  for_each = toset([for k, v in module.m : k])
  nodes    = cluster.c.master
  bundle   = "b"
}`, want: []string{"Keys in a circle", "module.m"}},
	})
}

func TestMistakesInModules(t *testing.T) {
	in := func(text string) map[string]string {
		return map[string]string{"in/main.hcl": text, "in/beside.txt": "x"}
	}
	const call = "module \"m\" { source = \"./in\" }\n"
	checkMistakes(t, []mistake{
		{name: "a file beside the module", files: in(`step "copy" "x" {
  node        = var.node
  source      = "beside.txt"
  destination = "/x"
}
variable "node" { type = any }`), text: "module \"m\" {\n  source = \"./in\"\n  node = cluster.c.master[0]\n}",
			want: []string{`Missing file for "source"`, "/w/beside.txt", `write "${path.module}/beside.txt"`}},
		{name: "a cluster of its own", files: in(`step "run" "x" { command = [cluster.c.name] }`), text: call, want: []string{`Unknown cluster "c"`, "in/main.hcl line 1", "as an input"}},
		{name: "late keys in a repeated module", files: in(`
step "run" "ask" { command = ["a"] }
step "run" "late" {
  for_each = toset(split(",", step.ask.stdout))
  command  = [each.key]
}`), text: "module \"m\" {\n  source = \"./in\"\n  retry { attempts = 2 }\n}", want: []string{"Late keys in a repeated module", "module.m.step.late", "main.hcl:8"}},
		{name: "no plain reference to wait for", files: in("variable \"v\" {}\nstep \"run\" \"x\" {\n  command = [\"a\"]\n  depends_on = [var.v]\n}"),
			text: "module \"m\" {\n  source = \"./in\"\n  v = \"a\"\n}", want: []string{"Not a step", "var.v is no plain reference"}},
		{name: "a step of the caller", files: in(`step "run" "x" { command = [step.outer.stdout] }`), text: call + `step "run" "outer" { command = ["a"] }`, want: []string{`Unknown step "outer"`}},
		{name: "during what is no span", files: in(`step "run" "x" { command = ["a"] }`), text: twoSteps + "module \"m\" {\n  source = \"./in\"\n  during = [step.one]\n}", want: []string{"Not a span"}},
	})
}

func TestProblemsInModulesAreReportedOnce(t *testing.T) {
	files := map[string]string{"sick/main.hcl": `
variable "k" { default = "k" }
step "run" "bad" { command = var.k }
step "run" "worse" { commnd = [step.nobody.stdout] }
output "o" { value = local.nothing }
`}
	_, diags, shown := request{files: files, text: `
module "a" { source = "./sick" }
module "b" {
  source   = "./sick"
  for_each = toset(["x", "y"])
  k        = each.key
}`}.build(t)
	got := rendered(diags, shown)
	for _, want := range []string{`Wrong type for "command"`, `Unknown argument "commnd"`, `Unknown local "nothing"`} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is there %d times, want once:\n%s", want, strings.Count(got, want), got)
		}
	}
	if len(diags) != 3 {
		t.Errorf("got %d diagnostics, want 3:\n%s", len(diags), got)
	}
}

func TestRule21_ModulesAloneAreValid(t *testing.T) {
	_, diags, files := request{text: etcd["etcd/main.hcl"], static: true}.build(t)
	if len(diags) > 0 {
		t.Errorf("a module alone has problems:\n%s", rendered(diags, files))
	}
	_, diags, files = request{text: "variable \"n\" {}\n" + lab + bundle + twice + `output "v" { value = module.m["a"].version }`, files: etcd, static: true}.build(t)
	if len(diags) > 0 {
		t.Errorf("a static plan has problems:\n%s", rendered(diags, files))
	}
}
