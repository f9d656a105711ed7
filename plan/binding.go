package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// binding is a named expression: a local, an input of a module, or an output of
// one. A reference to it stands for its expression, in the scope where that is
// written (rule 1).
type binding struct {
	// title is how people call it: local.x, var.x, module.m.x.
	title string
	// local is the name of a local; empty for others.
	local string
	// home is the scope that has the name; for an output, that of the module.
	home   *scope
	source hcl.Expression
	// scope is where the expression is written: that of the caller for an input.
	// Frame is the instance of the call whose input it is; nil for all others.
	scope *scope
	frame *frame
	// at is what the expression may use.
	at  site
	rng hcl.Range
	// input is the variable that the value is for, output what it is the value
	// of; at most one is set.
	input *dsl.Variable
	// given says that the call has an argument for the variable.
	given  bool
	output *dsl.Output

	// expr is nil before its references are resolved.
	expr *expression
	// broken ones have problems; their value is unknown.
	broken   bool
	problems hcl.Diagnostics
	// plain ones are references to a step or group and nothing more: that is
	// the first of what the expression uses.
	plain bool
}

// resolve finds what the expression needs, once. A cycle is a problem of the
// binding that closes it.
func (b *binding) resolve() {
	if b.expr != nil {
		return
	}
	open := &b.scope.ev.resolving
	if at := slices.Index(*open, b); at >= 0 {
		last := (*open)[len(*open)-1]
		last.broken = true
		last.problems = append(last.problems, bindingCycle((*open)[at:]))
		return
	}
	*open = append(*open, b)
	r := b.scope.resolver(b.source, b.at)
	diags := r.all()
	*open = (*open)[:len(*open)-1]
	b.problems = append(b.problems, diags...)
	b.broken = b.broken || diags.HasErrors()
	b.expr, b.plain = r.out, r.plain && !b.broken
	r.out.needs = r.out.in(b.frame)
	if b.frame != nil && r.out.each { // what the keys need, their values need
		if fan := b.frame.fan; fan != nil && fan.expr != nil && fan.from == nil {
			r.out.borrow(&fan.expr.needs)
		}
	}
	b.conditions()
	b.scope.ev.bindings = append(b.scope.ev.bindings, b)
}

// conditions makes an output wait for what enables its module: when that is not
// enabled, the output is null (rule 7).
func (b *binding) conditions() {
	if b.output == nil {
		return
	}
	for s := b.home; s.parent != nil; s = s.parent {
		if x := s.call.condition(); x != nil {
			lent := x.needs.in(s.frame)
			b.expr.borrow(&lent)
		}
	}
}

// in are the needs of an expression that is evaluated for an instance.
func (n *needs) in(fr *frame) needs {
	made := *n.scope.ev.chosen(n, fr)
	made.uses = slices.Clone(made.uses)
	for i := range made.uses {
		if made.uses[i].frame == nil && fr != nil && fr.keyed {
			made.uses[i].frame = fr
		}
	}
	return made
}

func bindingCycle(cycle []*binding) *hcl.Diagnostic {
	summary := "Locals need each other"
	var lines []string
	for i, b := range cycle {
		next := cycle[(i+1)%len(cycle)]
		if b.input != nil || b.output != nil {
			summary = "Values need each other"
		}
		lines = append(lines, fmt.Sprintf("  %s needs %s (%s)", b.title, next.title, place(b.rng)))
	}
	return problem(cycle[0].rng, summary, "None of them can be evaluated first:\n%s", strings.Join(lines, "\n"))
}

// place is where something stands: "FILE:LINE".
func place(rng hcl.Range) string {
	return fmt.Sprintf("%s:%d", rng.Filename, rng.Start.Line)
}

// stable says that the value is the same for all instances.
func (b *binding) stable() bool { return b.broken || len(b.expr.uses) == 0 }

// ofClusters says that the value is the same for all instances, but not before
// the addresses of nodes are known.
func (b *binding) ofClusters() bool { return b.stable() && len(b.expr.clusters) > 0 }

// bindings checks all named expressions, and evaluates those that need no step.
func (b *builder) bindings() {
	for _, s := range b.scopes {
		for _, x := range s.bindings() {
			x.resolve()
			b.report(x.problems)
			if x.stable() {
				b.report(b.ev.shared(b.ev.planned, x).diags)
			}
		}
	}
}

// laterBindings checks those that need steps. During the run, instances evaluate
// them again, each with the outputs that it needs.
func (b *builder) laterBindings() {
	for _, s := range b.scopes {
		for _, x := range s.bindings() {
			if !x.stable() {
				b.report(b.ev.shared(b.ev.planned, x).diags)
			}
		}
	}
}

// bindings lists the named expressions of a scope.
func (s *scope) bindings() []*binding {
	return slices.Concat(s.inputs.list, s.locals.list, s.outputs.list)
}

// sharedValue is the value of a binding that is the same for all instances.
type sharedValue struct {
	value cty.Value
	diags hcl.Diagnostics
}

// shared returns the value of a binding that is the same for all instances,
// evaluated once in a world. With a problem, it is unknown.
func (ev *evaluator) shared(w *world, b *binding) sharedValue {
	if known, ok := w.values[b]; ok {
		return known
	}
	made := sharedValue{value: cty.DynamicVal}
	if !b.broken {
		v := view{ev: ev, world: w, needs: &b.expr.needs, frame: b.frame, facts: w.facts}
		v.bindings()
		if made.value = v.evaluate(b); v.diags.HasErrors() {
			made.value = cty.DynamicVal
		}
		made.diags = v.diags
	}
	if w.facts == nil && (b.broken || made.diags.HasErrors()) {
		ev.static = true // what follows from an unknown value is no news
	}
	w.values[b] = made
	return made
}
