package assert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/probe"
)

type step struct {
	condition, message *schema.Expression
	within, hold       time.Duration
	prober             *probe.Prober // nil without a probe

	operands []schema.Operand // of the last evaluation
}

var _ steps.Step = (*step)(nil)

func newStep(cfg cty.Value) (steps.Step, error) {
	s := &step{
		condition: schema.ExpressionOf(cfg.GetAttr("condition")),
		message:   schema.ExpressionOf(cfg.GetAttr("error_message")),
	}
	for name, into := range map[string]*time.Duration{"within": &s.within, "hold": &s.hold} {
		if v := cfg.GetAttr(name); !v.IsNull() {
			d, err := schema.ParseDuration(v.AsString())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			*into = d
		}
	}
	if block := cfg.GetAttr("probe"); !block.IsNull() {
		p, err := probe.New(block)
		if err != nil {
			return nil, fmt.Errorf("probe: %w", err)
		}
		s.prober = p
	}
	if s.prober == nil && s.condition == nil {
		return nil, errors.New("an assert needs a condition or a probe")
	}
	return s, nil
}

// errFalse is a condition that could be evaluated and is false.
var errFalse = errors.New("the condition is false")

// Run checks the condition. A failed check is *steps.AssertionError; without a
// probe an expression that cannot be evaluated is returned as it is.
func (s *step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	if s.prober == nil {
		return s.once()
	}
	t := s.look(ctx, env)
	out := output(t.Tries, t.Took, t.Last.Value())
	if t.Err == nil {
		return out, nil
	}
	failed := t.Failure(s.text())
	failed.Operands = s.operands
	if errors.Is(t.Err, errFalse) {
		failed.Err = nil
	}
	failed.Message = s.explain(env, t.Last.Value())
	return out, failed
}

func output(tries int, took time.Duration, seen cty.Value) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"tries": cty.NumberIntVal(int64(tries)), "duration": cty.NumberFloatVal(took.Seconds()), "probe": seen,
	})
}

func (s *step) once() (cty.Value, error) {
	begin := time.Now()
	err := s.evaluate(cty.NilVal)
	took := time.Since(begin)
	out := output(1, took, cty.NullVal(probe.Type))
	if !errors.Is(err, errFalse) {
		return out, err
	}
	failed := &steps.AssertionError{Condition: s.text(), Operands: s.operands, Tries: 1, Took: took}
	message, err := s.errorMessage(cty.NilVal)
	if err != nil {
		return out, errors.Join(failed, err)
	}
	failed.Message = message
	return out, failed
}

// look tries once, or until within is over, and then as long as hold says.
func (s *step) look(ctx context.Context, env steps.Env) probe.Tally {
	var t probe.Tally
	if s.within > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, s.within, fmt.Errorf("no try ended within %s", s.within))
		t = s.prober.Until(limited, env, s.verdict)
		cancel()
	} else if s.hold == 0 {
		t = s.prober.Once(ctx, env, s.verdict)
	}
	if t.Err != nil || s.hold == 0 {
		return t
	}
	held := s.prober.Hold(ctx, env, s.verdict, s.hold)
	if held.Err != nil && !errors.Is(held.Err, context.Cause(ctx)) {
		held.Err = fmt.Errorf("it did not hold for %s, only for %s: %w", s.hold, held.Took.Round(time.Millisecond), held.Err)
	}
	held.Tries += t.Tries
	held.Took += t.Took
	return held
}

// verdict is that of the condition, or without one that of the probe.
func (s *step) verdict(r probe.Result) error {
	if s.condition == nil || r.Unmet {
		return r.Err
	}
	err := s.evaluate(r.Value())
	if err != nil && !errors.Is(err, errFalse) && r.Err != nil {
		// An expression that cannot cope with what a failed try lacks: the
		// reason is the try.
		return fmt.Errorf("%w (%w)", r.Err, err)
	}
	return err
}

// evaluate returns nil when the condition is true, and errFalse when it is not.
func (s *step) evaluate(seen cty.Value) error {
	v, operands, err := s.condition.Eval(seen)
	s.operands = operands
	if err != nil {
		return err
	}
	v, _ = v.Unmark()
	switch {
	case v.IsNull():
		return fmt.Errorf("the condition %s is null, not true or false", s.condition.Text)
	case !v.IsKnown() || v.Type() != cty.Bool:
		return fmt.Errorf("the condition %s is %s, not true or false", s.condition.Text, v.Type().FriendlyName())
	case v.False():
		return errFalse
	}
	return nil
}

func (s *step) text() string {
	if s.condition == nil {
		return s.prober.Describe()
	}
	return s.condition.Text
}

// explain is errorMessage for a failure that must not be hidden by its message.
func (s *step) explain(env steps.Env, seen cty.Value) string {
	message, err := s.errorMessage(seen)
	if err != nil {
		_, _ = io.WriteString(env.Stderr, err.Error()+"\n")
	}
	return message
}

// errorMessage evaluates error_message; empty without one.
func (s *step) errorMessage(seen cty.Value) (string, error) {
	if s.message == nil {
		return "", nil
	}
	v, _, err := s.message.Eval(seen)
	if err != nil {
		return "", fmt.Errorf("error_message: %w", err)
	}
	v, marks := v.Unmark()
	if len(marks) > 0 {
		return "the message holds a sensitive value and is not shown", nil
	}
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", fmt.Errorf("error_message is %s, not a string", v.Type().FriendlyName())
	}
	return v.AsString(), nil
}
