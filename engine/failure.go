package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// limitError is the cause of a context that ends because a limit of the
// workflow is reached.
type limitError struct {
	limit time.Duration
	// name is the argument: "timeout" or "deadline".
	name string
}

func (e *limitError) Error() string {
	return fmt.Sprintf("timed out: %s = %q is over", e.name, e.limit)
}

// describeFailure turns an error into what reports say about it.
func describeFailure(err error) events.Failure {
	f := events.Failure{Class: classOf(err), Message: err.Error()}
	var (
		exit      *backends.ExitError
		assertion *steps.AssertionError
		trouble   *backends.TroubleError
		source    *plan.Error
		panicked  *dag.PanicError
	)
	if errors.As(err, &exit) {
		f.Command, f.ExitCode, f.Signal = exit.Args, exit.Code, exit.Signal
	}
	if errors.As(err, &assertion) {
		f.Condition, f.Tries = assertion.Condition, assertion.Tries
		f.Operands, f.Observed = operands(assertion.Operands), operands(assertion.Observed)
	}
	if errors.As(err, &trouble) {
		f.Hint = trouble.Hint
	}
	if errors.As(err, &source) {
		f.Source, f.Snippet = sourceOf(source), source.Snippet()
	}
	if errors.As(err, &panicked) {
		f.Hint = "this is a bug of the step type, not of the workflow: please report it with the stack in the log"
	}
	return f
}

// hush takes out of a failure what the step observed: all that is sensitive. The
// redactor would miss what is too short to be looked for.
func hush(f *events.Failure) {
	for _, list := range [][]events.Operand{f.Operands, f.Observed} {
		for i := range list {
			list[i].Value = redacted
		}
	}
	if f.Condition != "" {
		f.Message = f.Condition + ": it did not hold; why is sensitive"
	}
}

// classOf finds the class of an error. A limit comes first, because a step
// that runs out of time fails in many ways; an assertion comes before what its
// last try ran into, and a wrong argument before the command that found it.
func classOf(err error) events.FailureClass {
	var (
		limit     *limitError
		exit      *backends.ExitError
		assertion *steps.AssertionError
		trouble   *backends.TroubleError
		source    *plan.Error
		panicked  *dag.PanicError
		region    *dag.LimitError
	)
	switch {
	case errors.As(err, &panicked):
		return events.ClassPanic
	case errors.As(err, &limit), errors.As(err, &region):
		return events.ClassTimeout
	case errors.As(err, &assertion):
		return events.ClassAssert
	case errors.As(err, &trouble):
		return events.ClassTransport
	case errors.As(err, &source):
		return events.ClassInput
	case errors.As(err, &exit):
		return events.ClassExitCode
	}
	return events.ClassOther
}

// exitOf says what a failed instance makes of the run. Machines that cannot be
// made are trouble, those that cannot be removed are a failed clean-up.
func exitOf(i *plan.Instance, class events.FailureClass) int {
	if i.Type != nil {
		switch i.Type.Role {
		case steps.Provisions:
			return exitTrouble
		case steps.Destroys:
			return exitCleanup
		}
	}
	if class == events.ClassTransport || class == events.ClassPanic {
		return exitTrouble
	}
	return exitFailed
}

// limited adds the limit to an error when that is why the context ended.
func limited(ctx context.Context, err error) error {
	if err == nil || errors.As(err, new(*limitError)) {
		return err
	}
	var region *dag.LimitError
	if errors.As(context.Cause(ctx), &region) {
		return region
	}
	var limit *limitError
	if !errors.As(context.Cause(ctx), &limit) {
		return err
	}
	var assertion *steps.AssertionError
	if errors.As(err, &assertion) {
		return fmt.Errorf("%w: %w", limit, err)
	}
	return limit
}

// located shows a wrong argument where it is written.
func located(i *plan.Instance, err error) error {
	var wrong *steps.ArgumentError
	if errors.As(err, &wrong) {
		return i.Refuse(wrong.Argument, wrong.Err)
	}
	return err
}

// sourceOf says where the first problem stands.
func sourceOf(e *plan.Error) string {
	for _, d := range e.Diags {
		if d.Subject != nil {
			return fmt.Sprintf("%s:%d", d.Subject.Filename, d.Subject.Start.Line)
		}
	}
	return ""
}

func operands(list []schema.Operand) []events.Operand {
	out := make([]events.Operand, len(list))
	for i, o := range list {
		out[i] = events.Operand(o)
	}
	return out
}
