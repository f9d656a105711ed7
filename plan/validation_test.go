package plan

import "testing"

// What a validation cannot see is told also when its condition holds.
func TestTextOfValidations(t *testing.T) {
	variable := func(condition, message string) string {
		return "variable \"x\" {\n  default = { a = 1 }\n  validation {\n    condition     = " + condition + "\n    error_message = " + message + "\n  }\n}\n"
	}
	const fine, axis = "var.x.a == 1", "matrix { m = [1] }\n"
	only := "it can use only var and functions"
	checkMistakes(t, []mistake{
		{name: "matrix", text: variable("var.x.a == matrix.m", `"no"`) + axis, line: 4, want: []string{`No "matrix" here`, only}},
		{name: "local in the message", text: variable(fine, `"not ${local.y}"`) + "locals { y = 1 }\n", line: 5, want: []string{`No "local" here`, only}},
		{name: "step in both", text: variable("var.x.a == step.one.exit_code", `"not ${step.one.stdout}"`) + twoSteps, line: 4, count: 2, want: []string{`No "step" here`}},
		{name: "unknown variable", text: variable(fine, `"not ${var.xx}"`), line: 5, want: []string{`Unknown variable "xx"`, "There is x."}},
		{name: "unknown attribute", text: variable(fine, `"not ${var.x.b}"`), line: 5, want: []string{`var.x has no attribute "b"; it has a.`}},
		{name: "unknown name", text: variable(fine, `"not ${vat.x}"`), line: 5, want: []string{`Unknown name "vat"`, `Did you mean "var"?`}},
		{name: "in a module", text: "module \"m\" { source = \"./in\" }\n", files: map[string]string{"in/main.hcl": variable("var.x.a == node.index", `"no"`)},
			want: []string{`No "node" here`, only, "in/main.hcl line 4"}},
	})
}
