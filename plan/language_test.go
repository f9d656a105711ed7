package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/schema"
)

// instances lists the instances of a step in the order in which they would
// start.
func instances(p *Plan, step string) []string {
	var keys []string
	for _, id := range p.Graph.IDs() {
		if i := p.Graph.Value(id); i.Step == step && i.Kind == Work {
			keys = append(keys, i.Key)
		}
	}
	return keys
}

// Also what loops look at is checked before the keys are known.
func TestRule03_LoopsOverLateKeys(t *testing.T) {
	const late = twoSteps + `group "g" {
  for_each = toset(split(",", step.one.stdout))
  step "run" "x" { command = [each.key] }
}
step "run" "late" {
  nodes   = [for n in cluster.c.nodes : n if n.name == step.one.stdout]
  command = ["a"]
}
`
	use := func(expr string) string { return late + "output \"o\" { value = " + expr + " }\n" }
	mustBuild(t, lab+use(`[for k, v in group.g : "${k} ${v.x.stdout}"]`))
	checkMistakes(t, []mistake{
		{name: "splat", text: use("values(step.late)[*].stdot"), line: 15, want: []string{"No such attribute or key", `Did you mean "stdout"?`, "exit_code, stdout, token"}},
		{name: "for", text: use("[for k, o in step.late : o.stdot]"), line: 15, want: []string{`Did you mean "stdout"?`}},
		{name: "in a group", text: use("{ for k, v in group.g : k => v.x.stdot }"), line: 15, want: []string{`Did you mean "stdout"?`}},
		{name: "comparison", text: use(`alltrue([for v in values(group.g) : v.x.exit_code == "0"])`), line: 15, want: []string{"Comparison of different types"}},
	})
}

func TestRule08_InstancesAreInListOrder(t *testing.T) {
	p := mustBuild(t, strings.Replace(lab, "agent = 1", "agent = 11", 1)+`
step "run" "nodes" {
  nodes   = cluster.c.agent
  command = ["a"]
}
step "run" "map" {
  for_each = { b = 1, a = 2, c = 3 }
  command  = ["a"]
}
step "run" "list" {
  for_each = ["z", "y", "x"]
  command  = ["a"]
}`)
	agents := instances(p, "nodes")
	if slices.Index(agents, "agent-2") > slices.Index(agents, "agent-10") || len(agents) != 11 {
		t.Errorf("the instances on nodes are %q, want agent-2 before agent-10", agents)
	}
	for step, want := range map[string][]string{"map": {"a", "b", "c"}, "list": {"z", "y", "x"}} {
		if got := instances(p, step); !slices.Equal(got, want) {
			t.Errorf("the instances of %s are %q, want %q", step, got, want)
		}
	}
}

func TestRule17_NullMayBeCompared(t *testing.T) {
	p := mustBuild(t, lab+twoSteps+`
step "run" "off" {
  enabled = false
  command = ["a"]
}
step "assert" "x" { condition = step.off.stdout == null && step.one.stdout != null && try(step.off.exit_code, null) != 3 }`)
	f := &facts{outputs: map[dag.ID]cty.Value{"step.one": ran("a"), "step.off": ran("off")}}
	f.outputs["step.off"] = cty.ObjectVal(map[string]cty.Value{
		"stdout": cty.NullVal(cty.String), "exit_code": cty.NullVal(cty.Number), "token": cty.NullVal(cty.String),
	})
	e := schema.ExpressionOf(configure(t, p, "step.x", f).GetAttr("condition"))
	if v, _, err := e.Eval(cty.EmptyObjectVal); err != nil || !v.True() {
		t.Errorf("comparisons with null give %#v, %v; want true", v, err)
	}
	checkMistakes(t, []mistake{
		{name: "never true", text: twoSteps + `step "assert" "x" { condition = step.one.stdout == 0 }`, line: 7, want: []string{
			"Comparison of different types", "The left side is a string", "the number 0"}},
		{name: "never false", text: twoSteps + `step "assert" "x" { condition = step.one.exit_code != true }`, want: []string{
			"Comparison of different types", "true"}},
	})
}

