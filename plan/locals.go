package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// resolveLocal finds what a local needs, once. A cycle is a problem of the local
// that closes it.
func (s *scope) resolveLocal(l *local) hcl.Diagnostics {
	if l.expr != nil {
		return nil
	}
	if at := slices.Index(s.resolving, l); at >= 0 {
		last := s.resolving[len(s.resolving)-1]
		last.broken = true
		return hcl.Diagnostics{localCycle(s.resolving[at:])}
	}
	s.resolving = append(s.resolving, l)
	expr, diags := s.resolve(l.decl.Expr, site{what: "a local", steps: true, clusters: true})
	s.resolving = s.resolving[:len(s.resolving)-1]
	l.expr = expr
	l.broken = l.broken || diags.HasErrors()
	if !l.broken {
		_, l.plain = s.plain(l)
	}
	return diags
}

func localCycle(cycle []*local) *hcl.Diagnostic {
	var lines []string
	for i, l := range cycle {
		next := cycle[(i+1)%len(cycle)]
		lines = append(lines, fmt.Sprintf("  local.%s needs local.%s (%s)", l.name, next.name, place(l.decl.Range)))
	}
	return problem(cycle[0].decl.Range, "Locals need each other",
		"None of them can be evaluated first:\n%s", strings.Join(lines, "\n"))
}

// place is where something stands: "FILE:LINE".
func place(rng hcl.Range) string {
	return fmt.Sprintf("%s:%d", rng.Filename, rng.Start.Line)
}

// ofClusters says that a local is the same for all instances, but not before
// the addresses of nodes are known.
func (l *local) ofClusters() bool {
	return len(l.expr.clusters) > 0 && len(l.expr.uses) == 0
}

// locals checks all locals, and evaluates those that need no step.
func (b *builder) locals() {
	for _, l := range b.ev.root.locals.list {
		b.report(b.ev.root.resolveLocal(l))
		if len(l.expr.uses) == 0 {
			b.report(b.ev.shared(b.ev.planned, l).diags)
		}
	}
}

// stepLocals checks the locals that need steps. During the run, instances
// evaluate them again, each with the outputs that it needs.
func (b *builder) stepLocals() {
	for _, l := range b.ev.root.locals.list {
		if len(l.expr.uses) > 0 {
			b.report(b.ev.shared(b.ev.planned, l).diags)
		}
	}
}

// shared returns the value of a local that is the same for all instances,
// evaluated once in a world. With a problem, it is unknown.
func (ev *evaluator) shared(w *world, l *local) sharedLocal {
	if known, ok := w.locals[l.name]; ok {
		return known
	}
	made := sharedLocal{value: cty.DynamicVal}
	if !l.broken {
		ctx, diags := ev.contextIn(w, &l.expr.needs, nil, nil)
		if made.diags = diags; !diags.HasErrors() {
			made.value, made.diags = dsl.EvaluateStrict(l.expr.source, ctx)
		}
	}
	if made.diags.HasErrors() {
		made.value = cty.DynamicVal
	}
	if w.facts == nil && (l.broken || made.diags.HasErrors()) {
		ev.static = true // what follows from an unknown value is no news
	}
	w.locals[l.name] = made
	return made
}
