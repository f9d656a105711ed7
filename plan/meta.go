package plan

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// meta are the arguments that every step has.
type meta struct {
	// Those that are the same for all instances.
	when        When
	tolerated   bool
	maxParallel int
	// depends and during are what those list, in order.
	depends, during []use
	// Those that are evaluated for each instance; nil where absent.
	node, enabled         *expression
	description, verifies *expression
	timeout, deadline     *expression
	duration, stopTimeout *expression
	locks                 *expression
	retry                 map[string]*expression
	// needs is what those take that must be known before the run.
	needs needs
}

// The schemas of the meta-arguments.
var (
	whenAttribute      = schema.Attribute{Name: "when", Type: cty.String, Values: []string{string(OnSuccess), string(OnFailure), string(Always)}}
	onFailureAttribute = schema.Attribute{Name: "on_failure", Type: cty.String, Values: []string{"fail", "continue"}}
	enabledAttribute   = schema.Attribute{Name: "enabled", Type: cty.Bool, Required: true}
	locksAttribute     = schema.Attribute{Name: "locks", Type: cty.Set(cty.String)}
	textAttributes     = map[string]schema.Attribute{
		"description":  {Name: "description", Type: cty.String},
		"verifies":     {Name: "verifies", Type: cty.String},
		"timeout":      {Name: "timeout", Kind: schema.Duration},
		"deadline":     {Name: "deadline", Kind: schema.Duration},
		"duration":     {Name: "duration", Kind: schema.Duration},
		"stop_timeout": {Name: "stop_timeout", Kind: schema.Duration},
	}
	retryAttributes = map[string]schema.Attribute{
		"attempts":  {Name: "attempts", Type: cty.Number},
		"delay":     {Name: "delay", Kind: schema.Duration},
		"factor":    {Name: "factor", Type: cty.Number},
		"max_delay": {Name: "max_delay", Kind: schema.Duration},
		"jitter":    {Name: "jitter", Type: cty.Number},
		"on":        {Name: "on", Type: cty.List(cty.String)},
	}
)

// retryClasses are the failures that `retry { on = [...] }` may name.
var retryClasses = []string{"transport", "timeout", "exit_code", "assert", "any"}

// placement checks where a step runs against what its type allows.
func (b *builder) placement(st *step) {
	m, typ := st.decl.Meta, st.typ.Name
	refuse := func(e hcl.Expression, name, why string, args ...any) {
		if e != nil {
			b.problem(e.Range(), fmt.Sprintf("Unexpected %q", name), why, args...)
		}
	}
	switch st.typ.Placement {
	case steps.NoNode:
		refuse(m.Node, "node", "A %q step runs on no node.", typ)
		refuse(m.Nodes, "nodes", "A %q step runs on no node.", typ)
	case steps.EachNode:
		const why = "A %q step has an instance for every node of its `cluster` already."
		refuse(m.Node, "node", why, typ)
		refuse(m.Nodes, "nodes", why, typ)
		refuse(m.ForEach, "for_each", why, typ)
	case steps.NeedsNode:
		switch {
		case m.Node != nil || m.Nodes != nil || st.mistyped("node", "nodes"):
		case st.within != nil && st.fan.kind == overNodes:
			b.problem(st.decl.Range, "Missing node", "A %q step runs on a node. Write `node = node` for that of the group's instance.", typ)
		default:
			b.problem(st.decl.Range, "Missing node", "A %q step runs on a node. Write `node = cluster.NAME.ROLE[0]` for one, or `nodes = cluster.NAME.nodes` for one instance on each.", typ)
		}
	}
	if m.Nodes != nil && m.ForEach != nil {
		b.bothKeys(m.ForEach)
	} else if m.Nodes != nil && m.Node != nil {
		b.problem(m.Node.Range(), "Both node and nodes", "Keep `node` for one instance, or `nodes` for one on each of them.")
	}
}

func (b *builder) bothKeys(e hcl.Expression) {
	b.problem(e.Range(), "Both nodes and for_each", "An instance has one key. Keep one of the two: with `for_each`, `node` says where each instance runs.")
}

// metaText resolves the meta-arguments of a step or group, which may use what
// the site says.
func (b *builder) metaText(u *unit, at site) {
	m, args := &u.meta, u.args
	if v, ok := b.constant(u.scope, args.When, whenAttribute); ok {
		m.when = When(v.AsString())
	}
	if v, ok := b.constant(u.scope, args.OnFailure, onFailureAttribute); ok {
		m.tolerated = v.AsString() == "continue"
	}
	if v, ok := b.constant(u.scope, args.AllowEmpty, schema.Attribute{Name: "allow_empty", Type: cty.Bool}); ok {
		u.fan.allowEmpty = v.True()
	}
	m.maxParallel = b.count(u.scope, args.MaxParallel, "max_parallel")
	if u.within == nil {
		b.fanText(u)
	}
	b.dependsOn(u, at)
	b.duringText(u, at)

	m.enabled = b.metaExpression(u, args.Enabled, at)
	place := at
	place.node = u.within != nil && (u.fan.kind == overNodes || u.within.decl.Flawed) // that of the group
	m.node = b.metaExpression(u, args.Node, place)
	at.steps = false
	at.what = "an argument that must be known before the run"
	early := func(e hcl.Expression) *expression {
		x := b.metaExpression(u, e, at)
		if x != nil {
			m.needs.merge(&x.needs)
		}
		return x
	}
	m.description, m.verifies = early(args.Description), early(args.Verifies)
	b.wordsText(args)
	m.timeout, m.deadline = early(args.Timeout), early(args.Deadline)
	m.duration, m.stopTimeout = early(args.Duration), early(args.StopTimeout)
	m.locks = early(args.Locks)
	if r := args.Retry; r != nil {
		m.retry = map[string]*expression{
			"attempts": early(r.Attempts), "delay": early(r.Delay), "factor": early(r.Factor),
			"max_delay": early(r.MaxDelay), "jitter": early(r.Jitter), "on": early(r.On),
		}
	}
}

