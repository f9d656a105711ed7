package dsl

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// native turns an expression of a JSON file into the one that the native
// syntax would have, so that references, comparisons and messages are the same
// in both (rule 25). Native expressions are returned as they are.
func native(e hcl.Expression) (hclsyntax.Expression, hcl.Diagnostics) {
	if n, ok := hcl.UnwrapExpression(e).(hclsyntax.Expression); ok {
		return n, nil
	}
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() {
		return nativeObject(pairs, e.Range())
	}
	if items, diags := hcl.ExprList(e); !diags.HasErrors() {
		return nativeTuple(items, e.Range())
	}
	if text, ok := jsonString(e); ok {
		return nativeTemplate(text, e.Range())
	}
	v, diags := e.Value(nil)
	return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: e.Range()}, diags
}

func nativeObject(pairs []hcl.KeyValuePair, rng hcl.Range) (hclsyntax.Expression, hcl.Diagnostics) {
	object := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: rng}
	var diags hcl.Diagnostics
	for _, pair := range pairs {
		key, keyDiags := native(pair.Key)
		value, valueDiags := native(pair.Value)
		diags = append(append(diags, keyDiags...), valueDiags...)
		object.Items = append(object.Items, hclsyntax.ObjectConsItem{
			KeyExpr:   &hclsyntax.ObjectConsKeyExpr{Wrapped: key, ForceNonLiteral: true},
			ValueExpr: value,
		})
	}
	return object, diags
}

func nativeTuple(items []hcl.Expression, rng hcl.Range) (hclsyntax.Expression, hcl.Diagnostics) {
	tuple := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: rng}
	var diags hcl.Diagnostics
	for _, item := range items {
		value, valueDiags := native(item)
		diags = append(diags, valueDiags...)
		tuple.Exprs = append(tuple.Exprs, value)
	}
	return tuple, diags
}

func nativeTemplate(text string, rng hcl.Range) (hclsyntax.Expression, hcl.Diagnostics) {
	e, diags := hclsyntax.ParseTemplate([]byte(text), rng.Filename, insideQuotes(rng))
	placeIn(text, rng, e, diags)
	if inside := wrapped(e); inside != nil {
		e = inside
	}
	compareStrictly(e)
	return e, diags
}

// jsonString returns the text of a JSON string.
func jsonString(e hcl.Expression) (string, bool) {
	if _, ok := e.(hclsyntax.Expression); ok {
		return "", false
	}
	v, diags := e.Value(nil) // without a context, a JSON string is literal
	if diags.HasErrors() || v.IsNull() || !isString(v) {
		return "", false
	}
	return v.AsString(), true
}

// insideQuotes is where the text of a JSON string begins.
func insideQuotes(rng hcl.Range) hcl.Pos {
	return hcl.Pos{Line: rng.Start.Line, Column: rng.Start.Column + 1, Byte: rng.Start.Byte + 1}
}

// nativeBody is a JSON body whose attributes have native expressions.
type nativeBody struct {
	json hcl.Body
}

// asNative makes the expressions of a body native, whatever its syntax.
func asNative(b hcl.Body) hcl.Body {
	if _, ok := b.(*hclsyntax.Body); ok {
		return b
	}
	return nativeBody{json: b}
}

// Content implements hcl.Body.
func (b nativeBody) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, diags := b.json.Content(schema)
	return content, append(diags, nativeContent(content)...)
}

// PartialContent implements hcl.Body.
func (b nativeBody) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content, rest, diags := b.json.PartialContent(schema)
	return content, nativeBody{json: rest}, append(diags, nativeContent(content)...)
}

// JustAttributes implements hcl.Body.
func (b nativeBody) JustAttributes() (hcl.Attributes, hcl.Diagnostics) {
	attrs, diags := b.json.JustAttributes()
	return attrs, append(diags, nativeAttributes(attrs)...)
}

// MissingItemRange implements hcl.Body.
func (b nativeBody) MissingItemRange() hcl.Range {
	return b.json.MissingItemRange()
}

func nativeContent(content *hcl.BodyContent) hcl.Diagnostics {
	for _, block := range content.Blocks {
		block.Body = asNative(block.Body)
	}
	return nativeAttributes(content.Attributes)
}

func nativeAttributes(attrs hcl.Attributes) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, attr := range attrs {
		e, exprDiags := native(attr.Expr)
		attr.Expr = e
		diags = append(diags, exprDiags...)
	}
	return diags
}
