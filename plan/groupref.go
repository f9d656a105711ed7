package plan

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dsl"
)

// findStep looks up the step of a reference: inside of a group, that of the same
// instance comes first.
func (r *resolver) findStep(ref dsl.Reference) (*step, bool) {
	own := r.site.group
	if own != nil {
		if st, ok := own.steps.byName[ref.Name]; ok {
			return st, true
		}
	}
	if _, known := r.scope.steps.byName[ref.Name]; !known {
		for _, g := range r.scope.groups.list {
			if g.steps.byName[ref.Name] != nil {
				r.problem(ref.Range, "A step of a group", "step.%s is in group %q, and only its other steps know it by that name. Write %s%s.",
					ref.Name, g.name, g.form(ref.Name), restText(ref.Rest))
				return nil, false
			}
		}
	}
	if own != nil && r.scope.steps.byName[ref.Name] == nil {
		if hint := dsl.Suggest(ref.Name, own.steps.names); hint != "" {
			r.problem(ref.Range, fmt.Sprintf("Unknown step %q", ref.Name), "No step %q is declared.%s", ref.Name, hint)
			return nil, false
		}
	}
	return find(r, &r.scope.steps, ref)
}

// form is how one refers to a step of the group from outside.
func (g *group) form(step string) string {
	address := "group." + g.name
	if g.fan.kind != single {
		address += "[" + g.keyExample() + "]"
	}
	return address + "." + step
}

// group checks a reference to a group, or to a step of it from outside, and
// notes it.
func (r *resolver) group(ref dsl.Reference) bool {
	g, ok := find(r, &r.scope.groups, ref)
	if !ok || !r.allowed(ref, r.site.steps) {
		return false
	}
	r.follow(use{group: g}, ref)
	return true
}

// groupForm checks the form of a reference to a group.
func (r *resolver) groupForm(ref dsl.Reference, g *group) {
	address, rest := g.address(), restText(ref.Rest)
	switch {
	case g.fan.kind == single && ref.Key != nil:
		r.problem(ref.Range, "Unneeded index", "%s has one instance, without a key. Write %s instead of %s; an index is for groups with `nodes` or `for_each`.",
			address, address+rest, address+"["+keyText(ref.Key)+"]"+rest)
	case g.fan.kind != single && ref.Splat:
		r.problem(ref.Range, "Splat on a map", "%s is a map with one value per instance. Write values(%s)[*]%s for all of them.", address, address, rest)
	case g.fan.kind != single && ref.Key == nil && len(ref.Rest) > 0:
		r.problem(ref.Range, "Missing index", "%s has an instance for each key. Write %s[%s]%s for one of them, or values(%s)[*]%s for all.",
			address, address, g.keyExample(), rest, address, rest)
	case len(ref.Rest) > 0:
		r.inner(ref, g)
	}
}

// inner checks what stands after an instance of a group: one of its steps, and
// an output of that.
func (r *resolver) inner(ref dsl.Reference, g *group) {
	attr, named := ref.Rest[0].(hcl.TraverseAttr)
	if !named {
		return // the value is an object: evaluation says so
	}
	st, known := g.steps.byName[attr.Name]
	if !known {
		r.problem(ref.Range, fmt.Sprintf("Unknown step %q", attr.Name), "Group %q has no step %q; it has %s.%s",
			g.name, attr.Name, enumerate(g.steps.names), dsl.Suggest(attr.Name, g.steps.names))
		return
	}
	if st.typ != nil {
		after := ref
		after.Rest = ref.Rest[1:]
		r.output(after, st, g.form(st.name))
	}
}
