package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// The types of roots without declarations.
var (
	nodesType = cty.List(schema.NodeType)
	pathType  = cty.Object(map[string]cty.Type{"workflow": cty.String, "module": cty.String})
	runType   = cty.Object(map[string]cty.Type{"id": cty.String, "seed": cty.Number, "dir": cty.String})
	eachType  = cty.Object(map[string]cty.Type{"key": cty.String, "value": cty.DynamicPseudoType})
)

// attribute checks the words after a root that is an object itself.
func (r *resolver) attribute(ref dsl.Reference, ty cty.Type) {
	if ref.Name == "" {
		return
	}
	first := hcl.Traversal{hcl.TraverseAttr{Name: ref.Name, SrcRange: ref.NameRange}}
	if ref.Key == nil && !ref.Splat {
		first = append(first, ref.Rest...)
	}
	r.types(first, ty, ref.Root, ref.Range)
}

// path checks the words after a declared name.
func (r *resolver) path(ref dsl.Reference, ty cty.Type, what string) {
	if ref.Splat {
		return
	}
	if ref.Key != nil {
		if !ty.IsMapType() && !ty.IsListType() {
			return
		}
		ty = ty.ElementType()
	}
	r.types(ref.Rest, ty, what, ref.Range)
}

// types follows a traversal as far as types are known and reports the first
// attribute that an object does not have.
func (r *resolver) types(rest hcl.Traversal, ty cty.Type, what string, rng hcl.Range) {
	for _, next := range rest {
		attr, named := next.(hcl.TraverseAttr)
		switch {
		case ty.IsObjectType() && named:
			if !ty.HasAttribute(attr.Name) {
				known := slices.Sorted(maps.Keys(ty.AttributeTypes()))
				r.problem(rng, fmt.Sprintf("Unknown attribute %q", attr.Name), "%s has no attribute %q; it has %s.%s",
					what, attr.Name, enumerate(known), dsl.Suggest(attr.Name, known))
				return
			}
			ty, what = ty.AttributeType(attr.Name), what+"."+attr.Name
		case (ty.IsListType() || ty.IsMapType()) && !named:
			ty, what = ty.ElementType(), what+"[...]"
		case ty.Equals(nodesType) && named:
			r.problem(rng, "Missing index", "%s is a list of nodes. Write %s[0].%s for one of them, or %s[*].%s for all.",
				what, what, attr.Name, what, attr.Name)
			return
		default:
			return
		}
	}
}

// step checks a reference to a step and notes it.
func (r *resolver) step(ref dsl.Reference) bool {
	if ref.Name == "" {
		r.problem(ref.Range, "Incomplete reference",
			"Write which step by its name, and an instance in brackets after it: step.NAME, or step.NAME[KEY].")
		return false
	}
	st, ok := r.findStep(ref)
	if !ok || !r.allowed(ref, r.site.steps) {
		return false
	}
	r.follow(use{step: st}, ref)
	return true
}

// follow notes a use with what stands after it in a reference: an index counts
// when there is none yet.
func (r *resolver) follow(u use, ref dsl.Reference) {
	u = u.followed(r.tail(ref))
	u.rng = ref.Range
	r.out.uses = append(r.out.uses, u)
	ref.Splat, ref.Rest, ref.Key = u.splat, u.rest, nil
	if u.key != nil {
		ref.Key = u.key.source
	}
	switch st := u.step; {
	case u.group != nil:
		r.groupForm(ref, u.group)
	case st.typ == nil: // its type is unknown, and reported
	case st.fan.kind == single || st.within != nil:
		r.unkeyed(ref, st)
	default:
		r.keyed(ref, st)
	}
}

// tail is what stands after a name.
type tail struct {
	key         *expression
	free, splat bool
	rest        hcl.Traversal
	rng         hcl.Range
}

func (r *resolver) tail(ref dsl.Reference) tail {
	t := tail{splat: ref.Splat, rest: ref.Rest, rng: ref.Range}
	if ref.Key != nil {
		t.key, _ = r.scope.resolve(ref.Key, r.site) // its problems are those of the whole expression
		t.free = r.free(ref.Key)
	}
	return t
}

// followed is a use with what stands after it: an index counts when there is
// none yet.
func (u use) followed(t tail) use {
	switch {
	case u.key == nil && !u.splat && len(u.rest) == 0:
		if t.key != nil {
			u.key, u.free, u.frame, u.keyed = t.key, t.free, nil, t.rng
		}
		u.splat, u.rest = t.splat, t.rest
	case t.key == nil && !t.splat:
		u.rest = slices.Concat(u.rest, t.rest)
	}
	if u.group != nil && len(u.rest) > 0 {
		if attr, named := u.rest[0].(hcl.TraverseAttr); named {
			u.step = u.group.steps.byName[attr.Name]
		}
	}
	return u
}

