package plan

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// made is an instance with what it waits for.
type made struct {
	*Instance
	frame *frame
	links []link
	// during are the spans that must hold while it works.
	during []link
}

// link is a step or group, or one instance of it, that something waits for.
type link struct {
	unit *unit
	key  string
	one  bool
	rng  hcl.Range
}

// target is the vertex that a link means.
func (l link) target() end {
	if l.one || l.unit.fan.kind == single {
		return l.unit.end(l.key)
	}
	return l.unit.whole(l.unit.join())
}

// addresses are those of what links mean.
func addresses(links []link) []dag.ID {
	var ids []dag.ID
	for _, l := range links {
		ids = append(ids, l.target().id)
	}
	return ids
}

// instance makes an instance of a step: all of it but the values that only a
// run knows. It is used at plan time, and at run time for late keys.
func (ev *evaluator) instance(st *step, fr *frame) (*made, hcl.Diagnostics) {
	inst := &Instance{
		Kind: Work, Step: st.name, Key: fr.key, Keyed: fr.keyed, Type: st.typ, When: st.meta.when,
		Tolerated: st.meta.tolerated, Added: st.added(), Range: st.decl.Range,
		Sensitive: st.decl.Meta.Sensitive,
	}
	inst.ID = st.id(fr.key)
	fr, diags := ev.placed(st, fr)
	if st.runsOn(fr) {
		inst.Cluster, inst.Node = fr.cluster.name, fr.cluster.nodes[fr.node].Name
	}
	diags = append(diags, ev.early(&st.unit, fr, inst)...)
	if st.span {
		diags = append(diags, ev.hold(st, fr, inst)...)
	}
	inst.Configure = func(f Facts) (cty.Value, error) { return ev.configure(st, fr, f) }
	inst.Refuse = func(argument string, err error) error { return ev.refuse(st, argument, err) }
	m := &made{Instance: inst, frame: fr}
	var more hcl.Diagnostics
	m.links, more = ev.links(&st.unit, fr)
	diags = append(diags, more...)
	if st.runsOn(fr) && fr.cluster.provisioner != nil && st.role() != steps.Provisions {
		m.links = append(m.links, provisioning(fr.cluster, inst.Node, placement(st)))
	}
	m.during, more = ev.linksOf(st.meta.during, fr, nil)
	if st.within == nil && !st.final() {
		m.during = append(m.during, st.scope.during...)
	}
	m.During = addresses(m.during)
	return m, append(diags, more...)
}

// runsOn says whether an instance runs on the node of its frame. In a group, the
// frame's is the group's until the step says `node = node`.
func (st *step) runsOn(fr *frame) bool {
	return fr.cluster != nil && (st.within == nil || st.meta.node != nil)
}

// placed finds the node of an instance from the `node` argument.
func (ev *evaluator) placed(st *step, fr *frame) (*frame, hcl.Diagnostics) {
	x := st.meta.node
	if x == nil {
		return fr, nil
	}
	ctx, diags := ev.context(&x.needs, fr, nil)
	v, more := dsl.EvaluateStrict(x.source, ctx)
	if diags = append(diags, more...); diags.HasErrors() {
		return fr, diags
	}
	c, node, known, diags := ev.machine(v, x.Range())
	switch {
	case diags.HasErrors():
		x.blame(diags)
		return fr, diags
	case !known && !ev.static && !fr.guess:
		return fr, problems(x.Range(), "The node is not known", "`node` must be known before the run. When it hangs on a step's output, write `nodes = [for n in cluster.NAME.nodes : n if ...]`, whose keys may be known later.")
	case !known:
		return fr, nil
	}
	on := *fr
	on.cluster, on.node = c, node
	return &on, nil
}

// links are what an instance waits for by its references.
func (ev *evaluator) links(u *unit, fr *frame) ([]link, hcl.Diagnostics) {
	var links []link
	if u.within == nil {
		links = slices.Clone(u.scope.waits)
	}
	diags := ev.unpicked(&u.all, fr)
	links, more := ev.linksOf(ev.chosen(&u.all, fr).uses, fr, links)
	diags = append(diags, more...)
	links, more = ev.linksOf(u.meta.depends, fr, links)
	diags = append(diags, more...)
	if u.within == nil && u.fan.expr != nil && u.fan.from == nil && !u.fan.late {
		links, more = ev.linksOf(u.fan.expr.uses, nil, links)
		diags = append(diags, more...)
	}
	return links, diags
}

func (ev *evaluator) linksOf(uses []use, fr *frame, links []link) ([]link, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	for _, u := range uses {
		key, chosen, more := ev.choose(u, fr)
		diags = append(diags, more...)
		if chosen == noInstance || u.unit().fan.broken {
			continue
		}
		l := link{unit: u.unit(), key: key, one: chosen == oneInstance, rng: u.rng}
		if !slices.ContainsFunc(links, func(o link) bool { return o.unit == l.unit && o.key == l.key && o.one == l.one }) {
			links = append(links, l)
		}
	}
	return links, diags
}

// provisioning is the link to what makes a node, or all of a cluster when the
// node's name is empty.
func provisioning(c *cluster, node string, rng hcl.Range) link {
	return link{unit: &c.provisioner.unit, key: node, one: node != "" && !c.provisioner.fan.late, rng: rng}
}

// placement is where the file says on which node a step runs.
func placement(st *step) hcl.Range {
	for _, x := range []*expression{st.meta.node, st.fan.expr} {
		if x != nil {
			return x.Range()
		}
	}
	return st.decl.Range
}

