// Package wait is the step type that waits until a probe holds.
package wait

import (
	"context"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/probe"
)

// patience is the limit of a step without a timeout.
const patience = 10 * time.Minute

const doc = "Waits until something holds: a command succeeds, a port is open, a unit is active, a log has a line.\n\n" +
	"It tries at once and then every `every`. With `stable` it must hold that long without a break. " +
	"The limit is the step's `timeout`, and 10 minutes without one; when it is over the step fails as a check that did not hold, " +
	"and shows what the last try saw, how often and how long it tried.\n\n" +
	"Without `node` or `nodes`, neither on the step nor in the block, it looks from the machine of the tool. Waiting takes no slot of `--parallel`."

// Type returns the step type `wait`.
func Type() steps.Type {
	return steps.Type{
		Name: "wait", Doc: doc,
		Placement: steps.MayHaveNode, Idempotent: true, Polls: true,
		Schema: schema.Block{Blocks: []schema.Nested{
			{Name: "until", Min: 1, Max: 1, Block: probe.Block(), Doc: "What must hold."},
		}},
		Outputs: []schema.Output{
			{Name: "tries", Type: cty.Number, Doc: "How often it tried."},
			{Name: "duration", Type: cty.Number, Doc: "How long it waited, in seconds."},
			{Name: "probe", Type: probe.Type, Printed: true, Doc: "What the last try saw."},
		},
		New: newStep,
	}
}

type step struct{ prober *probe.Prober }

var _ steps.Step = (*step)(nil)

func newStep(cfg cty.Value) (steps.Step, error) {
	p, err := probe.New(cfg.GetAttr("until"))
	if err != nil {
		return nil, fmt.Errorf("until: %w", err)
	}
	return &step{prober: p}, nil
}

// Run returns *steps.AssertionError when the time is over, the cause of ctx
// within.
func (s *step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	if _, limited := ctx.Deadline(); !limited {
		late := fmt.Errorf("still not after %s, the limit of a wait without timeout", patience)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, patience, late)
		defer cancel()
	}
	t := s.prober.Until(ctx, env, probe.Own)
	out := cty.ObjectVal(map[string]cty.Value{
		"tries": cty.NumberIntVal(int64(t.Tries)), "duration": cty.NumberFloatVal(t.Took.Seconds()), "probe": t.Last.Value(),
	})
	if t.Err != nil {
		return out, t.Failure(s.prober.Describe())
	}
	return out, nil
}
