// Package assert is the step type that checks a condition, once or with a probe
// over time.
package assert

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/probe"
)

const doc = "Checks that a condition is true. It fails with both operands of a comparison, what a probe saw last, how often and how long it tried.\n\n" +
	"Without a `probe` the condition is evaluated once. With one, the probe looks at the world first and the condition sees it as `probe`: " +
	"an object of `stdout`, `stderr`, `exit_code`, `status`, `body` and `headers` (names in lower case), where what its kind does not have is null. " +
	"Without a `condition` the probe itself must hold. With one only the condition counts, and `http.status` and `http.body` where they are written.\n\n" +
	"`within` means eventually: it tries again until the condition is true, at most that long. `hold` means consistently: once true, it must stay true that long. " +
	"With neither, one try decides.\n\n" +
	"`condition` and `error_message` are evaluated at every try, late in `probe` only; everything else in them is fixed at the start."

// Type returns the step type `assert`.
func Type() steps.Type {
	return steps.Type{
		Name: "assert", Doc: doc,
		Placement: steps.MayHaveNode, Idempotent: true, Polls: true,
		Schema: schema.Block{
			Attributes: []schema.Attribute{
				{Name: "condition", Kind: schema.Deferred, Type: cty.Bool, Late: probe.Type, Example: "length(cluster.web.server) == 2", Doc: "What must be true. Required without a `probe`."},
				{Name: "error_message", Kind: schema.Deferred, Type: cty.String, Late: probe.Type, Doc: "What a failure says; evaluated only then. Default: the text of the condition."},
				{Name: "within", Kind: schema.Duration, Doc: "How long it may take to become true. Needs a `probe`."},
				{Name: "hold", Kind: schema.Duration, Doc: "How long it must stay true. Needs a `probe`."},
			},
			Blocks: []schema.Nested{{Name: "probe", Max: 1, Block: probe.Block(), Doc: "What to look at."}},
			Check:  check,
		},
		Outputs: []schema.Output{
			{Name: "tries", Type: cty.Number, Doc: "How often it tried; 1 without a probe."},
			{Name: "duration", Type: cty.Number, Doc: "How long it took, in seconds."},
			{Name: "probe", Type: probe.Type, Printed: true, Doc: "What the last try saw; null without a probe."},
		},
		New: newStep,
	}
}

func check(cfg cty.Value) []schema.Problem {
	look := cfg.GetAttr("probe")
	written := !look.IsNull()
	var problems []schema.Problem
	if !written && cfg.GetAttr("condition").IsNull() {
		problems = append(problems, schema.Problem{Summary: "Nothing to check",
			Detail: "Write condition = ..., or a probe block that says what must hold, or both."})
	}
	for _, name := range []string{"within", "hold"} {
		if !written && !cfg.GetAttr(name).IsNull() {
			problems = append(problems, schema.Problem{Attribute: name, Summary: name + " needs a probe",
				Detail: "Without a probe the condition sees the same values at every try. Add a probe block that looks at the world, or remove " + name + "."})
		}
	}
	if written && look.IsKnown() && cfg.GetAttr("within").IsNull() && !look.GetAttr("stable").IsNull() {
		problems = append(problems, schema.Problem{Attribute: "probe.stable", Summary: "stable needs within",
			Detail: "Say how long it may take to become stable: within = \"1m\". To demand that it is true from the first try on, write hold instead."})
	}
	return append(problems, checkStable(cfg.GetAttr("within"), look)...)
}

// checkStable finds a time limit within which nothing can be stable.
func checkStable(within, look cty.Value) []schema.Problem {
	if within.IsNull() || !within.IsKnown() || look.IsNull() || !look.IsKnown() {
		return nil
	}
	stable := look.GetAttr("stable")
	if stable.IsNull() || !stable.IsKnown() {
		return nil
	}
	limit, err := schema.ParseDuration(within.AsString())
	hold, err2 := schema.ParseDuration(stable.AsString())
	if err != nil || err2 != nil || hold < limit {
		return nil
	}
	return []schema.Problem{{Attribute: "within", Summary: "within is too short for stable",
		Detail: fmt.Sprintf("Within %s nothing can be stable for %s. Write a longer within.", limit, hold)}}
}
