package acceptance

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestA76_LanguageErrors(t *testing.T) {
	const right = `
variable "text" {
  type    = string
  default = "a"
}
step "run" "first" {
  local   = true
  command = ["echo", var.text]
}
step "run" "second" {
  local   = true
  command = ["echo", step.first.stdout]
}
`
	cases := []struct {
		name, old, new string
		line, column   int
		says           []string
	}{
		{"unknown argument", "local   = true\n  command = [\"echo\", var.text]", "local   = true\n  comand = [\"echo\", var.text]", 7, 3, []string{"comand", `"command"`}},
		{"unknown attribute", "step.first.stdout", "step.first.stdot", 11, 0, []string{"stdot", "stdout"}},
		{"undefined reference", "step.first.stdout", "step.frist.stdout", 11, 0, []string{"frist", `"first"`}},
		{"undefined variable", "var.text", "var.txt", 7, 0, []string{"txt", `"text"`}},
		{"wrong type", `["echo", var.text]`, `true`, 7, 0, []string{"command", "bool", "list"}},
		{"cycle", `["echo", var.text]`, `["echo", step.second.stdout]`, 7, 0, []string{"step.first", "step.second", "wrong.hcl:11"}},
		{"syntax", `["echo", var.text]`, `["echo", `, 8, 0, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(right, c.old) != 1 {
				t.Fatalf("%q does not stand once in the workflow", c.old)
			}
			s := newSandbox(t)
			file := s.write("wrong.hcl", strings.Replace(right, c.old, c.new, 1)[1:])
			for _, command := range []string{"validate", "plan", "run"} {
				s.want(wrongInput, command, file).says(t, append([]string{"wrong.hcl line"}, c.says...)...)
			}
			first := s.diagnostics(file)[0]
			if first.Range.Filename != "wrong.hcl" || first.Range.Start.Line != c.line || first.Range.Start.Column == 0 {
				t.Errorf("got place %+v, want wrong.hcl line %d", first.Range, c.line)
			}
			if c.column > 0 && first.Range.Start.Column != c.column {
				t.Errorf("got column %d, want %d", first.Range.Start.Column, c.column)
			}
		})
	}

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		file := s.write("right.hcl", right)
		s.pass("validate", file)
		s.pass("run", file)
		// A run that fails has another exit code than a file that is wrong.
		s.want(stepFailed, "run", s.write("fails.hcl", strings.Replace(right, `"echo", var.text`, `"false"`, 1)))
	})
}

type diagnostic struct {
	Severity, Summary, Detail string
	Range                     struct {
		Filename string
		Start    struct{ Line, Column int }
	}
}

// diagnostics are those of validate --json.
func (s *sandbox) diagnostics(file string) []diagnostic {
	s.t.Helper()
	var v struct {
		Valid       bool
		Diagnostics []diagnostic
	}
	r := s.want(wrongInput, "validate", "--json", file)
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || v.Valid || len(v.Diagnostics) == 0 {
		s.t.Fatalf("validate --json: %v, %s", err, r)
	}
	return v.Diagnostics
}
