package dsl

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// HCL says that 0 == "0" is false, so `!=` would always pass. The loader puts
// these in the place of HCL's operations, so rule 17 holds for every
// expression, however it is evaluated.
var (
	strictEqual    = &hclsyntax.Operation{Impl: comparison(false), Type: cty.Bool}
	strictNotEqual = &hclsyntax.Operation{Impl: comparison(true), Type: cty.Bool}
)

// errDifferentTypes becomes a better message where the operands are at hand,
// see comparisonProblem.
var errDifferentTypes = errors.New("the two sides have different types")

// compareStrictly replaces the comparisons in an expression or body.
func compareStrictly(n hclsyntax.Node) {
	_ = hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
		if op, ok := n.(*hclsyntax.BinaryOpExpr); ok {
			switch op.Op {
			case hclsyntax.OpEqual:
				op.Op = strictEqual
			case hclsyntax.OpNotEqual:
				op.Op = strictNotEqual
			}
		}
		return nil
	})
}

func comparison(negate bool) function.Function {
	side := function.Parameter{
		Type:             cty.DynamicPseudoType,
		AllowNull:        true,
		AllowUnknown:     true,
		AllowDynamicType: true,
		AllowMarked:      true,
	}
	a, b := side, side
	a.Name, b.Name = "a", "b"
	return function.New(&function.Spec{
		Params: []function.Parameter{a, b},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			equal, err := compare(args[0], args[1])
			if err != nil || !negate {
				return equal, err
			}
			return equal.Not(), nil
		},
	})
}

// compare says whether two values are equal. Sequences are compared element by
// element whether they are lists or tuples, and so are maps and objects: a
// literal has another type than an output, and that is nobody's mistake.
func compare(a, b cty.Value) (cty.Value, error) {
	a, aMarks := a.UnmarkDeep()
	b, bMarks := b.UnmarkDeep()
	if !a.IsNull() && !b.IsNull() && !comparableTypes(a.Type(), b.Type()) {
		return cty.UnknownVal(cty.Bool), errDifferentTypes
	}
	return loosen(a).Equals(loosen(b)).WithMarks(aMarks, bMarks), nil
}

func comparableTypes(a, b cty.Type) bool {
	switch {
	case a == cty.DynamicPseudoType || b == cty.DynamicPseudoType:
		return true
	case isSequence(a) && isSequence(b):
		return allPairs(elementTypes(a), elementTypes(b))
	case a.IsSetType() && b.IsSetType():
		return comparableTypes(a.ElementType(), b.ElementType())
	case isMapping(a) && isMapping(b):
		return comparableMappings(a, b)
	default:
		return a.Equals(b)
	}
}

// allPairs compares types one by one; a single one stands for all of a list.
func allPairs(a, b []cty.Type) bool {
	for i := range max(len(a), len(b)) {
		if len(a) == 0 || len(b) == 0 {
			return true
		}
		if !comparableTypes(a[min(i, len(a)-1)], b[min(i, len(b)-1)]) {
			return false
		}
	}
	return true
}

func comparableMappings(a, b cty.Type) bool {
	switch {
	case a.IsMapType() && b.IsMapType():
		return comparableTypes(a.ElementType(), b.ElementType())
	case a.IsMapType():
		return comparableMappings(b, a)
	}
	for name, ty := range a.AttributeTypes() {
		other := cty.DynamicPseudoType
		if b.IsMapType() {
			other = b.ElementType()
		} else if b.HasAttribute(name) {
			other = b.AttributeType(name)
		}
		if !comparableTypes(ty, other) {
			return false
		}
	}
	return true
}

func isSequence(t cty.Type) bool { return t.IsListType() || t.IsTupleType() }
func isMapping(t cty.Type) bool  { return t.IsMapType() || t.IsObjectType() }
func isString(v cty.Value) bool  { return v.Type() == cty.String }

func elementTypes(t cty.Type) []cty.Type {
	if t.IsListType() {
		return []cty.Type{t.ElementType()}
	}
	return t.TupleElementTypes()
}

// loosen makes tuples of lists and objects of maps, all the way down.
func loosen(v cty.Value) cty.Value {
	if v.IsNull() || !v.IsKnown() {
		return v
	}
	switch t := v.Type(); {
	case isSequence(t):
		var items []cty.Value
		for _, item := range v.Elements() {
			items = append(items, loosen(item))
		}
		return cty.TupleVal(items)
	case isMapping(t):
		attrs := make(map[string]cty.Value)
		for key, item := range v.Elements() {
			attrs[key.AsString()] = loosen(item)
		}
		return cty.ObjectVal(attrs)
	default:
		return v
	}
}

// EvaluateStrict evaluates an expression of a workflow. It is an error when the
// expression compares, anywhere inside, two values of different types with ==
// or !=; null may be compared with everything. The insides of loops over values
// that are not known yet are checked as well. The messages of HCL are improved.
func EvaluateStrict(e hcl.Expression, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := e.Value(ctx)
	if !diags.HasErrors() && !v.IsWhollyKnown() {
		diags = append(diags, unknownLoops(e, ctx)...)
	}
	for i, d := range diags {
		diags[i] = improve(inSplat(d, e))
	}
	return v, diags
}

// comparisonProblem is the diagnostic of a refused comparison, nil when d is
// none.
func comparisonProblem(d *hcl.Diagnostic) *hcl.Diagnostic {
	op, ok := d.Expression.(*hclsyntax.BinaryOpExpr)
	if !ok || d.Summary != "Operation failed" || (op.Op != strictEqual && op.Op != strictNotEqual) {
		return nil
	}
	left, _ := op.LHS.Value(d.EvalContext)
	right, _ := op.RHS.Value(d.EvalContext)
	better := *d
	better.Summary = "Comparison of different types"
	better.Detail = fmt.Sprintf("The left side is %s, the right side is %s. They are never equal.%s",
		withType(left), withType(right), conversionHint(left.Type(), right.Type()))
	return &better
}

// withType is a value with its type, such as `the string "0"`.
func withType(v cty.Value) string {
	name := v.Type().FriendlyName()
	if v.ContainsMarked() {
		return "a sensitive " + name
	}
	if !v.IsWhollyKnown() {
		return "a " + name
	}
	return fmt.Sprintf("the %s %s", name, ValueText(v))
}

func conversionHint(a, b cty.Type) string {
	pair := func(x, y cty.Type) bool { return a == x && b == y || a == y && b == x }
	switch {
	case pair(cty.String, cty.Number):
		return " Write quotes around the number, or convert the string with tonumber()."
	case pair(cty.String, cty.Bool):
		return " Convert the string with tobool(), or leave out the quotes."
	case a.IsSetType() || b.IsSetType():
		return " Convert both with toset()."
	default:
		return " Convert one of them, or compare a part of it."
	}
}
