package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// expression is an expression with what it needs, found once and used for all
// instances.
type expression struct {
	source hcl.Expression
	needs
}

func (s *scope) expression(e hcl.Expression) *expression {
	return &expression{source: e, needs: needs{scope: s}}
}

// Range is where the expression stands.
func (x *expression) Range() hcl.Range { return x.source.Range() }

// needs is what must be known to evaluate something. References to locals are
// replaced by what those need (rule 1).
type needs struct {
	// scope is where its names are looked up.
	scope    *scope
	uses     []use
	clusters []*cluster
	// locals come after those that they use.
	locals            []*local
	node, each, probe bool
	// varies is `matrix` or `run` when it is used, which a matrix cannot.
	varies string
}

// use is one reference to a step, to a step of a group from outside, or to a
// group.
type use struct {
	// step is nil when a whole group is meant; group is nil unless the reference
	// is to a group.
	step  *step
	group *group
	// key selects an instance; nil means all of them.
	key *expression
	// free keys depend on the variable of a for expression.
	free bool
	rng  hcl.Range
}

// unit is what has the instances that are meant.
func (u use) unit() *unit {
	if u.group != nil {
		return &u.group.unit
	}
	return &u.step.unit
}

// own says that the step of the same instance of a group is meant.
func (u use) own() bool { return u.group == nil && u.step.within != nil }

// shared says that the value is the same for all instances of a step.
func (n *needs) shared() bool { return !n.node && !n.each && !n.probe }

// constant says that it is also the same before and during the run.
func (n *needs) constant() bool {
	return n.shared() && len(n.uses) == 0 && len(n.clusters) == 0
}

// merge adds what something else needs. Order and uniqueness are kept.
func (n *needs) merge(o *needs) {
	n.uses = append(n.uses, o.uses...)
	for _, c := range o.clusters {
		if !slices.Contains(n.clusters, c) {
			n.clusters = append(n.clusters, c)
		}
	}
	for _, l := range o.locals {
		n.addLocal(l)
	}
	n.varies = cmp.Or(n.varies, o.varies)
	n.node, n.each, n.probe = n.node || o.node, n.each || o.each, n.probe || o.probe
}

func (n *needs) addLocal(l *local) {
	if !slices.Contains(n.locals, l) {
		n.locals = append(n.locals, l)
	}
}

// site says which roots an expression may use besides var, local, path, run.
type site struct {
	// what names the place in messages: "the roles of a cluster".
	what                               string
	steps, clusters, node, each, probe bool
	backends                           bool
	// fixed says that it is the same for all variants and runs.
	fixed bool
	// group is the one whose step it is; nil outside of groups.
	group *group
	// from is the step that the keys of the instance come from.
	from *step
	// late is the type of the root probe.
	late cty.Type
}

// resolver finds what one expression needs and what is wrong in it.
type resolver struct {
	scope *scope
	site  site
	refs  []dsl.Reference
	out   *expression
	diags hcl.Diagnostics
}

// resolve finds and checks the references of an expression, before anything is
// evaluated (rule 3). The expression is usable only without errors.
func (s *scope) resolve(e hcl.Expression, at site) (*expression, hcl.Diagnostics) {
	r := &resolver{scope: s, site: at, refs: dsl.References(e), out: s.expression(e)}
	for _, ref := range r.refs {
		r.reference(ref)
	}
	return r.out, r.diags
}

func (r *resolver) reference(ref dsl.Reference) {
	switch ref.Root {
	case "var":
		if v, ok := find(r, &r.scope.variables, ref); ok {
			r.path(ref, v.Type, "var."+ref.Name)
		}
	case "local":
		r.local(ref)
	case "path":
		r.attribute(ref, pathType)
	case "run":
		if r.allowed(ref, !r.site.fixed) {
			r.attribute(ref, runType)
			r.out.varies = ref.Root
		}
	case "matrix":
		r.matrix(ref)
	case "cluster":
		if c, ok := find(r, &r.scope.clusters, ref); ok && r.allowed(ref, r.site.clusters) {
			r.path(ref, c.valueType(), "cluster."+ref.Name)
			r.out.merge(&needs{clusters: []*cluster{c}})
		}
	case "backend":
		if r.allowed(ref, r.site.backends) && ref.Name != "" {
			find(r, &r.scope.backends, ref)
		}
	case "step":
		r.step(ref)
	case "group":
		r.group(ref)
	case "node":
		if r.allowed(ref, r.site.node) {
			r.attribute(ref, schema.NodeType)
			r.out.node = true
		}
	case "each":
		if r.allowed(ref, r.site.each) {
			r.attribute(ref, eachType)
			r.each(ref)
		}
	case "probe":
		if r.allowed(ref, r.site.probe) {
			r.probe(ref)
		}
	default:
		r.unknownRoot(ref)
	}
}

// find looks up the second word of a reference.
func find[T any](r *resolver, known *named[T], ref dsl.Reference) (T, bool) {
	thing, ok := known.byName[ref.Name]
	switch {
	case ref.Name == "":
		r.problem(ref.Range, "Incomplete reference", "Write which %s: %s.NAME, such as %s.",
			nounOf(ref.Root), ref.Root, example(ref.Root, known.names))
	case !ok:
		r.diags = append(r.diags, r.scope.unknownName(ref.Root, ref.Name, ref.Range))
	}
	return thing, ok
}

