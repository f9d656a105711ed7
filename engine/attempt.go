package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// work repeats an instance until it succeeds or may not be repeated.
func (r *run) work(ctx context.Context, i *plan.Instance, control dag.Control[*plan.Instance]) (dag.Result, error) {
	cfg, err := i.Configure(r.memory)
	r.redactor.add(r.Secrets()...)
	if err != nil {
		return dag.Result{}, err
	}
	begun := time.Now()
	ctx, cancel := limit(ctx, i.Deadline, "deadline")
	defer cancel()
	for n := 1; ; n++ {
		failure, err := r.attempt(ctx, i, cfg, n)
		if err == nil {
			r.remember(i, cfg)
			return dag.Result{}, nil
		}
		wait := backoff(i, r.Plan.Run.Seed, n)
		late := i.Deadline > 0 && time.Since(begun)+wait >= i.Deadline
		if ctx.Err() != nil || late || n >= attempts(i) || !failure.Repeatable {
			return dag.Result{}, err
		}
		r.publish(events.AttemptFailed{Address: string(i.ID), Attempt: n, Failure: failure, Wait: wait})
		if control.Idle(ctx, pause(wait)) != nil {
			return dag.Result{}, err // the run was cancelled meanwhile
		}
	}
}

// attempt runs the step once and remembers what came of it.
func (r *run) attempt(ctx context.Context, i *plan.Instance, cfg cty.Value, n int) (events.Failure, error) {
	log := r.newLogs(i.ID, r.logName(n))
	r.note(i.ID, func(o *outcome) { o.attempts = n })
	if n > 1 || !certain(i) {
		r.publish(attemptStarted(i, n))
	}
	ctx, cancel := limit(ctx, i.Timeout, "timeout")
	defer cancel()
	begun := time.Now()
	commands := &recorder{over: ctx.Done()}
	out, err := r.call(ctx, i, cfg, log, commands)
	r.redactor.add(r.Secrets()...) // expressions may have been evaluated meanwhile
	if err == nil {
		err = r.store(i, out)
	} else {
		err = limited(ctx, located(i, err))
		// What a failed step returns is a courtesy; the error counts.
		_ = r.store(i, out)
	}
	if logErr := log.close(); logErr != nil {
		lost := &backends.TroubleError{Op: "write the log of " + string(i.ID), Err: logErr, Hint: roomHint}
		err = errors.Join(lost, err)
	}
	if err == nil {
		r.note(i.ID, func(o *outcome) { o.failure = nil })
		return events.Failure{}, nil
	}
	failure := describeFailure(err)
	if i.Sensitive {
		hush(&failure)
	}
	failure.Repeatable = repeats(i.Retry, failure.Class)
	failure.Took, failure.Tail, failure.Log = time.Since(begun), log.lines(), log.file()
	if failure.Command == nil && failure.Class == events.ClassTimeout {
		failure.Command = commands.last()
	}
	r.note(i.ID, func(o *outcome) { o.failure = &failure })
	return failure, err
}

// logName names the logs of an attempt: "2" for the second one, "3-2" when that
// is in the third go at the run.
func (r *run) logName(n int) string {
	if r.Resume == nil {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d-%d", r.Resume.Run.Goes+1, n)
}

// certain says that a vertex which the executor starts does work: nothing is
// left to be asked. Its start is published by the coordinator, so that two
// runs of a plan record the same order.
func certain(i *plan.Instance) bool {
	return i.Kind == plan.Work && i.Enabled == nil && !finaliser(i)
}

func attemptStarted(i *plan.Instance, n int) events.InstanceStarted {
	return events.InstanceStarted{
		Address: string(i.ID), Type: i.Type.Name, Node: i.Node, Attempt: n, Attempts: attempts(i),
		Description: i.Description, Log: logFolder(i.ID),
	}
}

// call makes the step and runs it; a panic becomes an error, its stack goes to
// the log.
func (r *run) call(ctx context.Context, i *plan.Instance, cfg cty.Value, log *logs, commands *recorder) (out cty.Value, err error) {
	defer func() {
		if value := recover(); value != nil {
			panicked := &dag.PanicError{Value: value, Stack: debug.Stack()}
			fmt.Fprintf(&log.stderr, "%v\n%s", panicked, panicked.Stack)
			out, err = cty.NilVal, panicked
		}
	}()
	env := steps.Env{
		Address: string(i.ID),
		Run:     r.Plan.Run.ID, Dir: r.Plan.Run.Dir, WorkflowDir: r.Plan.Dir,
		Local:    commands.around(r.Local),
		Machines: r.machines,
		Stdout:   &log.stdout, Stderr: &log.stderr,
		Progress: func(line string) {
			if i.Sensitive {
				return
			}
			r.publish(events.InstanceProgress{Address: string(i.ID), Line: line})
		},
	}
	if i.Node != "" {
		node, err := r.machines.of(i)
		if err != nil {
			return cty.NilVal, err
		}
		node.Transport = commands.around(node.Transport)
		env.Node = &node
	}
	step, err := i.Type.New(cfg)
	if err != nil {
		return cty.NilVal, err
	}
	return step.Run(ctx, env)
}

// store remembers the outputs of an instance.
func (r *run) store(i *plan.Instance, out cty.Value) error {
	v, err := conform(i.Type, out)
	if err != nil {
		return err
	}
	r.redactor.add(sensitiveOutputs(i.Type, v)...)
	r.memory.setOutput(i.ID, v)
	return nil
}

func attempts(i *plan.Instance) int { return max(1, i.Retry.Attempts) }

// repeats says whether a failure of the class is worth another attempt. A
// wrong expression and a panic stay what they are.
func repeats(retry plan.Retry, class events.FailureClass) bool {
	if class == events.ClassInput || class == events.ClassPanic {
		return false
	}
	return slices.Contains(retry.On, string(class)) || slices.Contains(retry.On, "any")
}

// backoff is the wait after the n-th attempt. Its jitter comes from the seed of
// the run, so that a run can be repeated.
func backoff(i *plan.Instance, seed int64, n int) time.Duration {
	retry := i.Retry
	wait := float64(retry.Delay)
	if retry.Factor > 0 {
		wait *= math.Pow(retry.Factor, float64(n-1))
	}
	if most := float64(retry.MaxDelay); most > 0 {
		wait = min(wait, most)
	}
	if retry.Jitter > 0 {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s %d", i.ID, n)
		random := rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
		wait *= 1 - retry.Jitter*random.Float64()
	}
	return time.Duration(min(wait, math.MaxInt64/2))
}

// pause waits, or returns the cause of the context's end.
func pause(wait time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// limit bounds a context when there is a limit; its cause is a *limitError.
func limit(ctx context.Context, d time.Duration, name string) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d, &limitError{limit: d, name: name})
}