// examine evaluates the arguments of an instance as far as they are known, and
// finds what only they tell: the subject, live machines, whether it is enabled.
func (ev *evaluator) examine(st *step, m *made) hcl.Diagnostics {
	d := ev.decoding(&st.body.needs, m.frame, nil)
	if d.diags.HasErrors() {
		return d.diags
	}
	v := d.block(st.body)
	d.typeCheck(st, v, m.frame)
	bare := d.reveal(v)
	if subject := st.body.subject(bare); subject != nil {
		m.Subject, _ = attributeText(*subject, "name")
	}
	if st.role() != steps.Provisions {
		m.links = append(m.links, ev.live(st.body, bare)...)
	}
	m.Enabled, m.Off, d.diags = ev.enabled(&st.unit, m.frame, d.diags)
	if st.within == nil {
		m.in(st.scope)
	}
	if (st.role() == steps.Destroys || st.fan.kind == overCluster) && m.Subject == "" && !st.body.flawed && !d.diags.HasErrors() && !ev.static {
		d.problem(st.decl.Range, "The cluster is not known", "It must be known before the run: write cluster.NAME.")
	}
	return d.diags
}

// subject is the value of the first argument that is a cluster.
func (b *block) subject(v cty.Value) *cty.Value {
	for _, a := range b.schema.Attributes {
		if a.Kind == schema.Cluster {
			subject := v.GetAttr(a.Name)
			return &subject
		}
	}
	return nil
}

// live are the links to the machines that must exist before the step starts.
func (ev *evaluator) live(b *block, v cty.Value) []link {
	var links []link
	for name, arg := range b.args {
		if arg.broken {
			continue
		}
		if !arg.attr.Live || (arg.attr.Kind != schema.Node && arg.attr.Kind != schema.Cluster) {
			continue
		}
		links = append(links, ev.liveArgument(arg, v.GetAttr(name))...)
	}
	for _, n := range b.schema.Blocks {
		value := v.GetAttr(n.Name)
		for i, inner := range b.blocks[n.Name] {
			part := value
			if n.Max != 1 {
				part = value.Index(cty.NumberIntVal(int64(i)))
			}
			links = append(links, ev.live(inner, part)...)
		}
	}
	slices.SortFunc(links, func(a, b link) int { return a.rng.Start.Byte - b.rng.Start.Byte })
	return links
}

// liveArgument waits for the machine, or, while it is not known which one that
// is, for all that the expression may mean.
func (ev *evaluator) liveArgument(arg *argument, v cty.Value) []link {
	wanted, node := arg.expr.clusters, ""
	if name, ok := attributeText(v, "cluster"); ok && arg.attr.Kind == schema.Node {
		if c := ev.root.clusters.byName[name]; c != nil {
			wanted = []*cluster{c}
			node, _ = attributeText(v, "name")
		}
	}
	if name, ok := attributeText(v, "name"); ok && arg.attr.Kind == schema.Cluster {
		if c := ev.root.clusters.byName[name]; c != nil {
			wanted = []*cluster{c}
		}
	}
	var links []link
	for _, c := range wanted {
		if c.provisioner != nil {
			links = append(links, provisioning(c, node, arg.expr.Range()))
		}
	}
	return links
}

// typeCheck lets the type look at a configuration.
func (d *decoding) typeCheck(st *step, v cty.Value, fr *frame) {
	if st.typ.Check == nil || st.body.flawed || d.diags.HasErrors() {
		return
	}
	hasNode := st.runsOn(fr) || st.args.Node != nil || st.within == nil && st.fan.kind == overNodes
	d.place(st.body, st.typ.Check(d.bare(v), hasNode))
}

// enabled makes the function that a run asks; nil when the answer is yes
// already. It says whether the answer is no already.
func (ev *evaluator) enabled(u *unit, fr *frame, diags hcl.Diagnostics) (func(Facts) (bool, error), bool, hcl.Diagnostics) {
	x := u.meta.enabled
	if x == nil {
		return nil, false, diags
	}
	d := ev.decoding(&x.needs, fr, nil)
	v := d.argument(&argument{attr: &enabledAttribute, expr: x})
	bare, _ := v.Unmark()
	known := bare.IsKnown() && !bare.IsNull() && !d.diags.HasErrors()
	if known && bare.True() {
		return nil, false, diags
	}
	return func(f Facts) (bool, error) {
		d := ev.decoding(&x.needs, fr, f)
		v := d.argument(&argument{attr: &enabledAttribute, expr: x})
		bare, _ := v.Unmark()
		if !d.diags.HasErrors() && (!bare.IsKnown() || bare.IsNull()) {
			d.problem(x.Range(), `"enabled" has no value`, "It is %s; it must be true or false.%s", dsl.ValueText(bare), d.nullHint())
		}
		if err := ev.failure(d.diags); err != nil {
			return false, err
		}
		return bare.True(), nil
	}, known, append(diags, d.diags...)
}

// configure evaluates the arguments of an instance at run time. Here alone
// sensitive values lose their marks.
func (ev *evaluator) configure(st *step, fr *frame, f Facts) (cty.Value, error) {
	d := ev.decoding(&st.body.needs, fr, f)
	v := cty.DynamicVal
	if !d.diags.HasErrors() {
		v = d.block(st.body)
		d.typeCheck(st, v, fr)
	}
	if err := ev.failure(d.diags); err != nil {
		return cty.NilVal, err
	}
	return d.reveal(v), nil
}