func TestRule18_Variables(t *testing.T) {
	const declared = lab + `
step "run" "one" {
  nodes   = cluster.c.nodes
  command = ["a"]
}
variable "text" {}
variable "typed" {
  type    = string
  default = "a"
}
variable "number" { default = 1 }
variable "list" { default = ["a"] }
variable "object" {
  type    = object({ name = string, port = optional(number, 80) })
  default = { name = "a" }
}`
	given := func(values map[string]string) map[string]Given {
		all := map[string]Given{}
		for name, text := range values {
			all[name] = Given{Text: &text, Origin: "--var"}
		}
		return all
	}
	p := request{text: declared, values: given(map[string]string{
		"text": "1.10", "typed": "2.0", "number": "3", "list": `["x", "y"]`, "object": `{ name = "b" }`,
	})}.mustBuild(t)
	got := map[string]cty.Value{}
	for _, v := range p.Variables {
		got[v.Name] = v.Value
	}
	for name, want := range map[string]cty.Value{
		"text": cty.StringVal("1.10"), "typed": cty.StringVal("2.0"), "number": cty.NumberIntVal(3),
		"object": cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("b"), "port": cty.NumberIntVal(80)}),
	} {
		if !got[name].RawEquals(want) {
			t.Errorf("var.%s is %#v, want %#v", name, got[name], want)
		}
	}
	if list := got["list"]; list.LengthInt() != 2 {
		t.Errorf("var.list is %#v, want two texts", list)
	}
	for _, c := range []struct{ name, value, want string }{
		{"number", "many", `--var gives "many", which cannot be read as number; write it as in a file, such as --var 'number=3'`},
		{"list", "a,b", `--var gives "a,b"`},
		{"object", `{ name = "b", prot = 1 }`, `var.object has no attribute "prot"; it has name, port. Did you mean "port"?`},
		{"object", `{ port = 1 }`, `name`},
		{"object", `{ name = 1.10 }`, `1.10`},
	} {
		_, diags, files := request{text: declared, values: given(map[string]string{"text": "x", c.name: c.value})}.build(t)
		shown := rendered(diags, files)
		if len(diags) != 1 || !strings.Contains(shown, fmt.Sprintf("Invalid value for variable %q", c.name)) || !strings.Contains(shown, c.want) {
			t.Errorf("%s = %s gives, want one with %q:\n%s", c.name, c.value, c.want, shown)
		}
	}
}

func TestRule18_NumbersAmongMetaArguments(t *testing.T) {
	run := func(line string) string { return "step \"run\" \"x\" {\n  command = [\"a\"]\n  " + line + "\n}" }
	want := []string{"A number where text is wanted", `so that it stays as it is: "1.10".`}
	checkMistakes(t, []mistake{
		{name: "description", text: run("description = 1.10"), line: 3, want: want},
		{name: "verifies", text: run("verifies = 1.10"), line: 3, want: want},
		{name: "locks", text: run(`locks = ["a", 1.10]`), line: 3, want: want},
		{name: "of a group", text: "group \"g\" {\n  description = 1.10\n  step \"run\" \"x\" { command = [\"a\"] }\n}", line: 2, want: want},
	})
}

func TestRule21_RolesAreKnownBeforeTheirCounts(t *testing.T) {
	const sized = `variable "n" { type = number }
backend "docker" "a" {}
cluster "c" {
  roles = { master = var.n, agent = 2 }
}
`
	const right = sized + `step "run" "x" {
  nodes   = cluster.c.master
  command = [node.ip, cluster.c.agent[0].name, length(cluster.c.nodes)]
}
`
	if _, diags, files := (request{text: right, static: true}).build(t); diags.HasErrors() {
		t.Errorf("without a count there are errors:\n%s", rendered(diags, files))
	}
	for _, c := range []struct{ old, misspelt, want string }{
		{"cluster.c.master\n", "cluster.c.mastr\n", `cluster.c has no attribute "mastr"; it has agent, master, name, nodes. Did you mean "master"?`},
		{"agent[0].name", "agent[0].nam", `has no attribute "nam"`},
	} {
		_, diags, files := request{text: strings.Replace(right, c.old, c.misspelt, 1), static: true}.build(t)
		if shown := rendered(diags, files); len(diags) != 1 || !strings.Contains(shown, c.want) {
			t.Errorf("got, want one error with %s:\n%s", c.want, shown)
		}
	}
}

func TestRule21_AddressesAreUnknown(t *testing.T) {
	p := mustBuild(t, lab+`step "run" "x" {
  nodes   = cluster.c.master
  command = [node.ip, node.name]
}
step "run" "late" {
  for_each = toset(cluster.c.master[*].ip)
  command  = [each.key]
}`)
	if !p.Graph.Has("step.late[*]") {
		t.Errorf("a fan-out over addresses is known before the run: %v", p.Graph.IDs())
	}
}

