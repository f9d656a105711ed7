package dsl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mistake is a workflow with what must be said of it.
type mistake struct {
	name  string
	files map[string]string
	want  []string
}

// checkMistakes looks for exactly one diagnostic in each workflow.
func checkMistakes(t *testing.T, cases []mistake) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, diags := Load(disk(c.files), "/w", nil)
			if !diags.HasErrors() && len(w.Outputs) == 1 {
				_, diags = EvaluateStrict(w.Outputs[0].Value, testContext(w))
			}
			var b strings.Builder
			Render(&b, diags, w.Files, RenderOptions{})
			if len(diags) != 1 {
				t.Errorf("got %d diagnostics, want 1:\n%s", len(diags), b.String())
			}
			for _, want := range c.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("got no %q in:\n%s", want, b.String())
				}
			}
		})
	}
}

func TestRule04_ListsOfReferencesAreLiteral(t *testing.T) {
	step := func(argument string) map[string]string {
		return map[string]string{"a.hcl": "step \"run\" \"x\" {\n  " + argument + "\n}\n"}
	}
	checkMistakes(t, []mistake{
		{"a local", step("depends_on = local.all"), []string{"a.hcl line 2", "depends_on is no list", "depends_on = [step.a, step.b[node.name]]", "literally"}},
		{"a call", step("during = concat([step.a], [step.b])"), []string{"during is no list", "during = [step.a, step.b[node.name]]"}},
		{"a loop", step(`depends_on = [for k in ["a"] : step.a[k]]`), []string{"depends_on is no list", "literally"}},
		{"one step", step("depends_on = step.a"), []string{"depends_on is no list"}},
		{"quotes", step(`depends_on = ["step.a"]`), []string{"Not a reference", "such as step.a or step.a[node.name]", "Leave out the quotes."}},
		{"a choice", step(`depends_on = [var.b ? step.a : step.b]`), []string{"Not a reference", "as it is"}},
		{"in a group", map[string]string{"a.hcl": `group "g" {
  during = local.all
  step "run" "x" {}
}`}, []string{"during is no list"}},
	})
}

func TestRule22_ScriptsInTemplates(t *testing.T) {
	output := func(text string) map[string]string {
		return map[string]string{"a.hcl": "output \"x\" {\n  value = " + text + "\n}\n"}
	}
	escapes := []string{"$${NAME}", "%%{name}", "keep the script in a file and use file()"}
	checkMistakes(t, []mistake{
		{"a variable of the shell", output("<<-EOT\n    echo ${HOST}\n  EOT"), append(escapes, `Unknown name "HOST"`)},
		{"a default", output("<<-EOT\n    echo ${HOST:-localhost}\n  EOT"), escapes},
		{"a format of curl", output("<<-EOT\n    curl -w '%{http_code}' $URL\n  EOT"), escapes},
		{"in quotes", output(`"echo ${HOST}"`), append(escapes, `Unknown name "HOST"`)},
	})
	w := load(t, output("<<-EOT\n    echo $${HOST} %%{http_code} $HOME $(date) ${var}\n  EOT"))
	if len(References(w.Outputs[0].Value)) != 1 {
		t.Errorf("got the references %v, want only var", References(w.Outputs[0].Value))
	}
	w = load(t, output("\"$${HOST} %%{http_code} $HOME $(date)\""))
	v, diags := EvaluateStrict(w.Outputs[0].Value, testContext(w))
	if want := "${HOST} %{http_code} $HOME $(date)"; diags.HasErrors() || v.AsString() != want {
		t.Errorf("got %#v, %v, want %q", v, diags, want)
	}
}

func TestRule24_RefusedNames(t *testing.T) {
	module := func(variable string) map[string]string {
		return map[string]string{
			"a.hcl":     "module \"m\" {\n  source = \"./lib\"\n}\n",
			"lib/a.hcl": "variable \"" + variable + "\" {}\n",
		}
	}
	var cases []mistake
	for _, name := range []string{"source", "for_each", "max_parallel", "depends_on", "during", "enabled", "retry"} {
		cases = append(cases, mistake{"variable " + name, module(name), []string{
			"lib/a.hcl line 1", `Variable "` + name + `" in a module`, "called as a module at a.hcl:1", "Give the variable another name."}})
	}
	checkMistakes(t, append(cases,
		mistake{"axis exclude", map[string]string{"a.hcl": "matrix {\n  size    = [1]\n  exclude = [1]\n}"},
			[]string{"a.hcl line 3", `No axis "exclude"`, "Give an axis another name."}},
		mistake{"axis max_parallel", map[string]string{"a.hcl": "matrix {\n  size         = [1]\n  max_parallel = [1]\n}"},
			[]string{"a.hcl line 3", `No axis "max_parallel"`, "Give the axis another name."}},
	))
	// A variable that is called so matters only in a module.
	load(t, map[string]string{"a.hcl": `variable "source" { default = 1 }`})
	// The variable of a for expression may be called like a root.
	w := load(t, map[string]string{"a.hcl": `output "x" { value = [for step in ["a"] : upper(step)] }`})
	v, diags := EvaluateStrict(w.Outputs[0].Value, testContext(w))
	if diags.HasErrors() || ValueText(v) != `["A"]` || len(References(w.Outputs[0].Value)) != 0 {
		t.Errorf("got %s, %v and the references %v, want [\"A\"] and none", ValueText(v), diags, References(w.Outputs[0].Value))
	}
}

func TestRule25_FilesOfADirectory(t *testing.T) {
	w := load(t, map[string]string{
		"b.hcl":        `step "run" "third" {}`,
		"a.hcl.json":   `{"step": {"run": {"second": {"depends_on": ["step.first"], "during": ["step.third"]}}}}`,
		"a.hcl":        `step "run" "first" {}`,
		"x.vars.hcl":   `n = 4`,
		"y.lock.hcl":   `broken {`,
		"sub/file.hcl": `broken {`,
		"z.json":       `{"step": 1}`,
	})
	var got []string
	for _, s := range w.Steps {
		got = append(got, s.Name+" in "+s.Range.Filename)
	}
	if diff := cmp.Diff([]string{"first in a.hcl", "second in a.hcl.json", "third in b.hcl"}, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	meta := w.Steps[1].Meta
	if len(meta.DependsOn) != 1 || meta.DependsOn[0].Name != "first" || len(meta.During) != 1 || meta.During[0].Name != "third" {
		t.Errorf("got depends_on %v and during %v, want step.first and step.third", meta.DependsOn, meta.During)
	}
	checkMistakes(t, []mistake{
		{"a template for a reference", map[string]string{"a.hcl.json": `{"step": {"run": {"x": {"depends_on": ["${step.a}"]}}}}`},
			[]string{"Not a reference", "Leave out the ${ }"}},
	})
}
