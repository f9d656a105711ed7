package dsl

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Operand is a part of an expression and the value that it had.
type Operand struct {
	Text  string
	Value string
}

// Operands returns the text and the value of both sides of a comparison, those
// of every comparison joined by && and ||, or of the references in anything
// else. What is its own value, such as a literal, is left out. Sensitive values
// are redacted. The files give the text.
func Operands(e hcl.Expression, ctx *hcl.EvalContext, files map[string]*hcl.File) []Operand {
	n, diags := native(e)
	if diags.HasErrors() {
		return nil
	}
	var operands []Operand
	seen := map[string]bool{}
	for _, part := range operandsOf(n) {
		text := Text(part, files)
		if seen[text] {
			continue
		}
		seen[text] = true
		v, diags := part.Value(ctx)
		if value := ValueText(v); !diags.HasErrors() && value != text {
			operands = append(operands, Operand{Text: text, Value: value})
		}
	}
	return operands
}

func operandsOf(e hclsyntax.Expression) []hclsyntax.Expression {
	if inside := wrapped(e); inside != nil {
		return operandsOf(inside)
	}
	switch e := e.(type) {
	case *hclsyntax.UnaryOpExpr:
		return operandsOf(e.Val)
	case *hclsyntax.BinaryOpExpr:
		if e.Op == hclsyntax.OpLogicalAnd || e.Op == hclsyntax.OpLogicalOr {
			return append(operandsOf(e.LHS), operandsOf(e.RHS)...)
		}
		if e.Op.Type == cty.Bool {
			return []hclsyntax.Expression{e.LHS, e.RHS}
		}
	}
	var parts []hclsyntax.Expression
	for _, found := range findReferences(e) {
		parts = append(parts, found.expr)
	}
	return parts
}

// Text is the source text of an expression on one line.
func Text(e hcl.Expression, files map[string]*hcl.File) string {
	file := files[e.Range().Filename]
	if file == nil || !e.Range().CanSliceBytes(file.Bytes) {
		return ""
	}
	return strings.Join(strings.Fields(string(e.Range().SliceBytes(file.Bytes))), " ")
}
