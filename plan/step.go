package plan

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// step is a step of the workflow, or one that the plan adds.
type step struct {
	name  string
	scope *scope
	// prefix is what the address begins with: "step", or the type of an added
	// one.
	prefix string
	decl   *dsl.Step
	// typ is nil when the type is unknown: such a step has no instances.
	typ     *steps.Type
	outputs cty.Type
	// unknown are the outputs of one instance at plan time.
	unknown cty.Value
	// planned is what a reference to the whole step means at plan time.
	planned cty.Value
	meta    meta
	body    *block
	fan     *fanout
	// all is what the instances need, besides the keys of the fan-out.
	all needs
	// joined says that something waits for all instances.
	joined bool
	roll   *dag.Roll
}

// address is that of an instance: step.x, or step.x["key"].
func address(prefix, step, key string, keyed bool) dag.ID {
	if !keyed {
		return dag.ID(prefix + "." + step)
	}
	return dag.ID(prefix + "." + step + "[" + strconv.Quote(key) + "]")
}

// address is that of the whole step, and of the vertex that settles after all
// instances.
func (st *step) address() string { return st.scope.path + st.prefix + "." + st.name }

func (st *step) id(key string) dag.ID {
	return dag.ID(st.scope.path) + address(st.prefix, st.name, key, st.fan.kind != single)
}

func (st *step) join() dag.ID { return dag.ID(st.address()) }

// expander is the vertex that makes the instances of a late fan-out.
func (st *step) expander() dag.ID { return dag.ID(st.address() + "[*]") }

func (st *step) added() bool { return st.prefix != "step" }

// final says that the step runs after the main ones.
func (st *step) final() bool { return st.meta.when != OnSuccess }

func (st *step) role() steps.Role {
	if st.typ == nil {
		return steps.Ordinary
	}
	return st.typ.Role
}

func (st *step) secretOutputs() bool {
	return slices.ContainsFunc(st.typ.Outputs, func(o schema.Output) bool { return o.Sensitive })
}

// keyExample is a key of the fan-out for messages.
func (st *step) keyExample() string {
	switch {
	case len(st.fan.frames) > 0:
		return strconv.Quote(st.fan.frames[0].key)
	case st.fan.kind == overEach:
		return "each.key"
	default:
		return "node.name"
	}
}

func (st *step) unknownKey(key string, rng hcl.Range) *hcl.Diagnostic {
	var keys, shown []string
	for _, fr := range st.fan.frames {
		keys, shown = append(keys, fr.key), append(shown, strconv.Quote(fr.key))
	}
	has := "it has none"
	if len(keys) > 0 {
		has = "its keys are " + enumerate(shown)
	}
	return problem(rng, "No such instance", "%s has no instance %q; %s.%s", st.address(), key, has, dsl.Suggest(key, keys))
}

// declareSteps makes the steps of the file known by name and finds their types.
func (b *builder) declareSteps() {
	for _, decl := range b.in.Workflow.Steps {
		st := newStep(b.ev.root, "step", decl, b.stepType(decl.Type))
		if st.typ == nil {
			names := b.stepTypeNames()
			b.problem(decl.TypeRange, fmt.Sprintf("Unknown step type %q", decl.Type), "%s%s",
				thereIs(names), dsl.Suggest(decl.Type, names))
		}
		if !b.ev.root.steps.add(decl.Name, st) {
			b.doubles = append(b.doubles, st)
		}
	}
}

func newStep(s *scope, prefix string, decl *dsl.Step, typ *steps.Type) *step {
	st := &step{name: decl.Name, scope: s, prefix: prefix, decl: decl, typ: typ}
	st.fan = &fanout{owner: st, kind: fanKindOf(decl, typ)}
	st.meta.when, st.meta.needs.scope = OnSuccess, s
	if typ == nil {
		return st
	}
	st.outputs = schema.OutputType(typ.Outputs)
	attrs := make(map[string]cty.Value, len(typ.Outputs))
	for _, o := range typ.Outputs {
		attrs[o.Name] = cty.UnknownVal(o.Type)
		if o.Sensitive {
			attrs[o.Name] = attrs[o.Name].Mark(sensitive)
		}
	}
	st.unknown = cty.ObjectVal(attrs)
	return st
}

func (b *builder) stepType(name string) *steps.Type {
	for i := range b.in.Steps {
		if b.in.Steps[i].Name == name {
			return &b.in.Steps[i]
		}
	}
	return nil
}

func (b *builder) stepTypeNames() []string {
	var names []string
	for _, t := range b.in.Steps {
		names = append(names, t.Name)
	}
	return names
}

// steps resolves the references of all steps and evaluates what is the same for
// their instances. Then the clusters that are used are known, and what the file
// leaves out is added.
func (b *builder) steps() {
	for _, st := range b.ev.root.steps.list {
		b.stepText(st)
	}
	for _, st := range b.doubles {
		b.stepText(st)
	}
	b.addSteps()
}

// stepText checks the text of a step.
func (b *builder) stepText(st *step) {
	if st.typ != nil {
		b.placement(st)
	}
	b.metaText(st)
	if st.typ != nil {
		c := compiler{ev: b.ev, scope: st.scope, site: b.siteOf(st, "an argument of a step"), meta: true}
		st.body = c.block(st.decl.Body, &st.typ.Schema, st.decl.Range, fmt.Sprintf("step type %q", st.typ.Name))
		b.report(c.diags)
		st.all.merge(&st.body.needs)
		if st.fan.kind == overCluster {
			st.fan.expr = st.body.clusterArgument()
		}
	}
}

// mistyped says whether an unknown argument, which is reported as such, may be
// one of these meta-arguments: then nothing that follows from its absence is
// news.
func (st *step) mistyped(names ...string) bool {
	if st.typ == nil {
		return false
	}
	attrs, _ := st.decl.Body.JustAttributes() // blocks are no arguments
	known, _ := st.typ.Schema.Names()
	for name := range attrs {
		if !slices.Contains(known, name) && dsl.Suggest(name, names) != "" {
			return true
		}
	}
	return false
}

// siteOf is what the arguments of a step may use.
func (b *builder) siteOf(st *step, what string) site {
	at := site{what: what, steps: true, clusters: true}
	at.each = st.fan.kind == overEach || st.mistyped("for_each")
	at.node = st.fan.kind == overNodes || st.fan.kind == overCluster || st.decl.Meta.Node != nil || st.mistyped("node", "nodes")
	if st.fan.kind == overEach && st.decl.Meta.ForEach != nil {
		at.from = st.scope.keysFrom(st.decl.Meta.ForEach)
	}
	return at
}