// wordsText reports numbers among the meta-arguments that are text (rule 18).
func (b *builder) wordsText(args *dsl.Meta) {
	c := compiler{ev: b.ev}
	for _, word := range []struct {
		source hcl.Expression
		want   cty.Type
		name   string
	}{{args.Description, cty.String, "description"}, {args.Verifies, cty.String, "verifies"}, {args.Locks, locksAttribute.Type, "locks"}} {
		if word.source != nil {
			c.literals(word.source, word.want, word.name)
		}
	}
	b.report(c.diags)
}

func (b *builder) metaExpression(u *unit, e hcl.Expression, at site) *expression {
	if e == nil {
		return nil
	}
	x, diags := u.scope.resolve(e, at)
	b.report(diags)
	if diags.HasErrors() {
		return nil
	}
	u.all.merge(&x.needs)
	return x
}

// dependsOn resolves a literal list of references to steps and groups.
func (b *builder) dependsOn(u *unit, at site) {
	at.what = "depends_on"
	for _, ref := range u.args.DependsOn {
		r := b.inList(u, ref, at)
		switch {
		case ref.Root == "module" && ref.Inner == nil:
			r.wholeModule(ref)
		case ref.Root == "module":
			r.problem(ref.Range, "Not a step", "From outside, a module is waited for as a whole: write %s without .%s.", r.short(ref), ref.Inner.Name)
		case !slices.Contains([]string{"step", "group", "local", "var"}, ref.Root):
			r.problem(ref.Range, "Not a step", "depends_on lists steps, such as step.a, instances of them, such as step.a[node.name], groups, such as group.g, and modules, such as module.m.")
		case len(ref.Rest) > 0 && ref.Name != "" && ref.Root == "group":
			r.problem(ref.Range, "Not a step", "From outside, a group is waited for as a whole: write %s without %s.", r.short(ref), restText(ref.Rest))
		case len(ref.Rest) > 0 && ref.Name != "":
			r.problem(ref.Range, "Not a step", "depends_on lists whole steps: write %s without %s.", r.short(ref), restText(ref.Rest))
		default:
			if plain := r.reference(ref); !plain && ref.Root == "var" && !r.diags.HasErrors() {
				r.problem(ref.Range, "Not a step", "depends_on lists what is waited for, and %s is no plain reference to a step in the call of the module.", r.short(ref))
			}
		}
		b.report(r.diags)
		u.meta.depends = append(u.meta.depends, r.out.uses...)
	}
}

// inList resolves the key of a reference in a literal list. It is evaluated at
// plan time; it makes no edge.
func (b *builder) inList(u *unit, ref dsl.Reference, at site) *resolver {
	r := &resolver{scope: u.scope, site: at, out: u.scope.expression(nil)}
	if ref.Key != nil {
		r.refs = dsl.References(ref.Key)
		for _, inner := range r.refs {
			r.reference(inner)
		}
	}
	r.out.uses = nil
	return r
}

// short is a reference up to its key, as one would write it.
func (r *resolver) short(ref dsl.Reference) string {
	text := ref.Root + "." + ref.Name
	if ref.Key != nil {
		text += "[" + keyText(ref.Key) + "]"
	}
	return text
}

// early evaluates what must be known before the run: what instances have
// besides their arguments.
func (ev *evaluator) early(u *unit, fr *frame, inst *Instance) hcl.Diagnostics {
	m := &u.meta
	d := ev.decoding(&m.needs, fr, nil)
	inst.Description = d.text(m.description, "description")
	inst.Verifies = d.text(m.verifies, "verifies")
	inst.Timeout = d.time(m.timeout, textAttributes["timeout"])
	inst.Deadline = d.time(m.deadline, textAttributes["deadline"])
	inst.Locks = d.locks(m.locks)
	if m.locks != nil && fr.guess && inst.Locks == nil && !d.diags.HasErrors() && u.bracketed() && !ev.static {
		d.problem(m.locks.Range(), "Locks that are not known", "The instances of %s are known only at run time, and what happens during what must not need the same locks: write locks that are the same for all of them.", u.address())
	}
	inst.Retry = d.retry(u, inst.Type != nil && inst.Type.Idempotent)
	return d.diags
}

