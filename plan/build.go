package plan

import (
	"fmt"
	"math"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// Build checks a workflow as far as it can be checked before anything starts
// and makes its plan. Diagnostics come all at once, sorted by place. The plan is
// nil when one of them is an error. The same input gives the same plan.
func Build(in Input) (*Plan, hcl.Diagnostics) {
	b := newBuilder(in)
	b.variables()
	b.declare(b.ev.root, in.Workflow)
	b.variant()
	b.backends()
	b.clusters()
	b.settings()
	b.modules(b.ev.root)
	b.bindings()
	b.steps()
	b.fanOuts()
	b.laterBindings()
	b.inputs()
	b.spans()
	b.checkRoles()
	b.instances()
	b.finalisers()
	b.outputs()
	b.close()
	b.idle()
	diags := dsl.Sort(b.diags)
	if diags.HasErrors() {
		return nil, diags
	}
	b.forecast()
	return b.plan, diags
}

// builder collects the plan and its problems. What is needed after the plan is
// made lives in the evaluator, which does not change any more then.
type builder struct {
	in    Input
	ev    *evaluator
	plan  *Plan
	diags hcl.Diagnostics

	// parts are the steps and groups of the file between the steps that the plan
	// adds; all are their steps.
	parts []part
	all   []*step
	// scopes are the workflow and all instances of modules, calls what makes
	// those.
	scopes []*scope
	calls  []*module
	// doubles have the name of another step, which the loader has reported: only
	// their text is checked.
	doubles []*step

	// graph is what the plan's graph is made from. guesses are the instances that
	// late fan-outs may get: they count for cycles only.
	graph, guesses draft
	// astray says that something is wrong with what happens during what: that
	// nothing happens during a span is no news then.
	astray bool
}

func newBuilder(in Input) *builder {
	w := in.Workflow
	secrets := &secrets{known: map[string]bool{}}
	b := &builder{
		in: in,
		ev: newEvaluator(in, secrets),
		plan: &Plan{
			Name: w.Name, Description: w.Description, Dir: w.Dir, Run: in.Run,
			Graph: dag.New[*Instance](), Files: w.Files, secrets: secrets, digests: in.digests(),
			later: map[dag.ID][]dag.ID{},
		},
	}
	b.ev.open = b.open
	return b
}

func (b *builder) report(diags hcl.Diagnostics) {
	b.diags = append(b.diags, diags...)
}

func (b *builder) problem(rng hcl.Range, summary, detail string, args ...any) {
	b.diags = append(b.diags, problem(rng, summary, detail, args...))
}

// constant evaluates an expression that must be known before the run and may
// use variables and locals only. False means that there is no such value, for a
// reason that has been reported or, in a static plan, cannot be known.
func (b *builder) constant(s *scope, e hcl.Expression, a schema.Attribute) (cty.Value, bool) {
	if e == nil {
		return cty.NilVal, false
	}
	x, diags := s.resolve(e, site{what: fmt.Sprintf("%q, which must be known before the run,", a.Name)})
	var v cty.Value
	if !diags.HasErrors() {
		d := b.ev.decoding(&x.needs, nil, nil)
		v = d.argument(&argument{attr: &a, expr: x})
		diags = d.diags
	}
	b.report(diags)
	if diags.HasErrors() || v.IsNull() {
		return cty.NilVal, false
	}
	if v.ContainsMarked() {
		b.report(hcl.Diagnostics{exposed(a.Name, x.Range())})
		return cty.NilVal, false
	}
	return v, v.IsWhollyKnown()
}

// settings evaluates the arguments of the workflow block.
func (b *builder) settings() {
	s, root := b.in.Workflow.Settings, b.ev.root
	if v, ok := b.constant(root, s.Timeout, schema.Attribute{Name: "timeout", Kind: schema.Duration}); ok {
		b.plan.Settings.Timeout = duration(v)
	}
	b.plan.Settings.MaxParallel = b.count(root, s.MaxParallel, "max_parallel")
	if v, ok := b.constant(root, s.FailFast, schema.Attribute{Name: "fail_fast", Type: cty.Bool}); ok {
		b.plan.Settings.FailFast = v.True()
	}
}

// count evaluates a whole number from 1; zero means that there is none.
func (b *builder) count(s *scope, e hcl.Expression, name string) int {
	v, ok := b.constant(s, e, schema.Attribute{Name: name, Type: cty.Number})
	if !ok {
		return 0
	}
	n, diags := wholeNumber(v, 1, math.MaxInt32, fmt.Sprintf("%q", name), e.Range())
	b.report(diags)
	return n
}
