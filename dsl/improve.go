package dsl

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// improve makes a message of HCL say what to do in this language, under another
// summary, so that it may be called again. Others are returned as they are.
func improve(d *hcl.Diagnostic) *hcl.Diagnostic {
	if better := comparisonProblem(d); better != nil {
		return better
	}
	better := *d
	switch d.Summary {
	case "Variables not allowed":
		better.Summary = "References are not allowed here"
		better.Detail = "Write a plain value: it is needed before anything can be evaluated."
	case "Function calls not allowed":
		better.Detail = "Write a plain value: it is needed before anything can be evaluated."
	case "Unknown variable":
		if e, ok := d.Expression.(*hclsyntax.ScopeTraversalExpr); ok {
			better.Summary, better.Detail = unknownRoot(e.Traversal.RootName())
		}
	case "Unsupported attribute", "Invalid index":
		if hint := near(d); hint != "" {
			better.Summary = "No such attribute or key"
			better.Detail += hint
		}
	case "Attempt to get attribute from null value", "Attempt to index null value",
		"Invalid template interpolation value", "Iteration over null value", "Splat of null value":
		if strings.Contains(d.Detail, "null") {
			better.Summary = "The value is null"
			better.Detail += " Where null is possible, as for the outputs of a disabled step, write try(..., default)."
		}
	case "Invalid type specification":
		if name, ok := quoted(d.Detail); ok {
			better.Summary = fmt.Sprintf("Unknown type %q", name)
			better.Detail = strings.TrimSpace(Suggest(name, typeNames) + " The types are " + list(typeNames) + ".")
		}
	case "Invalid function argument", "Error in function call":
		if usesSensitive(d) {
			better.Summary = "Error in a function call with a sensitive value"
			better.Detail = "What the function says about it is withheld, because that could show the value."
		}
	default:
		detail, ok := labels(d.Detail)
		if !ok {
			return d
		}
		better.Detail = detail
	}
	return &better
}

// HCL's words about labels that are missing or too many.
var (
	missingLabels = regexp.MustCompile(`^All (\w+) blocks must have \d+ labels \(([\w, ]+)\)\.$`)
	surplusLabels = regexp.MustCompile(`^Only \d+ labels \(([\w, ]+)\) are expected for (\w+) blocks\.$`)
)

// labels says how the header of a block is written, when its labels are wrong.
func labels(detail string) (string, bool) {
	var block, names string
	if m := missingLabels.FindStringSubmatch(detail); m != nil {
		block, names = m[1], m[2]
	} else if m := surplusLabels.FindStringSubmatch(detail); m != nil {
		block, names = m[2], m[1]
	} else {
		return "", false
	}
	header := block
	for _, name := range strings.Split(names, ", ") {
		header += fmt.Sprintf(" %q", strings.ToUpper(name))
	}
	return fmt.Sprintf("Write %s { ... }.", header), true
}

var typeNames = []string{"string", "number", "bool", "any", "list", "set", "map", "object", "tuple"}

// quoted is the first "word" of a text.
func quoted(text string) (string, bool) {
	_, rest, _ := strings.Cut(text, `"`)
	word, _, ok := strings.Cut(rest, `"`)
	return word, ok
}

// usesSensitive says whether a value in the expression is marked: functions get
// values without marks, and their errors may quote them.
func usesSensitive(d *hcl.Diagnostic) bool {
	e, ok := d.Expression.(hclsyntax.Expression)
	if !ok {
		return false
	}
	return slices.ContainsFunc(findReferences(e), func(ref found) bool {
		v, _ := ref.expr.Value(d.EvalContext)
		return v.ContainsMarked()
	})
}

// near lists the names that there are where a lookup failed, and the one that
// was probably meant.
func near(d *hcl.Diagnostic) string {
	v, name := failedLookup(d)
	if v == cty.NilVal || v.ContainsMarked() {
		return ""
	}
	var names []string
	switch known := v.IsKnown() && !v.IsNull(); {
	case isSequence(v.Type()) && known && v.LengthInt() > 0:
		return fmt.Sprintf(" It has %d, from [0] to [%d].", v.LengthInt(), v.LengthInt()-1)
	case v.Type().IsObjectType():
		names = slices.Collect(maps.Keys(v.Type().AttributeTypes()))
	case v.Type().IsMapType() && known:
		for key := range v.Elements() {
			names = append(names, key.AsString())
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("%s It has %s.", Suggest(name, names), list(names))
}

// failedLookup is the value in which a lookup failed and what was looked up.
func failedLookup(d *hcl.Diagnostic) (cty.Value, string) {
	switch e := d.Expression.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		for i := 1; i < len(e.Traversal); i++ {
			v, diags := e.Traversal[:i].TraverseAbs(d.EvalContext)
			if _, stepDiags := e.Traversal[i].TraversalStep(v); !diags.HasErrors() && stepDiags.HasErrors() {
				return v, stepName(e.Traversal[i])
			}
		}
	case *hclsyntax.RelativeTraversalExpr:
		v, _ := e.Source.Value(d.EvalContext)
		for _, step := range e.Traversal {
			next, diags := step.TraversalStep(v)
			if diags.HasErrors() {
				return v, stepName(step)
			}
			v = next
		}
	case *hclsyntax.IndexExpr:
		v, _ := e.Collection.Value(d.EvalContext)
		key, _ := e.Key.Value(d.EvalContext)
		return v, keyName(key)
	}
	return cty.NilVal, ""
}

func stepName(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		return keyName(step.Key)
	default:
		return ""
	}
}

func keyName(key cty.Value) string {
	if key.IsMarked() || !key.IsKnown() || key.IsNull() || !isString(key) {
		return ""
	}
	return key.AsString()
}