func TestRule22_SecretsAreOnNoCommandLine(t *testing.T) {
	const secret = `variable "pw" {
  sensitive = true
  default   = "hush"
}
`
	checkMistakes(t, []mistake{{name: "user", text: secret + "step \"run\" \"x\" {\n  command = [\"a\"]\n  user    = var.pw\n}", line: 7,
		want: []string{`Sensitive value in "user"`, "command line", "through `env`"}}})
	p := mustBuild(t, lab+secret+"step \"run\" \"x\" {\n  command = [\"a\"]\n  env     = { PW = var.pw }\n}")
	if got := configure(t, p, "step.x", &facts{}).GetAttr("env").Index(cty.StringVal("PW")).AsString(); got != "hush" {
		t.Errorf("the environment has %q, want the secret", got)
	}
}

func TestRule24_NoLoops(t *testing.T) {
	run := func(line string) string { return "step \"run\" \"x\" {\n  command = [\"a\"]\n  " + line + "\n}" }
	group := func(line string) string {
		return "group \"g\" {\n  step \"run\" \"x\" { command = [\"a\"] }\n  " + line + "\n}"
	}
	checkMistakes(t, []mistake{
		{name: "count", text: run("count = 2"), line: 3, want: []string{`Unknown argument "count"`, "numbered instances change their names", "Write for_each with a name for each"}},
		{name: "loop", text: run("loop = 2"), line: 3, want: []string{`Unknown argument "loop"`, "There are no loops."}},
		{name: "while", text: run("while = true"), line: 3, want: []string{`Unknown argument "while"`, "There are no loops."}},
		{name: "dynamic", text: run(`dynamic "env" {}`), line: 3, want: []string{`Unknown block "dynamic"`, "Write the blocks out"}},
		{name: "count of a group", text: group("count = 2"), line: 3, want: []string{`Unknown argument "count"`, "Write for_each with a name for each"}},
		{name: "loop of a group", text: group("loop = 2"), line: 3, want: []string{`Unknown argument "loop"`, "There are no loops."}},
		{name: "dynamic in a group", text: group(`dynamic "step" {}`), line: 3, want: []string{`Unknown block "dynamic"`, "Write the blocks out"}},
	})
}

func TestRule25_EdgesOfJSON(t *testing.T) {
	const lib = `variable "text" {}
step "run" "inner" { command = [var.text] }
output "out" { value = step.inner.stdout }
`
	native := request{files: map[string]string{"lib/a.hcl": lib}, text: `
backend "docker" "a" {}
cluster "c" { roles = { m = 2 } }
step "run" "one" {
  nodes   = cluster.c.m
  command = ["a"]
}
step "run" "two" {
  nodes      = cluster.c.m
  command    = [step.one[node.name].stdout]
  depends_on = [step.one]
  during     = [step.writer]
}
step "run" "writer" {
  background = true
  command    = ["a"]
}
group "g" {
  nodes  = cluster.c.m
  during = [step.writer]
  step "run" "inside" {
    node    = "${node}"
    command = ["${step.two[node.name].stdout}"]
  }
}
module "m" {
  source     = "./lib"
  text       = group.g["m-0"].inside.stdout
  depends_on = [step.two]
}
step "run" "last" { command = [module.m.out] }
`}.mustBuild(t)
	p := request{json: true, files: map[string]string{"lib/a.hcl": lib}, text: `{
  "backend": {"docker": {"a": {}}},
  "cluster": {"c": {"roles": {"m": 2}}},
  "step": {"run": {
    "one": {"nodes": "${cluster.c.m}", "command": ["a"]},
    "two": {"nodes": "${cluster.c.m}", "command": ["${step.one[node.name].stdout}"], "depends_on": ["step.one"], "during": ["step.writer"]},
    "writer": {"background": true, "command": ["a"]},
    "last": {"command": ["${module.m.out}"]}
  }},
  "group": {"g": {
    "nodes": "${cluster.c.m}", "during": ["step.writer"],
    "step": {"run": {"inside": {"node": "${node}", "command": ["${step.two[node.name].stdout}"]}}}
  }},
  "module": {"m": {"source": "./lib", "text": "${group.g[\"m-0\"].inside.stdout}", "depends_on": ["step.two"]}}
}`}.mustBuild(t)
	checkEdges(t, p, `step.two["m-1"]`, `step.one["m-1"]`, "step.one", `provision.c["m-1"]`, "step.writer:start")
	checkEdges(t, p, `group.g["m-0"]:begin`, "step.writer:start", `step.two["m-0"]`, `provision.c["m-0"]`)
	for _, id := range native.Graph.IDs() {
		if !p.Graph.Has(id) || !slices.Equal(sorted(edges(p, id)), sorted(edges(native, id))) {
			t.Errorf("%s waits in JSON for\n got %q\nwant %q", id, edges(p, id), edges(native, id))
		}
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
