package plan

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/steps"
)

// fanKind says where the keys of a step come from.
type fanKind int

const (
	// single steps have one instance without a key.
	single fanKind = iota
	overNodes
	overEach
	// overCluster steps have an instance for every node of their cluster.
	overCluster
)

// fanout is the set of instances of a step or group.
type fanout struct {
	owner      *unit
	kind       fanKind
	expr       *expression
	allowEmpty bool
	// from is the step whose keys are taken: for_each = step.x.
	from *step

	read, visiting, visited bool
	// late keys are known only at run time. Broken ones have a problem that has
	// been reported.
	late, broken bool
	frames       []*frame
	index        map[string]int
	// subject is the cluster of an overCluster step.
	subject *cluster
}

func fanKindOf(decl *dsl.Meta, typ *steps.Type) fanKind {
	switch {
	case typ != nil && typ.Placement == steps.EachNode:
		return overCluster
	case decl.Nodes != nil:
		return overNodes
	case decl.ForEach != nil:
		return overEach
	default:
		return single
	}
}

// keysFrom returns the step that for_each takes its keys from when the
// expression is a plain reference to one, also through locals.
func (s *scope) keysFrom(e hcl.Expression) *step {
	r := s.resolver(e, site{steps: true, clusters: true})
	if r.all().HasErrors() || !r.plain {
		return nil
	}
	u := r.out.uses[0]
	if u.group != nil || u.key != nil || u.splat || len(u.rest) > 0 {
		return nil
	}
	return u.step
}

// fanText resolves the expression of the keys.
func (b *builder) fanText(u *unit) {
	fan, m := u.fan, u.args
	if fan.read {
		return
	}
	fan.read, fan.visiting = true, true
	defer func() { fan.visiting = false }()
	var e hcl.Expression
	switch fan.kind {
	case overNodes:
		e = m.Nodes
	case overEach:
		e = m.ForEach
		fan.from = u.scope.keysFrom(e)
	default:
		return
	}
	x, diags := u.scope.resolve(e, site{what: "an argument of a step", steps: true, clusters: true})
	b.report(diags)
	if fan.broken = diags.HasErrors(); fan.broken {
		return
	}
	fan.expr = x
	if fan.from != nil && fan.from.fan.kind == single {
		b.problem(e.Range(), "A step without keys", "%s has one instance, so there are no keys to take. for_each takes a map, a set, a list of unique strings, or a step with `nodes` or `for_each`.", fan.from.address())
		fan.broken = true
	}
}

// fanOuts finds the keys of all steps and groups.
func (b *builder) fanOuts() {
	for _, p := range b.parts {
		b.fanOut(p.unit())
	}
	for _, st := range b.all {
		if c := st.fan.subject; c != nil && st.role() == steps.Provisions {
			b.provides(st, c)
		}
	}
}

func (b *builder) provides(st *step, c *cluster) {
	if other := c.provisioner; other != nil {
		b.problem(st.decl.Range, fmt.Sprintf("Cluster %q is provisioned twice", c.name), "%s does it already (%s).", other.address(), place(other.decl.Range))
		return
	}
	c.provisioner = st
}

// fanOut finds the keys of a step or group, after those that they hang on.
func (b *builder) fanOut(u *unit) {
	fan := u.fan
	if fan.visited || fan.kind == single {
		return
	}
	if fan.visiting {
		fan.broken = true
		b.problem(u.rng, "Keys in a circle", "The keys of %s hang on themselves.", fan.owner.address())
		return
	}
	b.fanText(u)
	fan.visiting = true
	defer func() { fan.visiting, fan.visited = false, true }()
	if fan.expr == nil || fan.broken {
		fan.broken = true
		return
	}
	if fan.from != nil {
		if fan.from.fan.kind == overCluster {
			b.stepText(fan.from)
		}
		b.fanOut(&fan.from.unit)
		fan.broken = fan.broken || fan.from.fan.broken
	}
	for _, use := range fan.expr.uses {
		if st := use.step; st != nil && st.fan.kind == overCluster {
			b.stepText(st) // its keys are those of an argument
		}
		b.fanOut(use.unit())
	}
	if fan.broken {
		return
	}
	frames, known, diags := b.ev.frames(fan, nil)
	fan.expr.blame(diags)
	b.report(diags)
	fan.frames, fan.late, fan.broken = frames, !known, diags.HasErrors()
	fan.owner.settle()
}

