package plan

import "testing"

// What follows from a mistake that has been reported is no news.
func TestMistakesHaveNoEchoes(t *testing.T) {
	const during = `step "run" "x" {
  during  = [step.s]
  command = ["a"]
}
`
	checkMistakes(t, []mistake{
		{name: "a type that is no span", text: `step "wait" "s" {
  background = true
  duration   = "5s"
  until {}
}
` + during, line: 2, want: []string{`A "wait" step cannot run in the background`}},
		{name: "misspelt background", text: `step "run" "s" {
  bckground = true
  duration   = "5s"
  command    = ["a"]
}
` + during, line: 2, want: []string{`Did you mean "background"?`}},
		{name: "background that is wrong", text: `step "run" "s" {
  background = var.nix
  command    = ["a"]
}
` + during, line: 2, want: []string{`Unknown variable "nix"`}},
		{name: "a finaliser", text: `step "run" "s" {
  background = true
  when       = "always"
  command    = ["a"]
}
` + during, line: 1, want: []string{"A finaliser that is a span"}},
		{name: "misspelt keys of a group", text: `group "g" {
  for_ech = ["a"]
  step "run" "x" { command = [each.key] }
}
step "run" "y" { command = [each.key] }
`, count: 2, line: 2, want: []string{`Did you mean "for_each"?`, "main.hcl line 10"}},
		{name: "misspelt nodes of a group", text: `group "g" {
  nods = cluster.c.master
  step "copy" "x" {
    node        = node
    source      = "here.txt"
    destination = "/${node.name}"
  }
}
`, line: 2, want: []string{`Did you mean "nodes"?`}},
		{name: "an index of broken keys", text: `step "run" "x" {
  nodes   = cluster.c.mastr
  command = ["a"]
}
group "g" {
  nodes = cluster.c.agnt
  step "run" "y" { command = ["a"] }
}
output "x" { value = step.x["master-0"].stdout }
output "y" { value = group.g["agent-0"].y.stdout }
`, count: 2, want: []string{`Unknown attribute "mastr"`, `Unknown attribute "agnt"`}},
		{name: "max_parallel as an axis", bare: true, text: `matrix {
  size         = [1]
  max_parallel = [1, 2]
}
step "run" "x" { command = [tostring(matrix.size)] }
`, line: 3, want: []string{`No axis "max_parallel"`}},
		{name: "max_parallel misspelt", bare: true, text: `matrix {
  size          = [1]
  max_paralllel = 2
}
step "run" "x" { command = [tostring(matrix.size)] }
`, line: 3, want: []string{`Axis "max_paralllel" is no list`, `Did you mean "max_parallel"?`}},
	})
}

func TestEveryCycleIsShown(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "two, on each node", text: `step "run" "a" {
  nodes   = cluster.c.master
  command = [step.b[node.name].stdout]
}
step "run" "b" {
  nodes      = cluster.c.master
  command    = [step.a[node.name].stdout]
  depends_on = [step.a[node.name]]
}
step "run" "x" { command = [step.y.stdout] }
step "run" "y" { command = [step.x.stdout] }
`, line: 3, count: 2, want: []string{
			`step.a["master-0"] waits for step.b["master-0"] (main.hcl:8)`, `step.b["master-0"] waits for step.a["master-0"] (main.hcl:12)`,
			"step.x waits for step.y (main.hcl:15)", "step.y waits for step.x (main.hcl:16)"}},
		{name: "one in a group and one of spans", text: `step "run" "s" {
  background = true
  command    = ["a"]
}
step "run" "x" {
  during  = [step.s]
  command = [step.s.stdout]
}
group "g" {
  step "run" "y" { command = [step.z.stdout] }
}
step "run" "z" { command = [group.g.y.stdout] }
output "o" { value = cluster.c.name }
`, count: 2, want: []string{
			"step.s waits for step.x (main.hcl:11)", "step.x waits for step.s (main.hcl:12)",
			"group.g waits for step.z (main.hcl:15)", "step.z waits for group.g (main.hcl:17)"}},
	})
}
