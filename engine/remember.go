package engine

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// remember prepares what the journal and a resumed run need of an instance that
// has succeeded: its outputs as the journal will have them, its fingerprint, and
// its whole outputs where the journal must not have all of them. Without the
// latter two the instance runs again then, so no trouble here fails the run.
func (r *run) remember(i *plan.Instance, cfg cty.Value) {
	out, _ := r.memory.Output(i.ID)
	public, err := r.encoder.outputs(i.Type, out)
	if err != nil {
		return // the end of the instance tells of it
	}
	r.note(i.ID, func(o *outcome) { o.outputs = public })
	if r.Vault == nil || finaliser(i) {
		return
	}
	print, err := r.Plan.Fingerprint(r.Vault.Key(), i, cfg)
	secret := false
	if err == nil {
		secret, err = r.hide(i, out, public)
	}
	if err != nil {
		r.publish(events.Warning{Message: fmt.Sprintf("a resumed run will run %s again: %v", i.ID, err)})
		return
	}
	r.note(i.ID, func(o *outcome) { o.print, o.secret = print, secret })
}

// hide puts the outputs of an instance into the vault when the journal will
// lack a part of them.
func (r *run) hide(i *plan.Instance, out cty.Value, public json.RawMessage) (secret bool, err error) {
	if !hasSensitive(i.Type, out) && !r.redactor.touches(public) {
		return false, nil
	}
	whole, err := encodeTyped(out)
	if err != nil {
		return false, err
	}
	return true, r.Vault.KeepOutput(string(i.ID), whole)
}
