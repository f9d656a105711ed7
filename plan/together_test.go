package plan

import "testing"

func TestMistakesOfTheLoaderDoNotHideThoseOfThePlan(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "wrong default", text: `variable "n" {
  type    = number
  default = "x"
}
cluster "more" { roles = { m = var.n } }
step "run" "a" {
  node   = cluster.c.master[0]
  comand = ["a"]
}`, line: 3, count: 2, want: []string{`Invalid value for variable "n"`, `Did you mean "command"?`}},
		{name: "duplicate step", text: twoSteps + `step "run" "one" { command = [step.many.stdot] }
step "run" "x" { command = [step.one.stdot] }`, line: 7, count: 3, want: []string{
			`Duplicate step "one"`, `step.many is a "run" step; its outputs`, `step.one is a "run" step; its outputs`}},
		{name: "misspelt block", text: `stpe "run" "a" { command = ["a"] }
step "run" "b" { command = [step.a.stdot] }`, line: 1, count: 2, want: []string{`Did you mean "step"?`, "Unknown output"}},
		{name: "broken keys", text: `step "run" "a" {
  for_each = ["k", "k"]
  command  = each.key
  timeout  = 5
}`, line: 2, count: 3, want: []string{"A key twice", `Wrong type for "command"`, `"timeout" needs a unit`}},
		{name: "step in an early argument", text: twoSteps + `step "run" "a" {
  when    = step.one.stdout
  command = ["a"]
}`, line: 8, want: []string{`"when", which must be known before the run, cannot use "step"`}},
		{name: "misspelt cluster", text: `step "provision" "p" { cluster = cluster.cc }`, line: 1, want: []string{`Unknown cluster "cc"`}},
		{name: "misspelt backend", bare: true, text: `backend "docker" "d" {
  role "m" {}
}
cluster "c" {
  backend = backend.dd
  roles   = { m = 1 }
}`, line: 5, want: []string{`Unknown backend "dd"`}},
		{name: "no such node", text: `step "run" "a" {
  node    = cluster.c.master[9]
  command = ["a"]
}`, line: 2, want: []string{"from [0] to ["}},
		{name: "misspelt argument of a cluster", bare: true, text: `backend "docker" "d" {}
backend "docker" "e" {}
cluster "c" {
  backed = backend.d
  roles  = { m = 1 }
}`, line: 4, want: []string{`Did you mean "backend"?`}},
		{name: "misspelt meta-argument", text: `step "copy" "x" {
  nods        = cluster.c.master
  source      = "here.txt"
  destination = "/${node.name}"
}`, line: 2, want: []string{`Unknown argument "nods"`}},
	})
}

func TestWrongLocalsAreReportedWhereTheyAreDeclared(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "used by a cluster", bare: true, text: `locals { n = tonumber("x") }
backend "docker" "d" { distribution = "debian-${local.n}" }
cluster "c" { roles = { m = local.n } }
step "run" "a" {
  node    = cluster.c.m[0]
  command = ["a"]
}`, line: 1, want: []string{"Invalid function argument"}},
	})
}

// A key that does not exist is told once, where it is written, however many
// named expressions lead to it.
func TestKeysInNamedExpressionsAreToldOnce(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "locals", text: twoSteps + `locals {
  plain = step.many["nope"]
  text  = step.many["none"].stdout
}
step "run" "a" { command = [local.plain.stdout, local.text] }
output "o" { value = "${local.text}${local.plain.stdout}" }`, line: 8, count: 2, want: []string{`no instance "nope"`, `no instance "none"`}},
		{name: "output of a module", text: "module \"m\" { source = \"./in\" }\noutput \"o\" { value = module.m.o }",
			files: map[string]string{"in/main.hcl": `step "run" "a" {
  for_each = ["k"]
  command  = ["a"]
}
output "o" { value = step.a["x"].stdout }`}, want: []string{"in/main.hcl line 5", `no instance "x"; its keys are "k"`}},
	})
}
