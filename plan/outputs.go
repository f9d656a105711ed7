package plan

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// outputs checks the outputs of the workflow and makes the function that a run
// asks at its end.
func (b *builder) outputs() {
	type output struct {
		decl *dsl.Output
		expr *expression
	}
	var list []output
	for _, decl := range b.in.Workflow.Outputs {
		if decl.Value == nil {
			continue // reported by the loader
		}
		x, diags := b.ev.root.resolve(decl.Value, site{what: "an output", steps: true, clusters: true})
		if !diags.HasErrors() {
			var v cty.Value
			v, diags = b.ev.evaluate(x, nil)
			if v.ContainsMarked() && !decl.Sensitive && !diags.HasErrors() {
				diags = problems(x.Range(), fmt.Sprintf("Output %q shows a secret", decl.Name), "Its value hangs on something sensitive. Write sensitive = true in the output, or leave that part out.")
			}
		}
		b.report(diags)
		list = append(list, output{decl, x})
	}
	ev := b.ev
	b.plan.Outputs = func(f Facts) ([]OutputValue, error) {
		var values []OutputValue
		var problems hcl.Diagnostics
		for _, o := range list {
			v, diags := ev.evaluate(o.expr, f)
			if problems = append(problems, diags...); diags.HasErrors() || !v.IsWhollyKnown() {
				v = cty.NullVal(cty.DynamicPseudoType)
			}
			if o.decl.Sensitive {
				v = v.Mark(sensitive)
			}
			values = append(values, OutputValue{Name: o.decl.Name, Value: ev.secrets.reveal(v), Sensitive: o.decl.Sensitive})
		}
		return values, ev.failure(problems)
	}
}

// evaluate evaluates an expression that belongs to no instance.
func (ev *evaluator) evaluate(x *expression, f Facts) (cty.Value, hcl.Diagnostics) {
	ctx, diags := ev.context(&x.needs, nil, f)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	v, more := dsl.EvaluateStrict(x.source, ctx)
	return v, append(diags, ev.hintNull(more, &x.needs, nil, f)...)
}
