package dsl

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// inSplat gives a problem after [*] in the expression whole something to look
// into: what stood there while the splat was evaluated is forgotten.
func inSplat(d *hcl.Diagnostic, whole hcl.Expression) *hcl.Diagnostic {
	e, ok := d.Expression.(*hclsyntax.RelativeTraversalExpr)
	if !ok {
		return d
	}
	splat := splatOf(e.Source, whole)
	if splat == nil {
		return d
	}
	list, _ := splat.Source.Value(d.EvalContext)
	list, _ = list.Unmark()
	item, ok := anyItem(list)
	if !ok {
		return d
	}
	better, at := *d, *e
	at.Source = &hclsyntax.LiteralValueExpr{Val: item, SrcRange: splat.Source.Range()}
	better.Expression = &at
	return &better
}

// splatOf is the splat whose item an expression is; nil when it is none.
func splatOf(item hclsyntax.Expression, whole hcl.Expression) *hclsyntax.SplatExpr {
	node, ok := whole.(hclsyntax.Expression)
	if _, symbol := item.(*hclsyntax.AnonSymbolExpr); !ok || !symbol {
		return nil
	}
	var found *hclsyntax.SplatExpr
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if splat, ok := n.(*hclsyntax.SplatExpr); ok && hclsyntax.Expression(splat.Item) == item {
			found = splat
		}
		return nil
	})
	return found
}

// anyItem is a value like the items of a list; false when nothing is known of
// them.
func anyItem(list cty.Value) (cty.Value, bool) {
	switch t := list.Type(); {
	case t.IsListType(), t.IsSetType():
		return cty.UnknownVal(t.ElementType()), true
	case t.IsTupleType() && t.Length() > 0:
		return cty.UnknownVal(t.TupleElementType(0)), true
	default:
		return cty.NilVal, false
	}
}