// frames evaluates the keys of a step; false when they are not known yet.
func (ev *evaluator) frames(fan *fanout, f Facts) ([]*frame, bool, hcl.Diagnostics) {
	if fan.from != nil {
		if fan.from.fan.late && f == nil {
			return nil, false, nil
		}
		return fan.adopt(ev.framesNow(&fan.from.unit, f)), true, nil
	}
	ctx, diags := ev.context(&fan.expr.needs, nil, f)
	v, more := dsl.EvaluateStrict(fan.expr.source, ctx)
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, true, ev.hintNull(diags, &fan.expr.needs, nil, f)
	}
	switch {
	case sensitiveKeys(v):
		return nil, true, problems(fan.expr.Range(), "Sensitive keys", "The keys of instances are shown in every report, so they must not hang on a sensitive value. Take them from a value that is not; where these keys are no secret, write nonsensitive(...) around them.")
	case v.IsNull():
		return nil, true, problems(fan.expr.Range(), "No keys", "This is null. Write a list, a set or a map; an empty one makes no instance.")
	case !v.IsKnown():
		return nil, false, nil
	case fan.kind == overCluster:
		return ev.clusterFrames(fan, v)
	case fan.kind == overNodes:
		return ev.nodeFrames(fan, v)
	}
	return fan.eachFrames(v)
}

// sensitiveKeys says whether a mark hides which keys there are. Values of a map
// may be sensitive.
func sensitiveKeys(v cty.Value) bool {
	if ty := v.Type(); ty.IsMapType() || ty.IsObjectType() {
		return v.IsMarked()
	}
	return v.ContainsMarked()
}

// adopt makes the same keys as another step has.
func (fan *fanout) adopt(others []*frame) []*frame {
	frames := make([]*frame, len(others))
	for i, fr := range others {
		frames[i] = &frame{key: fr.key, keyed: true, fan: fan}
	}
	return frames
}

func (ev *evaluator) clusterFrames(fan *fanout, v cty.Value) ([]*frame, bool, hcl.Diagnostics) {
	name, ok := attributeText(v, "name")
	c := ev.root.clusters.byName[name]
	if !ok || c == nil {
		return nil, true, problems(fan.expr.Range(), "Not a cluster", "Write cluster.NAME, which must be known before the run. %s", thereIs(ev.root.clusters.names))
	}
	fan.subject = c
	if c.open {
		return nil, false, nil
	}
	frames := make([]*frame, len(c.nodes))
	for i, n := range c.nodes {
		frames[i] = &frame{key: n.Name, keyed: true, cluster: c, node: i, fan: fan}
	}
	return frames, true, nil
}

// nodeFrames makes an instance for each node of a list.
func (ev *evaluator) nodeFrames(fan *fanout, v cty.Value) ([]*frame, bool, hcl.Diagnostics) {
	rng := fan.expr.Range()
	ty := v.Type()
	if !ty.IsListType() && !ty.IsTupleType() && !ty.IsSetType() {
		return nil, true, problems(rng, "Not a list of nodes", "`nodes` wants a list such as cluster.NAME.nodes or cluster.NAME.ROLE; this is %s.%s", ty.FriendlyName(), nodesHint(v))
	}
	var frames []*frame
	seen := map[string]*cluster{}
	for i, item := range v.AsValueSlice() {
		c, node, known, diags := ev.machine(item, rng)
		if diags.HasErrors() || !known {
			return nil, known, diags
		}
		name := c.nodes[node].Name
		if other, twice := seen[name]; twice && other == c {
			return nil, true, problems(rng, "The same node twice", "%s of cluster.%s is in the list more than once (the last time at place %d); each node may be there once.", name, c.name, i)
		} else if twice {
			return nil, true, problems(rng, "Equal node names", "Both cluster.%s and cluster.%s have a node %q, and the names are the keys of the instances. Write two steps, or name the roles differently.", other.name, c.name, name)
		}
		seen[name] = c
		frames = append(frames, &frame{key: name, keyed: true, cluster: c, node: node, fan: fan})
	}
	return frames, true, nil
}

