package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Convert makes a value the variable's type: defaults of optional attributes
// are filled in, unknown attributes of objects are refused, and so is a number
// where a string is wanted (rule 18). A null for a variable that is not
// nullable is its default. The range may be empty.
func (v *Variable) Convert(val cty.Value, rng hcl.Range) (cty.Value, hcl.Diagnostics) {
	if val.IsNull() && !v.Nullable {
		if v.Default != cty.NilVal {
			return v.Default, nil
		}
		return cty.UnknownVal(v.Type), v.refuse(rng, "it must not be null")
	}
	want := v.constraint
	if want == cty.NilType {
		want = v.Type
	}
	if reason := misfit(val, want, "it"); reason != "" {
		return cty.UnknownVal(v.Type), v.refuse(rng, reason)
	}
	if v.defaults != nil {
		val = v.defaults.Apply(val)
	}
	converted, err := convert.Convert(val, want)
	if err != nil {
		return cty.UnknownVal(v.Type), v.refuse(rng, v.wrongType(val, err))
	}
	return converted, nil
}

func (v *Variable) wrongType(val cty.Value, err error) string {
	got := withType(val)
	if v.Sensitive {
		got = "a " + val.Type().FriendlyName()
	}
	return fmt.Sprintf("it is %s, wanted is %s: %s", got, typeexpr.TypeString(v.Type), err)
}

// refuse is the diagnostic of a value that does not fit.
func (v *Variable) refuse(rng hcl.Range, reason string) hcl.Diagnostics {
	d := problem(rng, fmt.Sprintf("Invalid value for variable %q", v.Name), "The value of %q does not fit: %s.", v.Name, strings.TrimSuffix(reason, "."))
	if rng.Filename == "" {
		d.Subject = nil
	}
	return hcl.Diagnostics{d}
}

// misfit says why a value that HCL would convert is refused, or "". Path names
// the value.
func misfit(v cty.Value, want cty.Type, path string) string {
	if v.IsMarked() || !v.IsKnown() || v.IsNull() {
		return ""
	}
	switch got := v.Type(); {
	case want == cty.String && got == cty.Number:
		number := valueText(v)
		return fmt.Sprintf("%s is the number %s where a string is wanted; write it in quotes, exactly as it is meant (a number loses its zeros at the end: 1.10 is 1.1): %q", path, number, number)
	case want.IsObjectType() && isMapping(got):
		return misfitObject(v, want, path)
	case want.IsMapType() && isMapping(got):
		return firstMisfit(v, path, func(string) cty.Type { return want.ElementType() })
	case (want.IsListType() || want.IsSetType()) && (isSequence(got) || got.IsSetType()):
		return firstMisfit(v, path, func(string) cty.Type { return want.ElementType() })
	}
	return ""
}

func misfitObject(v cty.Value, want cty.Type, path string) string {
	known := slices.Sorted(maps.Keys(want.AttributeTypes()))
	for key := range v.Elements() {
		if name := key.AsString(); !want.HasAttribute(name) {
			return fmt.Sprintf("%s has no attribute %q; there are %s.%s", path, name, strings.Join(known, ", "), Suggest(name, known))
		}
	}
	return firstMisfit(v, path, want.AttributeType)
}

func firstMisfit(v cty.Value, path string, want func(key string) cty.Type) string {
	index := 0
	for key, item := range v.Elements() {
		at := fmt.Sprintf("%s[%d]", path, index)
		name := ""
		if isMapping(v.Type()) {
			name = key.AsString()
			at = path + "." + name
		}
		if reason := misfit(item, want(name), strings.TrimPrefix(at, "it.")); reason != "" {
			return reason
		}
		index++
	}
	return ""
}

// ParseVariable reads the text of --var NAME=TEXT or of the environment: a
// string stays as it is, other types are expressions without references. The
// source is what a diagnostic calls it, such as "--var".
func (v *Variable) ParseVariable(source, text string) (cty.Value, hcl.Diagnostics) {
	if v.Type == cty.String {
		return v.Convert(cty.StringVal(text), hcl.Range{})
	}
	e, diags := hclsyntax.ParseExpression([]byte(text), source, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.UnknownVal(v.Type), v.unreadable(source, text, diags)
	}
	val, diags := e.Value(nil)
	if diags.HasErrors() {
		return cty.UnknownVal(v.Type), v.unreadable(source, text, diags)
	}
	val, diags = v.Convert(val, hcl.Range{})
	for _, d := range diags {
		d.Detail = fmt.Sprintf("%s It was given by %s.", d.Detail, source)
	}
	return val, diags
}

func (v *Variable) unreadable(source, text string, diags hcl.Diagnostics) hcl.Diagnostics {
	shown := fmt.Sprintf(" as %q", text)
	if v.Sensitive {
		shown = ""
	}
	reason := fmt.Sprintf("%s gives it%s, which is no expression of the type %s (%s)", source, shown,
		typeexpr.TypeString(v.Type), strings.TrimSuffix(improve(diags[0]).Detail, "."))
	if text != "" && !strings.ContainsAny(text, " \"[{(") {
		reason += fmt.Sprintf("; text inside needs quotes, such as --var '%s=[\"%s\"]' for a list", v.Name, text)
	}
	return v.refuse(hcl.Range{}, reason)
}
