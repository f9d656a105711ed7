package dsl

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// References lists the references of an expression in the order of the text,
// those inside keys too, but not the variables of its own for expressions.
func References(e hcl.Expression) []Reference {
	n, diags := native(e)
	if diags.HasErrors() {
		return nil
	}
	var refs []Reference
	for _, found := range findReferences(n) {
		refs = append(refs, found.Reference)
	}
	return refs
}

// ParseReference reads an element of depends_on; in JSON it is a string.
func ParseReference(e hcl.Expression) (Reference, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	n, ok := e.(hclsyntax.Expression)
	text, isText := jsonString(e)
	if isText && strings.HasPrefix(text, "${") {
		return Reference{}, hcl.Diagnostics{problem(e.Range(), "Not a reference", "In JSON the entries of this list are references already. Leave out the ${ } around it.")}
	}
	if isText {
		n, diags = hclsyntax.ParseExpression([]byte(text), e.Range().Filename, insideQuotes(e.Range()))
		placeIn(text, e.Range(), n, diags)
		ok = !diags.HasErrors()
	}
	if ok {
		if ref, _, isRef := referenceOf(n); isRef {
			return ref, nil
		}
	}
	if diags.HasErrors() {
		return Reference{}, diags
	}
	detail := "Write what is waited for as it is, such as step.a or step.a[node.name]."
	if _, quoted := n.(*hclsyntax.TemplateExpr); quoted {
		detail += " Leave out the quotes."
	}
	return Reference{}, hcl.Diagnostics{problem(e.Range(), "Not a reference", "%s", detail)}
}

// found is a reference with the expression that it is.
type found struct {
	Reference
	expr hclsyntax.Expression
}

func findReferences(e hclsyntax.Expression) []found {
	w := &referenceWalker{inner: map[hclsyntax.Node]bool{}}
	_ = hclsyntax.Walk(e, w)
	return w.found
}

// referenceWalker collects references from the outside in, so that the longest
// form is seen first; its parts are then passed over.
type referenceWalker struct {
	found  []found
	inner  map[hclsyntax.Node]bool
	scopes []map[string]struct{}
}

// Enter implements hclsyntax.Walker.
func (w *referenceWalker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	if scope, ok := n.(hclsyntax.ChildScope); ok {
		w.scopes = append(w.scopes, scope.LocalNames)
		return nil
	}
	e, ok := n.(hclsyntax.Expression)
	if !ok || w.inner[n] || wrapped(e) != nil {
		return nil
	}
	ref, parts, ok := referenceOf(e)
	if !ok {
		return nil
	}
	for _, part := range parts {
		w.inner[part] = true
	}
	if !w.shadowed(ref.Root) {
		w.found = append(w.found, found{Reference: ref, expr: e})
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (w *referenceWalker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(hclsyntax.ChildScope); ok {
		w.scopes = w.scopes[:len(w.scopes)-1]
	}
	return nil
}

// wrapped is the expression in parentheses, or that is alone in a template; nil
// for any other.
func wrapped(e hclsyntax.Expression) hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return e.Expression
	case *hclsyntax.TemplateWrapExpr:
		return e.Wrapped
	default:
		return nil
	}
}

func (w *referenceWalker) shadowed(root string) bool {
	for _, names := range w.scopes {
		if _, ok := names[root]; ok {
			return true
		}
	}
	return false
}

// referenceOf reads an expression that is a reference as a whole, and lists the
// expressions that are parts of it.
func referenceOf(e hclsyntax.Expression) (Reference, []hclsyntax.Node, bool) {
	if inside := wrapped(e); inside != nil {
		ref, parts, ok := referenceOf(inside)
		return ref, append(parts, e), ok
	}
	ref, parts, ok := Reference{}, []hclsyntax.Node(nil), false
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		ref, ok = absolute(e.Traversal), true
	case *hclsyntax.RelativeTraversalExpr:
		ref, parts, ok = referenceOf(e.Source)
		ref.extend(e.Traversal)
	case *hclsyntax.IndexExpr:
		ref, parts, ok = referenceOf(e.Collection)
		last := ref.last()
		ok = ok && last.whole()
		last.Key = e.Key
	case *hclsyntax.SplatExpr:
		ref, parts, ok = referenceOf(e.Source)
		last := ref.last()
		ok = ok && last.whole()
		last.Splat = true
		last.extend(eachTraversal(e))
	}
	if !ok {
		return Reference{}, nil, false
	}
	ref.Range = e.Range()
	return ref, append(parts, e), true
}

// whole says that a key may follow: no key and nothing else stands there yet.
func (r *Reference) whole() bool {
	return r.Key == nil && !r.Splat && len(r.Rest) == 0
}

func absolute(t hcl.Traversal) Reference {
	ref := Reference{Root: t.RootName()}
	rest := t[1:]
	if len(rest) > 0 {
		if attr, ok := rest[0].(hcl.TraverseAttr); ok {
			ref.Name, ref.NameRange, rest = attr.Name, nameRange(attr), rest[1:]
		}
	}
	ref.extend(rest)
	return ref
}

// nameRange is where the name of an attribute stands.
func nameRange(attr hcl.TraverseAttr) hcl.Range {
	rng := attr.SrcRange
	if rng.End.Byte-rng.Start.Byte > len(attr.Name) { // HCL counts the dot in
		rng.Start.Byte++
		rng.Start.Column++
	}
	return rng
}

// last is what more words and keys belong to.
func (r *Reference) last() *Reference {
	if r.Inner != nil {
		return r.Inner
	}
	return r
}

// extend adds static steps; a first index is the key.
func (r *Reference) extend(t hcl.Traversal) {
	if r.Inner != nil {
		r.Inner.extend(t)
		return
	}
	if len(t) > 0 && r.whole() {
		if index, ok := t[0].(hcl.TraverseIndex); ok {
			r.Key = &hclsyntax.LiteralValueExpr{Val: index.Key, SrcRange: index.SrcRange}
			t = t[1:]
		}
	}
	if len(t) > 0 && r.Root == "module" && r.Name != "" && !r.Splat {
		if attr, ok := t[0].(hcl.TraverseAttr); ok {
			r.Inner = &Reference{Root: "output", Name: attr.Name, NameRange: nameRange(attr)}
			r.Inner.extend(t[1:])
			return
		}
	}
	r.Rest = append(r.Rest[:len(r.Rest):len(r.Rest)], t...)
}

func eachTraversal(e *hclsyntax.SplatExpr) hcl.Traversal {
	if each, ok := e.Each.(*hclsyntax.RelativeTraversalExpr); ok && each.Source == hclsyntax.Expression(e.Item) {
		return each.Traversal
	}
	return nil
}