func (d *decoding) text(x *expression, name string) string {
	if v, ok := d.known(x, textAttributes[name]); ok {
		return v.AsString()
	}
	return ""
}

func (d *decoding) time(x *expression, a schema.Attribute) time.Duration {
	if v, ok := d.known(x, a); ok {
		return duration(v)
	}
	return 0
}

// locks evaluates the names of locks.
func (d *decoding) locks(x *expression) []string {
	v, ok := d.known(x, locksAttribute)
	if !ok {
		return nil
	}
	var names []string
	for _, item := range v.AsValueSlice() {
		if item.IsNull() || item.AsString() == "" {
			d.problem(x.Range(), "A lock without a name", "`locks` is a list of names, such as [\"disk\"]; one of these is %s.", dsl.ValueText(item))
			continue
		}
		names = append(names, item.AsString())
	}
	return names
}

// known evaluates an expression whose value must be known now.
func (d *decoding) known(x *expression, a schema.Attribute) (cty.Value, bool) {
	if x == nil {
		return cty.NilVal, false
	}
	before := len(d.diags)
	v := d.argument(&argument{attr: &a, expr: x})
	if len(d.diags) > before || v.IsNull() {
		return cty.NilVal, false
	}
	if v.ContainsMarked() {
		d.diags = append(d.diags, exposed(a.Name, x.Range()))
		return cty.NilVal, false
	}
	if !v.IsWhollyKnown() {
		if !d.ev.static && (d.frame == nil || !d.frame.guess) {
			d.problem(x.Range(), fmt.Sprintf("%q is not known", a.Name), "It must be known before the run: use variables, locals, names and counts, but no addresses and no outputs of steps.")
		}
		return cty.NilVal, false
	}
	return v, true
}

// defaultRetry is what a retry block means where it says nothing.
var defaultRetry = Retry{Attempts: 3, Delay: time.Second, Factor: 2, MaxDelay: 30 * time.Second, On: []string{"any"}}

// retry evaluates the retry block. Without one, what is idempotent is repeated
// after transport trouble.
func (d *decoding) retry(u *unit, idempotent bool) Retry {
	r := defaultRetry
	if u.args.Retry == nil {
		if !idempotent {
			return Retry{Attempts: 1}
		}
		r.On = []string{"transport"}
		return r
	}
	get := func(name string) (cty.Value, *expression, bool) {
		x := u.meta.retry[name]
		v, ok := d.known(x, retryAttributes[name])
		return v, x, ok
	}
	if v, x, ok := get("attempts"); ok {
		n, diags := wholeNumber(v, 1, 1_000_000, `"attempts"`, x.Range())
		r.Attempts, d.diags = n, append(d.diags, diags...)
	}
	if v, _, ok := get("delay"); ok {
		r.Delay = duration(v)
	}
	if v, _, ok := get("max_delay"); ok {
		r.MaxDelay = duration(v)
	}
	r.MaxDelay = max(r.MaxDelay, r.Delay)
	if v, x, ok := get("factor"); ok {
		r.Factor = d.between(v, 1, 1000, "factor", x.Range())
	}
	if v, x, ok := get("jitter"); ok {
		r.Jitter = d.between(v, 0, 1, "jitter", x.Range())
	}
	if v, x, ok := get("on"); ok {
		r.On = d.classes(v, x.Range())
	}
	return r
}

func (d *decoding) between(v cty.Value, low, high float64, name string, rng hcl.Range) float64 {
	f, _ := v.AsBigFloat().Float64()
	if f < low || f > high {
		d.problem(rng, fmt.Sprintf("%q is out of range", name), "It is %s; it must be a number from %g to %g.", dsl.ValueText(v), low, high)
	}
	return f
}

func (d *decoding) classes(v cty.Value, rng hcl.Range) []string {
	var classes []string
	for _, item := range v.AsValueSlice() {
		if item.IsNull() || !slices.Contains(retryClasses, item.AsString()) {
			text := dsl.ValueText(item)
			d.problem(rng, "Unknown class of failures", "A retry has no class %s. %s%s", text, thereIs(retryClasses), dsl.Suggest(text, retryClasses))
			continue
		}
		classes = append(classes, item.AsString())
	}
	return classes
}

// wholeNumber reads a count.
func wholeNumber(v cty.Value, low, high int, what string, rng hcl.Range) (int, hcl.Diagnostics) {
	v, _ = v.Unmark()
	if v.IsNull() || v.Type() != cty.Number {
		return 0, problems(rng, "Not a whole number", "%s must be a whole number; it is %s.", capital(what), dsl.ValueText(v))
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact || n < int64(low) || n > int64(high) {
		return 0, problems(rng, "Not a whole number from "+fmt.Sprint(low), "%s must be a whole number from %d to %d; it is %s.", capital(what), low, high, dsl.ValueText(v))
	}
	return int(n), nil
}

// duration reads a duration that has been checked.
func duration(v cty.Value) time.Duration {
	d, err := schema.ParseDuration(v.AsString())
	if err != nil {
		return 0
	}
	return d
}
