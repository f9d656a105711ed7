package plan

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// input makes an argument of a module call the type of the variable that it is
// for; what does not fit is a problem of the argument.
func (v *view) input(b *binding, value cty.Value) cty.Value {
	rng := b.source.Range()
	value, diags := b.input.Convert(value, rng)
	if v.diags = append(v.diags, diags...); diags.HasErrors() {
		return cty.DynamicVal
	}
	if b.input.Sensitive {
		value = value.Mark(sensitive)
		v.ev.secrets.reveal(value)
	}
	if known, ok := v.ev.planned.values[b]; ok && v.facts != nil && !known.value.IsWhollyKnown() {
		v.diags = append(v.diags, v.ev.validate(b, value)...)
	}
	return value
}

// validate holds the value of an input against the validations of its variable.
// The others that these use are as they were before the run.
func (ev *evaluator) validate(b *binding, value cty.Value) hcl.Diagnostics {
	if len(b.input.Validations) == 0 {
		return nil
	}
	vars := map[string]cty.Value{}
	for _, other := range b.home.inputs.list {
		vars[other.input.Name] = ev.planned.values[other].value
	}
	vars[b.input.Name] = value
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(vars)}, Functions: b.home.functions}
	diags := b.input.Validate(ctx)
	for _, d := range diags {
		if d.Expression != nil && d.Subject != nil && b.given {
			d.Detail += fmt.Sprintf(" The condition stands at %s.", place(*d.Subject))
			d.Subject = b.source.Range().Ptr() // who gave the value can mend it
		}
	}
	return diags
}

// inputs holds the inputs of all modules against their validations.
func (b *builder) inputs() {
	for _, s := range b.scopes {
		for _, x := range s.inputs.list {
			diags := s.validationText(x.input)
			if !x.broken && !diags.HasErrors() {
				diags = b.ev.validate(x, b.ev.planned.values[x].value)
			}
			b.report(diags)
		}
	}
}

// off says that an output is null, because its module is not enabled. Before the
// run it has its type all the same.
func (v *view) off(b *binding) bool {
	if b.output == nil || v.facts == nil || b.home.enabled == nil {
		return false
	}
	if b.home.off || v.world.making {
		return b.home.off
	}
	yes, err := b.home.enabled(v.facts)
	return err == nil && !yes
}

// blame says who gave a module the values that turned out to be wrong in it.
func (x *expression) blame(diags hcl.Diagnostics) {
	for _, b := range x.bindings {
		if !b.given || b.home != x.scope {
			continue
		}
		for _, diag := range diags {
			diag.Detail += fmt.Sprintf(" %s is given at %s.", b.title, place(b.source.Range()))
		}
	}
}

// besideModule says how a file is named that stands beside a module: the paths
// of arguments begin at the workflow's directory.
func (d *decoding) besideModule(x *expression, written string) string {
	here := d.ev.host
	here.Dir = x.scope.dir
	if x.scope.parent == nil || !here.Has(written) {
		return ""
	}
	return fmt.Sprintf(" The directory of the module has it: write \"${path.module}/%s\".", written)
}
