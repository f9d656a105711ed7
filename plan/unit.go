package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
)

// unit is what has instances: a step, or a group of steps.
type unit struct {
	name  string
	scope *scope
	// prefix is what the address begins with: "step", "group", or the type of an
	// added step.
	prefix string
	// within is the group that a step is part of, whose fan-out it shares; nil
	// outside of groups.
	within *group
	// args are the meta-arguments as they are written, rng the block's header.
	args *dsl.Meta
	rng  hcl.Range
	fan  *fanout
	meta meta
	// all is what the instances need, besides the keys of the fan-out.
	all needs
	// outputs is the type of the outputs of one instance, and unknown what they
	// are at plan time.
	outputs cty.Type
	unknown cty.Value
	// planned is what a reference to all instances means at plan time.
	planned cty.Value
	// joined says that something waits for all instances.
	joined bool
	roll   *dag.Roll
	// held says that something happens during it, and waiting what of that was
	// there when the keys of it were not known yet. Wide is how many vertices
	// happen during all instances.
	held    bool
	waiting []child
	wide    int
}

// part is a step or a group: exactly one of them.
type part struct {
	step  *step
	group *group
}

func (p part) unit() *unit {
	if p.group != nil {
		return &p.group.unit
	}
	return &p.step.unit
}

// steps lists the step, or those of the group.
func (p part) steps() []*step {
	if p.group != nil {
		return p.group.steps.list
	}
	return []*step{p.step}
}

// parts lists the steps and groups of a scope in the order of the files, those
// of modules where these are called.
func (s *scope) parts() []part {
	type placed struct {
		rng   hcl.Range
		parts []part
	}
	var list []placed
	for _, st := range s.steps.list {
		list = append(list, placed{st.rng, []part{{step: st}}})
	}
	for _, g := range s.groups.list {
		list = append(list, placed{g.rng, []part{{group: g}}})
	}
	for _, m := range s.modules.list {
		p := placed{rng: m.rng}
		for _, inner := range m.scopes {
			p.parts = append(p.parts, inner.parts()...)
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b placed) int {
		return cmp.Or(strings.Compare(a.rng.Filename, b.rng.Filename), cmp.Compare(a.rng.Start.Byte, b.rng.Start.Byte))
	})
	var parts []part
	for _, p := range list {
		parts = append(parts, p.parts...)
	}
	return parts
}

// guessKey is the key of the instance that stands for those of a fan-out whose
// keys are not known yet; no real key has a zero byte.
const guessKey = "\x00"

// address is that of an instance: step.x, or step.x["key"].
func address(prefix, name, key string, keyed bool) dag.ID {
	switch {
	case !keyed:
		return dag.ID(prefix + "." + name)
	case key == guessKey:
		return dag.ID(prefix + "." + name + "[...]")
	}
	return dag.ID(prefix + "." + name + "[" + strconv.Quote(key) + "]")
}

// address is that of all instances, and of the vertex that settles after them.
func (u *unit) address() string {
	if u.within != nil {
		return u.within.address() + "." + u.name
	}
	return u.scope.path + u.prefix + "." + u.name
}

func (u *unit) id(key string) dag.ID {
	if u.within != nil {
		return u.within.id(key) + dag.ID("."+u.name)
	}
	return dag.ID(u.scope.path) + address(u.prefix, u.name, key, u.fan.kind != single)
}

func (u *unit) join() dag.ID { return dag.ID(u.address()) }

// expander is the vertex that makes the instances of a late fan-out.
func (u *unit) expander() dag.ID { return dag.ID(u.address() + "[*]") }

// final says that it runs after the main steps.
func (u *unit) final() bool { return u.meta.when != OnSuccess }

// end is an instance as an end of edges.
func (u *unit) end(key string) end { return end{u.id(key), u.region(key)} }

// whole is a vertex for all instances as an end of edges.
func (u *unit) whole(id dag.ID) end { return end{id, u.outside()} }

// outside is the innermost region around all instances.
func (u *unit) outside() *region {
	if u.final() { // it waits for the end of the regions
		return nil
	}
	return u.scope.region
}

// region is the innermost one around an instance.
func (u *unit) region(key string) *region {
	if u.within != nil {
		return u.within.bracket(key)
	}
	return u.outside()
}

// bracketed says whether instances are spans or happen during some.
func (u *unit) bracketed() bool {
	return u.held || len(u.meta.during) > 0 || u.within != nil && u.within.bracketed()
}

// keyExample is a key of the fan-out for messages.
func (u *unit) keyExample() string {
	switch {
	case len(u.fan.frames) > 0:
		return strconv.Quote(u.fan.frames[0].key)
	case u.fan.kind == overEach:
		return "each.key"
	default:
		return "node.name"
	}
}

func (u *unit) unknownKey(key string, rng hcl.Range) *hcl.Diagnostic {
	var keys, shown []string
	for _, fr := range u.fan.frames {
		keys, shown = append(keys, fr.key), append(shown, strconv.Quote(fr.key))
	}
	has := "it has none"
	if len(keys) > 0 {
		has = "its keys are " + enumerate(shown)
	}
	return problem(rng, "No such instance", "%s has no instance %q; %s.%s", u.address(), key, has, dsl.Suggest(key, keys))
}

// settle prepares what references need when the keys have been looked for.
func (u *unit) settle() {
	fan := u.fan
	fan.index = make(map[string]int, len(fan.frames))
	values := make(map[string]cty.Value, len(fan.frames))
	for i, fr := range fan.frames {
		fan.index[fr.key] = i
		values[fr.key] = u.unknown
	}
	switch {
	case fan.broken || u.outputs == cty.NilType:
		u.planned = cty.DynamicVal
	case fan.late:
		u.planned = cty.UnknownVal(cty.Map(u.outputs))
	default:
		u.planned = mapOf(values, u.outputs)
	}
}
