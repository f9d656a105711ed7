package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
)

// What everybody sees must not hang on a secret.
func TestRule23_SecretsAreRefusedWhereTheyShow(t *testing.T) {
	const secret = `
variable "pw" {
  sensitive = true
  default   = "hush"
}
variable "n" {
  sensitive = true
  default   = 2
}
`
	in := func(name string) []string { return []string{`Sensitive value in "` + name + `"`, "nonsensitive(...)"} }
	run := func(argument string) string {
		return secret + "step \"run\" \"x\" {\n  command = [\"a\"]\n  " + argument + "\n}\n"
	}
	checkMistakes(t, []mistake{
		{name: "description", text: run(`description = "with ${var.pw}"`), line: 12, want: in("description")},
		{name: "verifies", text: run("verifies = var.pw"), line: 12, want: in("verifies")},
		{name: "locks", text: run("locks = [var.pw]"), line: 12, want: in("locks")},
		{name: "timeout", text: run(`timeout = "${var.n}s"`), line: 12, want: in("timeout")},
		{name: "max_parallel", text: run("max_parallel = var.n"), line: 12, want: in("max_parallel")},
		{name: "retry", text: run("retry {\n attempts = var.n\n}"), line: 13, want: in("attempts")},
		{name: "command line", text: run("user = var.pw"), line: 12, want: []string{`Sensitive value in "user"`, "command line", "`env`"}},
		{name: "roles", text: secret + "cluster \"d\" {\n  roles = { a = var.n }\n}\n", line: 11, want: in("roles")},
		{name: "node", text: run("node = cluster.c.master[var.n - 2]"), line: 12, want: in("node")},
		{name: "nodes", text: run(`nodes = [for n in cluster.c.nodes : n if n.name != var.pw]`), line: 12, want: []string{"Sensitive keys"}},
	})
}

// What does not fit is told without its value.
func TestWrongValuesThatAreSecretAreNotShown(t *testing.T) {
	const secret = `
variable "pw" {
  sensitive = true
  default   = "hush"
}
variable "n" {
  sensitive = true
  default   = 4711
}
`
	cases := []mistake{
		{name: "duration", text: "step \"run\" \"x\" {\n  command = [\"a\"]\n  timeout = var.pw\n}", want: []string{`Wrong value for "timeout"`, `"90s"`}},
		{name: "duration without a unit", text: "step \"run\" \"x\" {\n  command = [\"a\"]\n  timeout = var.n\n}", want: []string{`Write "5s" for seconds`}},
		{name: "one of several", text: "step \"run\" \"x\" {\n  command = [\"a\"]\n  when = var.pw\n}", want: []string{"There are on_success, on_failure, always."}},
		{name: "path", text: "step \"copy\" \"x\" {\n  node = cluster.c.master[0]\n  source = var.pw\n  destination = \"/a\"\n}", want: []string{"The path is sensitive", "relative to /"}},
		{name: "cluster", text: `step "destroy" "x" { cluster = var.pw }`, want: []string{"Not a cluster"}},
	}
	for i := range cases {
		cases[i].text = secret + cases[i].text
		_, diags, files := request{text: lab + cases[i].text}.build(t)
		for _, shown := range []string{"hush", "4711"} {
			for line := range strings.Lines(rendered(diags, files)) {
				if strings.Contains(line, shown) && !strings.Contains(line, "default") {
					t.Errorf("%s: a message shows the secret: %s", cases[i].name, line)
				}
			}
		}
	}
	checkMistakes(t, cases)
}

// A step that says `sensitive = true` keeps to itself what it prints.
func TestSensitiveSteps(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "token" {
  command   = ["a"]
  sensitive = true
}
step "run" "open" {
  command = ["a"]
}
step "run" "user" {
  script = "login ${step.token.stdout} ${step.open.stdout} ${step.token.exit_code}"
}
output "code" {
  value = step.token.exit_code
}
`)
	for id, want := range map[dag.ID]bool{"step.token": true, "step.open": false} {
		i := p.Graph.Value(id)
		if i.Sensitive != want || i.Type.Outputs[0].Sensitive != want || i.Type.Outputs[1].Sensitive {
			t.Errorf("%s: sensitive is %t, its outputs are %+v; want %t", id, i.Sensitive, i.Type.Outputs, want)
		}
	}
	configure(t, p, "step.user", &facts{outputs: map[dag.ID]cty.Value{"step.token": ran("s3cret"), "step.open": ran("plain")}})
	if got, want := p.Secrets(), []string{"s3cret"}; !slices.Equal(got, want) {
		t.Errorf("secrets %q, want %q", got, want)
	}
	checkMistakes(t, []mistake{
		{name: "no literal", text: "step \"run\" \"x\" {\n  command = [\"a\"]\n  sensitive = var.x\n}\n", want: []string{"References are not allowed here", "sensitive = var.x"}},
		{name: "output", text: "step \"run\" \"x\" {\n  command = [\"a\"]\n  sensitive = true\n}\noutput \"o\" {\n  value = step.x.stdout\n}\n", line: 6, want: []string{`Output "o" shows a secret`}},
	})
}

// Of a script with a secret in it only that is one: the other lines of the
// script must not vanish from every log.
func TestSecretPartsOfTemplates(t *testing.T) {
	const secret = `
variable "pw" {
  sensitive = true
  default   = "hush"
}
`
	p := mustBuild(t, lab+secret+`
step "run" "x" {
  script = <<-EOT
    systemctl restart web
    login ${upper(var.pw)}
    %{if var.pw != ""}logout ${var.pw}%{endif}
  EOT
}`)
	configure(t, p, "step.x", &facts{})
	if got, want := p.Secrets(), []string{"HUSH", "hush", "logout hush"}; !slices.Equal(got, want) {
		t.Errorf("secrets %q, want %q", got, want)
	}
	p = mustBuild(t, lab+secret+`
step "run" "x" {
  script = upper("a line\nwith ${var.pw}")
}`)
	configure(t, p, "step.x", &facts{})
	if got, want := p.Secrets(), "A LINE\nWITH HUSH"; !slices.Contains(got, want) {
		t.Errorf("secrets %q, want %q among them", got, want)
	}
}