// free says that a key uses the variable of a for expression around it: such a
// variable is no reference of the whole.
func (r *resolver) free(key hcl.Expression) bool {
	for _, inner := range dsl.References(key) {
		if !slices.ContainsFunc(r.refs, func(outer dsl.Reference) bool { return outer.Range == inner.Range }) {
			return true
		}
	}
	return false
}

// unkeyed checks a reference to a step with one instance.
func (r *resolver) unkeyed(ref dsl.Reference, st *step) {
	if ref.Key != nil && st.within != nil {
		r.problem(ref.Range, "Unneeded index", "In a group, step.%s is that of the same instance. Write step.%s instead of %s; group.%s[KEY].%s is that of another one.",
			st.name, st.name+restText(ref.Rest), r.short(ref)+restText(ref.Rest), st.within.name, st.name)
		return
	}
	if ref.Key != nil {
		r.problem(ref.Range, "Unneeded index",
			"%s has one instance, without a key. Write %s instead of %s; an index is for steps with `nodes` or `for_each`.",
			st.address(), st.address()+restText(ref.Rest), st.address()+"["+keyText(ref.Key)+"]"+restText(ref.Rest))
		return
	}
	r.output(ref, st, "step."+st.name)
}

// keyed checks a reference to a step with an instance per key.
func (r *resolver) keyed(ref dsl.Reference, st *step) {
	address, rest := st.address(), restText(ref.Rest)
	if ref.Splat {
		r.problem(ref.Range, "Splat on a map", "%s is a map with one value per instance. Write values(%s)[*]%s for all of them.",
			address, address, rest)
		return
	}
	if ref.Key != nil || len(ref.Rest) == 0 {
		r.output(ref, st, address+"[...]")
		return
	}
	attr, named := ref.Rest[0].(hcl.TraverseAttr)
	if named && !st.outputs.HasAttribute(attr.Name) && strings.ContainsFunc(attr.Name, notLetter) {
		r.problem(ref.Range, "Missing brackets", "Only brackets select an instance: write %s[%q]%s.",
			address, attr.Name, restText(ref.Rest[1:]))
		return
	}
	if named && !st.outputs.HasAttribute(attr.Name) {
		r.output(ref, st, address+"[...]")
		return
	}
	r.problem(ref.Range, "Missing index",
		"%s has an instance for each key. Write %s[%s]%s for one of them, or values(%s)[*]%s for all.",
		address, address, st.keyExample(), rest, address, rest)
}

func notLetter(r rune) bool { return r != '_' && !unicode.IsLetter(r) }

// output checks the name of an output.
func (r *resolver) output(ref dsl.Reference, st *step, what string) {
	if len(ref.Rest) == 0 {
		return
	}
	attr, ok := ref.Rest[0].(hcl.TraverseAttr)
	if !ok || st.outputs.HasAttribute(attr.Name) {
		r.types(ref.Rest, st.outputs, what, ref.Range)
		return
	}
	names := make([]string, len(st.typ.Outputs))
	for i, o := range st.typ.Outputs {
		names[i] = o.Name
	}
	has := "it has no outputs"
	if len(names) > 0 {
		has = "its outputs are " + enumerate(names)
	}
	r.problem(ref.Range, fmt.Sprintf("Unknown output %q", attr.Name), "%s is a %q step; %s.%s",
		st.address(), st.typ.Name, has, dsl.Suggest(attr.Name, names))
}

// restText is a traversal as one would write it.
func restText(t hcl.Traversal) string {
	var b strings.Builder
	for _, next := range t {
		switch next := next.(type) {
		case hcl.TraverseAttr:
			b.WriteString("." + next.Name)
		case hcl.TraverseIndex:
			b.WriteString("[" + dsl.ValueText(next.Key) + "]")
		}
	}
	return b.String()
}

// keyText is a key as one would write it, as far as it is simple.
func keyText(key hcl.Expression) string {
	if literal, ok := key.(*hclsyntax.LiteralValueExpr); ok {
		return dsl.ValueText(literal.Val)
	}
	if traversal, ok := key.(*hclsyntax.ScopeTraversalExpr); ok {
		return traversal.Traversal.RootName() + restText(traversal.Traversal[1:])
	}
	return "..."
}

func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
