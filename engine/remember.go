package engine

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// remember prepares what a resumed run will need of an instance that has
// succeeded: its fingerprint, and its outputs where the journal must not have
// all of them. Without them the instance runs again then, so no trouble here
// fails the run.
func (r *run) remember(i *plan.Instance, cfg cty.Value) {
	if r.Vault == nil || finaliser(i) {
		return
	}
	print, err := r.Plan.Fingerprint(r.Vault.Key(), i, cfg)
	secret := false
	if err == nil {
		secret, err = r.hide(i)
	}
	if err != nil {
		r.publish(events.Warning{Message: fmt.Sprintf("a resumed run will run %s again: %v", i.ID, err)})
		return
	}
	r.note(i.ID, func(o *outcome) { o.print, o.secret = print, secret })
}

// hide puts the outputs of an instance into the vault when the journal will
// lack a part of them.
func (r *run) hide(i *plan.Instance) (secret bool, err error) {
	out, ok := r.memory.Output(i.ID)
	if !ok || out.IsNull() {
		return false, nil
	}
	whole, err := encodeTyped(out)
	if err != nil {
		return false, err
	}
	if len(sensitiveOutputs(i.Type, out)) == 0 && !r.redactor.touches(whole) {
		return false, nil
	}
	return true, r.Vault.KeepOutput(string(i.ID), whole)
}
