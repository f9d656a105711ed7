package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
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
		return cty.UnknownVal(v.Type), v.refuse(rng, v.address()+" must not be null")
	}
	want := v.constraint
	if want == cty.NilType {
		want = v.Type
	}
	if reason := v.misfit(val, want, v.address()); reason != "" {
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

func (v *Variable) address() string { return "var." + v.Name }

// refuse is the diagnostic of a value that does not fit.
func (v *Variable) refuse(rng hcl.Range, reason string) hcl.Diagnostics {
	if !strings.HasSuffix(reason, "?") {
		reason = strings.TrimSuffix(reason, ".") + "."
	}
	d := problem(rng, fmt.Sprintf("Invalid value for variable %q", v.Name), "%s", reason)
	if rng.Filename == "" {
		d.Subject = nil
	}
	return hcl.Diagnostics{d}
}

func (v *Variable) wrongType(val cty.Value, err error) string {
	reason := fmt.Sprintf("%s is %s where %s is wanted", v.address(), v.shown(val), typeexpr.TypeString(v.Type))
	isList := v.Type.IsListType() || v.Type.IsSetType()
	switch isPrimitive := val.Type().IsPrimitiveType(); {
	case isPrimitive && isList:
		return reason + "; write brackets around a single element"
	case isPrimitive:
		return reason
	default:
		return fmt.Sprintf("%s: %s", reason, err)
	}
}

// shown is a value with its type, but never the value of a sensitive variable.
func (v *Variable) shown(val cty.Value) string {
	if v.Sensitive {
		return withType(val.Mark(Sensitive))
	}
	return withType(val)
}

// misfit says why a value that HCL would convert is refused, or "". Path names
// the value.
func (v *Variable) misfit(val cty.Value, want cty.Type, path string) string {
	if val.IsMarked() || !val.IsKnown() || val.IsNull() {
		return ""
	}
	switch got := val.Type(); {
	case want == cty.String && got == cty.Number:
		return fmt.Sprintf("%s is %s where a string is wanted; write it in quotes, exactly as it is meant, because 1.10 without quotes is 1.1", path, v.shown(val))
	case want.IsObjectType() && isMapping(got):
		known := slices.Sorted(maps.Keys(want.AttributeTypes()))
		for key := range val.Elements() {
			if name := key.AsString(); !want.HasAttribute(name) {
				return fmt.Sprintf("%s has no attribute %q; it has %s.%s", path, name, list(known), Suggest(name, known))
			}
		}
		return v.misfitInside(val, func(name string, _ int) cty.Type { return want.AttributeType(name) }, path)
	case want.IsTupleType() && isSequence(got):
		if n := val.LengthInt(); n != want.Length() {
			return fmt.Sprintf("%s has %d elements where %s is wanted", path, n, typeexpr.TypeString(want))
		}
		return v.misfitInside(val, func(_ string, index int) cty.Type { return want.TupleElementType(index) }, path)
	case want.IsMapType() && isMapping(got), want.IsListType() && isSequence(got), want.IsSetType() && (isSequence(got) || got.IsSetType()):
		return v.misfitInside(val, func(string, int) cty.Type { return want.ElementType() }, path)
	}
	return ""
}

func (v *Variable) misfitInside(val cty.Value, want func(name string, index int) cty.Type, path string) string {
	index := 0
	for key, item := range val.Elements() {
		name, at := "", fmt.Sprintf("%s[%d]", path, index)
		if isMapping(val.Type()) {
			name = key.AsString()
			at = path + "." + name
		}
		if reason := v.misfit(item, want(name, index), at); reason != "" {
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
	val := cty.StringVal(text)
	if v.Type != cty.String {
		read, diags := evaluateText(source, text)
		if diags.HasErrors() {
			return cty.UnknownVal(v.Type), v.unreadable(source, text, diags)
		}
		val = read
	}
	val, diags := v.Convert(val, hcl.Range{})
	for _, d := range diags {
		d.Detail = fmt.Sprintf("%s It was given by %s.", d.Detail, source)
	}
	return val, diags
}

func evaluateText(source, text string) (cty.Value, hcl.Diagnostics) {
	e, diags := hclsyntax.ParseExpression([]byte(text), source, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return e.Value(nil)
}

func (v *Variable) unreadable(source, text string, diags hcl.Diagnostics) hcl.Diagnostics {
	shown := strconv.Quote(text)
	if v.Sensitive {
		shown = "a sensitive text"
	}
	why := " (" + diags[0].Summary + ")"
	if diags[0].Summary == "Variables not allowed" { // a word without quotes
		why = ""
	}
	return v.refuse(hcl.Range{}, fmt.Sprintf("%s gives %s, which cannot be read as %s%s; write it as in a file, such as %s",
		source, shown, typeexpr.TypeString(v.Type), why, v.example()))
}

// example is how a value of the variable's type is given on a command line.
func (v *Variable) example() string {
	value := `"text"`
	switch ty := v.Type; {
	case ty == cty.Number:
		value = "3"
	case ty == cty.Bool:
		value = "true"
	case isSequence(ty) || ty.IsSetType():
		value = `["a", "b"]`
	case isMapping(ty):
		value = `{ key = "value" }`
	}
	return fmt.Sprintf("--var '%s=%s'", v.Name, value)
}
