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
	// bindings come after those that they use.
	bindings []*binding
	// picks are modules of which the instance is chosen by its key; calls are
	// those that are needed at all.
	picks             []pickedModule
	calls             []*module
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
	// module is one that is waited for as a whole; then there is no step.
	module *module
	// key selects an instance; nil means all of them.
	key *expression
	// keyed is the place of the reference that has the key: not rng when a named
	// expression has it.
	keyed hcl.Range
	// free keys depend on the variable of a for expression.
	free bool
	// splat and rest are what stands after the key.
	splat bool
	rest  hcl.Traversal
	// frame is where the key is evaluated, when that is not the instance which
	// the expression is evaluated for: the instance of a module call.
	frame *frame
	rng   hcl.Range
}

// unit is what has the instances that are meant.
func (u use) unit() *unit {
	if u.module != nil {
		return &u.module.unit
	}
	if u.group != nil {
		return &u.group.unit
	}
	return &u.step.unit
}

// own says that the step of the same instance of a group is meant.
func (u use) own() bool { return u.group == nil && u.module == nil && u.step.within != nil }

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
	for _, b := range o.bindings {
		n.bind(b)
	}
	n.varies = cmp.Or(n.varies, o.varies)
	for _, m := range o.calls {
		n.call(m)
	}
	n.picks = append(n.picks, o.picks...)
	n.node, n.each, n.probe = n.node || o.node, n.each || o.each, n.probe || o.probe
}

// borrow adds what a binding needs: where it is written, and not here, there may
// be a node or a key.
func (n *needs) borrow(o *needs) {
	lent := *o
	lent.node, lent.each, lent.probe = false, false, false
	n.merge(&lent)
}

func (n *needs) bind(b *binding) {
	if !slices.Contains(n.bindings, b) {
		n.bindings = append(n.bindings, b)
	}
}

func (n *needs) call(m *module) {
	if !slices.Contains(n.calls, m) {
		n.calls = append(n.calls, m)
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
	// plain says that the expression is a reference to a step or group, directly
	// or by bindings, and nothing more.
	plain bool
	diags hcl.Diagnostics
}

// resolve finds and checks the references of an expression, before anything is
// evaluated (rule 3). The expression is usable only without errors.
func (s *scope) resolve(e hcl.Expression, at site) (*expression, hcl.Diagnostics) {
	r := s.resolver(e, at)
	diags := r.all()
	return r.out, diags
}

func (s *scope) resolver(e hcl.Expression, at site) *resolver {
	return &resolver{scope: s, site: at, refs: dsl.References(e), out: s.expression(e)}
}

func (r *resolver) all() hcl.Diagnostics {
	for i, ref := range r.refs {
		if plain := r.reference(ref); i == 0 && plain {
			_, diags := dsl.ParseReference(r.out.source)
			r.plain = !diags.HasErrors()
		}
	}
	return r.diags
}

// reference notes what a reference needs. It says whether that is first of all a
// step or group, which the reference names directly or by bindings.
func (r *resolver) reference(ref dsl.Reference) bool {
	switch ref.Root {
	case "var":
		return r.variable(ref)
	case "local":
		if b, ok := find(r, &r.scope.locals, ref); ok {
			return r.binding(b, ref)
		}
	case "module":
		return r.module(ref)
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
		return r.step(ref)
	case "group":
		return r.group(ref)
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
	return false
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
		why = "There is no node here: `node` is known in the arguments of a step with `node` or `nodes`, and in a group with `nodes`."
	case "each":
		why = "There is no key here: `each` is known in the arguments of a step, group or module with `for_each`."
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
	r.out.uses = append(r.out.uses, use{step: r.site.from, key: key, keyed: ref.Range, rng: ref.Range})
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

// variable looks up an input: one of the workflow has a value, and one of a
// module stands for the argument of the call.
func (r *resolver) variable(ref dsl.Reference) bool {
	if b := r.scope.inputs.byName[ref.Name]; b != nil {
		plain := r.binding(b, ref)
		if !plain {
			r.path(ref, b.input.Type, "var."+ref.Name)
		}
		return plain
	}
	if v, ok := find(r, &r.scope.variables, ref); ok {
		r.path(ref, v.Type, "var."+ref.Name)
	}
	return false
}

// binding replaces a reference to a binding by what its expression needs. When
// that is a plain reference to a step, an index and attributes that follow
// belong to it (rule 1).
func (r *resolver) binding(b *binding, ref dsl.Reference) bool {
	b.resolve()
	if b.broken || b.expr == nil || !r.allowedBinding(b, ref) {
		r.out.bind(b)
		return false
	}
	if b.plain {
		r.follow(b.expr.uses[0], ref)
		rest := b.expr.needs
		rest.uses = rest.uses[1:]
		r.out.borrow(&rest)
	} else {
		r.out.borrow(&b.expr.needs)
	}
	r.out.bind(b)
	return b.plain
}

// allowedBinding refuses a binding that uses what may not be used here.
func (r *resolver) allowedBinding(b *binding, ref dsl.Reference) bool {
	var root string
	switch {
	case len(b.expr.uses) > 0 && !r.site.steps:
		root = "step"
	case len(b.expr.clusters) > 0 && !r.site.clusters:
		root = "cluster"
	case b.expr.varies != "" && r.site.fixed:
		root = b.expr.varies
	default:
		return true
	}
	r.problem(ref.Range, fmt.Sprintf("No %q here", root), "%s cannot use %q, and %s does (%s).",
		capital(r.site.what), root, b.title, place(b.rng))
	return false
}

func (r *resolver) unknownRoot(ref dsl.Reference) {
	d := dsl.UnknownRoot(ref)
	if other := r.scope.elsewhere("", ref.Root); other != "" {
		d.Detail = fmt.Sprintf("Nothing is called %q.%s", ref.Root, other)
	}
	r.diags = append(r.diags, d)
}
