package plan

import (
	"fmt"

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
	return value
}

// off says that an output is null, because its module is not enabled. Before the
// run it has its type all the same.
func (v *view) off(b *binding) bool {
	if b.output == nil || v.facts == nil || b.home.enabled == nil {
		return false
	}
	yes, err := b.home.enabled(v.facts)
	return err == nil && !yes
}

// origin says who gave a module a value that turned out to be wrong in it.
func (n *needs) origin() string {
	for _, b := range n.bindings {
		if b.input != nil && b.frame == nil && b.home == n.scope && b.scope != b.home {
			return fmt.Sprintf(" %s is given at %s.", b.title, place(b.source.Range()))
		}
	}
	return ""
}
