package dsl

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

func TestValidate(t *testing.T) {
	secret := cty.StringVal("hush").Mark(Sensitive)
	tests := []struct {
		name, condition, message string
		value                    cty.Value
		want                     []string // nothing means that the value is valid
	}{
		{"true", `var.x > 2`, `"no"`, cty.NumberIntVal(3), nil},
		{"false", `var.x > 2`, `"It is ${var.x}, not more than ${var.other}."`, cty.NumberIntVal(2),
			[]string{`Invalid value for variable "x"`, "It is 2, not more than 7.", "with var.x = 2", "condition     = var.x > 2"}},
		{"a function", `can(regex("^a", var.x))`, `"It begins with a."`, cty.StringVal("b"), []string{"It begins with a."}},
		{"unknown", `var.x > 2`, `"no"`, cty.UnknownVal(cty.Number), nil},
		{"unknown of any type", `var.x.y`, `"no"`, cty.DynamicVal, nil},
		{"null", `var.x > 2`, `"no"`, cty.NullVal(cty.Number), []string{"null"}},
		{"null is checked for", `var.x != null`, `"It must not be null."`, cty.NullVal(cty.Number), []string{"It must not be null."}},
		{"different types", `var.x == 2`, `"no"`, cty.StringVal("2"), []string{"Comparison of different types"}},
		{"no condition", `var.x`, `"no"`, cty.NumberIntVal(3), []string{"The condition is neither true nor false", "length(var.x) > 0; this is the number 3."}},
		{"a null condition", `var.x`, `"no"`, cty.NullVal(cty.Bool), []string{"The condition is neither true nor false"}},
		{"no text", `var.x > 2`, `var.other`, cty.NumberIntVal(2), []string{"The error_message is no text", "this is the number 7"}},
		{"broken message", `var.x > 2`, `var.none`, cty.NumberIntVal(2), []string{`This object does not have an attribute named "none"`}},
		{"another root", `var.x > step.y.z`, `"no"`, cty.NumberIntVal(2), []string{"There is no step in this place."}},
		{"secret", `length(var.x) > 9`, `"It is too short."`, secret, []string{"It is too short.", "var.x = (sensitive)"}},
		{"secret in the message", `length(var.x) > 9`, `"not ${var.x}"`, secret, []string{"The error_message is withheld"}},
		{"secret condition", `var.x`, `"no"`, secret, []string{"this is a sensitive string"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := load(t, map[string]string{"a.hcl": "variable \"x\" {\n  validation {\n    condition     = " + test.condition + "\n    error_message = " + test.message + "\n  }\n}\n"})
			ctx := &hcl.EvalContext{
				Functions: Functions(Host{}),
				Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{"x": test.value, "other": cty.NumberIntVal(7)})},
			}
			diags := w.Variables[0].Validate(ctx)
			var shown strings.Builder
			Render(&shown, diags, w.Files, RenderOptions{})
			if len(diags) > 1 || diags.HasErrors() != (test.want != nil) || strings.Contains(shown.String(), "hush") {
				t.Errorf("got %d diagnostics, want one with %q:\n%s", len(diags), test.want, shown.String())
			}
			for _, want := range test.want {
				if !strings.Contains(shown.String(), want) {
					t.Errorf("got no %q in\n%s", want, shown.String())
				}
			}
		})
	}
}

// A refusal that says nothing helps nobody.
func TestEmptyErrorMessage(t *testing.T) {
	text := "variable \"x\" {\n  validation {\n    condition     = var.x != \"\"\n    error_message = \" \"\n  }\n}\n"
	_, diags := Load(disk(map[string]string{"a.hcl": text}), "/w", nil)
	if len(diags) != 1 || diags[0].Summary != "The error_message is empty" || diags[0].Subject.Start.Line != 4 {
		t.Errorf("got %v, want only that the error_message in line 4 is empty", diags)
	}
}