func nodesHint(v cty.Value) string {
	if !v.Type().IsObjectType() {
		return ""
	}
	if v.Type().HasAttribute("nodes") {
		return " Did you mean its attribute `nodes`?"
	}
	if v.Type().HasAttribute("role") {
		return " For one node write `node = ...`, or put it in brackets."
	}
	return ""
}

// machine finds the declared node that a node object means; false when it is
// not known yet.
func (ev *evaluator) machine(v cty.Value, rng hcl.Range) (*cluster, int, bool, hcl.Diagnostics) {
	if v.ContainsMarked() {
		return nil, 0, true, hcl.Diagnostics{exposed("node", rng)}
	}
	if !v.IsKnown() {
		return nil, 0, false, nil
	}
	ty := v.Type()
	if v.IsNull() || !ty.IsObjectType() || !ty.HasAttribute("cluster") || !ty.HasAttribute("name") {
		return nil, 0, true, problems(rng, "Not a node", "Wanted is a node, such as cluster.NAME.ROLE[0]; this is %s.%s", described(v), machineHint(v))
	}
	if !v.GetAttr("cluster").IsKnown() || !v.GetAttr("name").IsKnown() {
		return nil, 0, false, nil
	}
	clusterName, _ := attributeText(v, "cluster")
	name, _ := attributeText(v, "name")
	c := ev.root.clusters.byName[clusterName]
	if c == nil || c.open {
		return nil, 0, c != nil, problems(rng, "Not a node", "There is no cluster %q.", clusterName)
	}
	node, ok := c.index[name]
	if !ok {
		return nil, 0, true, problems(rng, "Not a node", "cluster.%s has no node %q.", c.name, name)
	}
	return c, node, true, nil
}

func machineHint(v cty.Value) string {
	if ty := v.Type(); ty.IsListType() || ty.IsTupleType() {
		return " Choose one by its index, or write `nodes = ...` for an instance on each."
	}
	return ""
}

// described is a type with the value where that helps.
func described(v cty.Value) string {
	text := dsl.ValueText(v)
	if v.IsNull() || !v.IsKnown() || len(text) > 80 {
		if v.IsNull() {
			return "null"
		}
		return v.Type().FriendlyName()
	}
	return fmt.Sprintf("%s: %s", v.Type().FriendlyName(), text)
}

// eachFrames makes an instance for each key of a map, or element of a set or
// list.
func (fan *fanout) eachFrames(v cty.Value) ([]*frame, bool, hcl.Diagnostics) {
	ty, rng := v.Type(), fan.expr.Range()
	mapping := ty.IsMapType() || ty.IsObjectType()
	if !mapping && !ty.IsSetType() && !ty.IsListType() && !ty.IsTupleType() {
		return nil, true, problems(rng, "No keys", "for_each takes a map, a set, a list of unique strings, or a step with keys; this is %s.", described(v))
	}
	if !mapping && !v.IsWhollyKnown() {
		return nil, false, nil
	}
	var frames []*frame
	seen := map[string]bool{}
	for key, value := range v.Elements() {
		if !mapping {
			key = value
		}
		if key.IsNull() || key.Type() != cty.String {
			return nil, true, problems(rng, "A key that is no string", "Keys are strings, and this has %s.%s", described(key), numbersHint(key))
		}
		text := key.AsString()
		if seen[text] {
			return nil, true, problems(rng, "A key twice", "%q is there more than once. Write toset(...) around the list to drop repetitions.", text)
		}
		if strings.ContainsAny(text, "\n\r\x00") {
			return nil, true, problems(rng, "Refused key", "%q has a line break in it; the keys are part of addresses.", text)
		}
		seen[text] = true
		frames = append(frames, &frame{key: text, keyed: true, value: value, fan: fan})
	}
	return frames, true, nil
}

func numbersHint(key cty.Value) string {
	if key.Type() == cty.Number {
		return " Write quotes around numbers, or convert them: [for n in ... : tostring(n)]."
	}
	return ""
}