func example(root string, names []string) string {
	if len(names) == 0 {
		return root + ".name"
	}
	return root + "." + names[0]
}

func (r *resolver) problem(rng hcl.Range, summary, detail string, args ...any) {
	r.diags = append(r.diags, problem(rng, summary, detail, args...))
}

// allowed reports a root that exists but not here.
func (r *resolver) allowed(ref dsl.Reference, here bool) bool {
	if here {
		return true
	}
	why := fmt.Sprintf("%s cannot use %q.", capital(r.site.what), ref.Root)
	switch ref.Root {
	case "node":
		why = "There is no node here: `node` is known in the arguments of a step with `node` or `nodes`."
	case "each":
		why = "There is no key here: `each` is known in the arguments of a step with `for_each`."
	case "probe":
		why = "`probe` is what a try saw; it is known only in `condition` and `error_message` of a step that probes."
	case "run", "matrix":
		why = "The matrix says which runs there are: it can use only var, local, path and functions."
	case "backend":
		why = "A backend is named only in the `backend` argument of a cluster."
	}
	r.problem(ref.Range, fmt.Sprintf("No %q here", ref.Root), "%s", why)
	return false
}

// each notes a use of the key or the value. With for_each = step.x, each.value
// means step.x[each.key], and makes an edge only here (rule 4).
func (r *resolver) each(ref dsl.Reference) {
	r.out.each = true
	if ref.Name != "value" || r.site.from == nil {
		return
	}
	key, _ := r.scope.resolve(eachKey(ref.Range), site{each: true})
	r.out.uses = append(r.out.uses, use{step: r.site.from, key: key, rng: ref.Range})
	if r.site.from.typ != nil {
		r.types(ref.Rest, r.site.from.outputs, "each.value", ref.Range)
	}
}

// eachKey is the expression each.key.
func eachKey(rng hcl.Range) hcl.Expression {
	return &hclsyntax.ScopeTraversalExpr{SrcRange: rng, Traversal: hcl.Traversal{
		hcl.TraverseRoot{Name: "each", SrcRange: rng}, hcl.TraverseAttr{Name: "key", SrcRange: rng},
	}}
}

func (r *resolver) probe(ref dsl.Reference) {
	r.out.probe = true
	if r.site.late != cty.NilType && r.site.late.IsObjectType() {
		r.attribute(ref, r.site.late)
	}
}

// local replaces a reference to a local by what its expression needs. When that
// is a plain reference to a step, an index and attributes that follow belong to
// it (rule 1).
func (r *resolver) local(ref dsl.Reference) {
	l, ok := find(r, &r.scope.locals, ref)
	if !ok {
		return
	}
	if r.diags = append(r.diags, r.scope.resolveLocal(l)...); l.broken || l.expr == nil {
		r.out.addLocal(l)
		return
	}
	if !r.allowedLocal(l, ref) {
		return
	}
	if plain, ok := r.scope.plain(l); ok {
		r.reference(follow(plain, ref))
		for _, inner := range l.expr.locals {
			r.out.addLocal(inner)
		}
	} else {
		r.out.merge(&l.expr.needs)
	}
	r.out.addLocal(l)
}

// allowedLocal refuses a local that uses what may not be used here.
func (r *resolver) allowedLocal(l *local, ref dsl.Reference) bool {
	var root string
	switch {
	case len(l.expr.uses) > 0 && !r.site.steps:
		root = "step"
	case len(l.expr.clusters) > 0 && !r.site.clusters:
		root = "cluster"
	case l.expr.varies != "" && r.site.fixed:
		root = l.expr.varies
	default:
		return true
	}
	r.problem(ref.Range, fmt.Sprintf("No %q here", root), "%s cannot use %q, and local.%s does (%s:%d).",
		capital(r.site.what), root, l.name, l.decl.Range.Filename, l.decl.Range.Start.Line)
	return false
}

// plain returns the reference to a step or group that a local is, directly or
// through other locals.
func (s *scope) plain(l *local) (dsl.Reference, bool) {
	ref, diags := dsl.ParseReference(l.decl.Expr)
	switch {
	case diags.HasErrors():
		return ref, false
	case ref.Root == "step" || ref.Root == "group":
		return ref, true
	case ref.Root == "local":
		if inner, ok := s.locals.byName[ref.Name]; ok && !inner.broken {
			plain, ok := s.plain(inner)
			return follow(plain, ref), ok
		}
	}
	return ref, false
}

// follow appends what stands after the name of a local to the reference that
// the local is.
func follow(base, after dsl.Reference) dsl.Reference {
	base.Range, base.NameRange = after.Range, after.NameRange
	if base.Key == nil && !base.Splat && len(base.Rest) == 0 {
		base.Key, base.Splat, base.Rest = after.Key, after.Splat, after.Rest
		return base
	}
	if after.Key == nil && !after.Splat {
		base.Rest = slices.Concat(base.Rest, after.Rest)
	}
	return base
}

func (r *resolver) unknownRoot(ref dsl.Reference) {
	d := dsl.UnknownRoot(ref)
	if other := r.scope.elsewhere("", ref.Root); other != "" {
		d.Detail = fmt.Sprintf("Nothing is called %q.%s", ref.Root, other)
	}
	r.diags = append(r.diags, d)
}
