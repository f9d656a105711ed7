package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// variables gives every declared variable its value.
func (b *builder) variables() {
	values := map[string]cty.Value{}
	var missing []*dsl.Variable
	for _, v := range b.ev.root.variables.list {
		value, origin, diags := b.variable(v)
		b.report(diags)
		if value == cty.NilVal {
			missing = append(missing, v)
			value = cty.UnknownVal(v.Type)
		}
		if v.Sensitive {
			value = value.Mark(sensitive)
			b.ev.secrets.reveal(value)
		}
		values[v.Name] = value
		// What follows from a value that is missing or wrong is no news.
		b.ev.static = b.ev.static || !value.IsWhollyKnown()
		b.plan.Variables = append(b.plan.Variables, Variable{
			Name: v.Name, Value: value, Sensitive: v.Sensitive, Origin: origin, Outside: b.in.Values[v.Name].Outside,
		})
	}
	b.ev.root.roots["var"] = cty.ObjectVal(values)
	b.validate()
	if len(missing) > 0 && !b.in.Static {
		b.diags = append(b.diags, missingVariables(missing))
	}
	b.undeclared()
}

// validate holds the values against the validations of their variables.
func (b *builder) validate() {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"var": b.ev.root.roots["var"]}, Functions: b.ev.root.functions}
	for _, v := range b.ev.root.variables.list {
		if diags := b.ev.root.validationText(v); diags.HasErrors() {
			b.report(diags)
			continue
		}
		diags := v.Validate(ctx)
		for _, d := range diags {
			if given, ok := b.in.Values[v.Name]; ok {
				d.Detail += fmt.Sprintf(" The value was given by %s.", given.Origin)
			}
		}
		b.report(diags)
	}
}

// variable returns the value of a variable and where it came from; no value
// when nothing gives one.
func (b *builder) variable(v *dsl.Variable) (cty.Value, string, hcl.Diagnostics) {
	given, ok := b.in.Values[v.Name]
	switch {
	case !ok && v.Default != cty.NilVal:
		return v.Default, "default", nil
	case !ok:
		return cty.NilVal, "", nil
	}
	var value cty.Value
	var diags hcl.Diagnostics
	if given.Text != nil {
		value, diags = v.ParseVariable(cmp.Or(given.Origin, "--var"), *given.Text)
	} else {
		value, diags = v.Convert(given.Value, given.Range)
	}
	if diags.HasErrors() {
		value = cty.UnknownVal(v.Type)
	}
	return value, given.Origin, diags
}

// missingVariables is one diagnostic for all variables without a value.
func missingVariables(missing []*dsl.Variable) *hcl.Diagnostic {
	summary := fmt.Sprintf("Variable %q has no value", missing[0].Name)
	if len(missing) > 1 {
		summary = fmt.Sprintf("%d variables have no value", len(missing))
	}
	var lines strings.Builder
	for _, v := range missing {
		fmt.Fprintf(&lines, "  %s (%s), declared at %s", v.Name, typeexpr.TypeString(v.Type), place(v.Range))
		if v.Description != "" {
			fmt.Fprintf(&lines, ": %s", strings.Join(strings.Fields(v.Description), " "))
		}
		lines.WriteString("\n")
	}
	name := missing[0].Name
	return problem(missing[0].Range, summary,
		"Give a value to each of these:\n%sThere are three ways: --var %s=VALUE, a file with lines like `%s = VALUE` and --var-file FILE, or DCOSFLOW_VAR_%s=VALUE in the environment.",
		lines.String(), name, name, name)
}

// undeclared reports given values that no variable takes.
func (b *builder) undeclared() {
	for _, name := range slices.Sorted(maps.Keys(b.in.Values)) {
		declared := b.ev.root.variables
		if _, ok := declared.byName[name]; ok {
			continue
		}
		given := b.in.Values[name]
		detail := fmt.Sprintf("The workflow declares no variable of that name; it is set by %s.", cmp.Or(given.Origin, "--var"))
		if hint := dsl.Suggest(name, declared.names); hint != "" {
			detail += hint
		} else if len(declared.names) > 0 {
			detail += " Declared are " + enumerate(declared.names) + "."
		} else {
			detail += " There are no variables in it."
		}
		b.problem(given.Range, fmt.Sprintf("Undeclared variable %q", name), "%s", detail)
	}
}
