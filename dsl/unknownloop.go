package dsl

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// unknownLoops checks what for expressions and splats do with the items of a
// collection that is not known yet: HCL looks at that only when it is.
func unknownLoops(e hcl.Expression, ctx *hcl.EvalContext) hcl.Diagnostics {
	n, ok := e.(hclsyntax.Expression)
	if !ok {
		return nil
	}
	w := &loopWalker{ctx: ctx}
	_ = hclsyntax.Walk(n, w)
	return w.diags
}

// loopWalker follows an expression with what is known in each place.
type loopWalker struct {
	ctx   *hcl.EvalContext
	loops []loop // those around
	diags hcl.Diagnostics
}

// loop is a for expression with the context of its inside.
type loop struct {
	inside  *hcl.EvalContext
	unknown bool
}

// Enter implements hclsyntax.Walker.
func (w *loopWalker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.ForExpr:
		w.loops = append(w.loops, w.loop(n))
	case hclsyntax.ChildScope:
		l := w.loops[len(w.loops)-1]
		w.ctx = l.inside
		if l.unknown {
			_, diags := n.Expr.Value(w.ctx)
			w.diags = append(w.diags, diags...)
		}
	case *hclsyntax.SplatExpr:
		w.splat(n)
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (w *loopWalker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	switch n.(type) {
	case *hclsyntax.ForExpr:
		w.loops = w.loops[:len(w.loops)-1]
	case hclsyntax.ChildScope:
		w.ctx = w.ctx.Parent()
	}
	return nil
}

// loop is the inside of a for expression: any item, as far as all are alike.
func (w *loopWalker) loop(e *hclsyntax.ForExpr) loop {
	list, diags := e.CollExpr.Value(w.ctx)
	list, _ = list.Unmark()
	key, item := cty.DynamicVal, cty.DynamicVal
	if t := list.Type(); !diags.HasErrors() && t.IsCollectionType() {
		item = cty.UnknownVal(t.ElementType())
		switch {
		case t.IsMapType():
			key = cty.UnknownVal(cty.String)
		case t.IsListType():
			key = cty.UnknownVal(cty.Number)
		default:
			key = item
		}
	}
	inside := w.ctx.NewChild()
	inside.Variables = map[string]cty.Value{e.ValVar: item}
	if e.KeyVar != "" {
		inside.Variables[e.KeyVar] = key
	}
	return loop{inside, !diags.HasErrors() && !list.IsKnown()}
}

func (w *loopWalker) splat(e *hclsyntax.SplatExpr) {
	each, ok := e.Each.(*hclsyntax.RelativeTraversalExpr)
	if !ok || each.Source != hclsyntax.Expression(e.Item) {
		return
	}
	list, diags := e.Source.Value(w.ctx)
	list, _ = list.Unmark()
	if diags.HasErrors() || list.IsKnown() {
		return
	}
	if item, ok := anyItem(list); ok {
		at := *each
		at.Source = &hclsyntax.LiteralValueExpr{Val: item, SrcRange: e.Source.Range()}
		_, diags = at.Value(w.ctx)
		w.diags = append(w.diags, diags...)
	}
}
