package dsl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// validations reads the validation blocks of a variable, without those that
// lack something: that has been reported.
func (d *decoder) validations(variable string, blocks hcl.Blocks) []*Validation {
	var all []*Validation
	for _, block := range blocks {
		attrs := d.arguments(block.Body, validationArguments, validationArguments...)
		v := &Validation{Condition: d.expr(attrs["condition"]), ErrorMessage: d.expr(attrs["error_message"]), Range: block.DefRange}
		if v.Condition == nil || v.ErrorMessage == nil {
			continue
		}
		if !slices.ContainsFunc(References(v.Condition), func(ref Reference) bool { return ref.Root == "var" && ref.Name == variable }) {
			d.problem(v.Condition.Range(), "The condition checks something else", "A validation is about its variable: write a condition with var.%s in it.", variable)
			continue
		}
		if text, _ := v.ErrorMessage.Value(nil); isString(text) && text.IsKnown() && !text.IsNull() && strings.TrimSpace(text.AsString()) == "" {
			d.problem(v.ErrorMessage.Range(), "The error_message is empty", "Write a sentence that says what var.%s must be.", variable)
			continue
		}
		all = append(all, v)
	}
	return all
}

// Validate holds the value that a variable has against its validations. The
// context has all variables as var, and the functions of the directory that
// declares them. Conditions that are not known yet are passed over.
func (v *Variable) Validate(ctx *hcl.EvalContext) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, check := range v.Validations {
		diags = append(diags, v.validate(check, ctx)...)
	}
	return diags
}

func (v *Variable) validate(check *Validation, ctx *hcl.EvalContext) hcl.Diagnostics {
	result, diags := EvaluateStrict(check.Condition, ctx)
	if diags.HasErrors() {
		return diags
	}
	bare, _ := result.Unmark()
	if bare.Type() != cty.Bool && bare.Type() != cty.DynamicPseudoType || bare.IsNull() {
		return append(diags, problem(check.Condition.Range(), "The condition is neither true nor false",
			"The condition of a validation is a comparison, such as length(var.%s) > 0; this is %s.", v.Name, withType(result)))
	}
	if !bare.IsKnown() || bare.True() {
		return diags
	}
	message, diags := v.message(check, ctx)
	if diags.HasErrors() {
		return diags
	}
	d := problem(check.Condition.Range(), fmt.Sprintf("Invalid value for variable %q", v.Name), "%s", message)
	d.Expression, d.EvalContext = check.Condition, ctx
	return append(diags, d)
}

// message is the text of a validation that failed.
func (v *Variable) message(check *Validation, ctx *hcl.EvalContext) (string, hcl.Diagnostics) {
	text, diags := EvaluateStrict(check.ErrorMessage, ctx)
	switch {
	case diags.HasErrors():
		return "", diags
	case text.ContainsMarked():
		return "The value does not fit. The error_message is withheld, because it has something sensitive in it.", diags
	case text.IsNull() || !text.IsKnown() || !isString(text):
		return "", append(diags, problem(check.ErrorMessage.Range(), "The error_message is no text", "Write a sentence that says what var.%s must be; this is %s.", v.Name, withType(text)))
	}
	return text.AsString(), diags
}
