package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
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
		if ctx.Err() != nil || n >= attempts(i) || !failure.Repeatable {
			return dag.Result{}, err
		}
		if i.Deadline > 0 && time.Since(begun)+wait >= i.Deadline {
			r.noteLate(i, wait)
			return dag.Result{}, err
		}
		r.publish(events.AttemptFailed{Address: string(i.ID), Attempt: n, Failure: failure, Wait: wait})
		if control.Idle(ctx, pause(wait)) != nil {
			return dag.Result{}, err // the run was cancelled meanwhile
		}
	}
}

// attempt is a try to do the work of an instance.
type attempt struct {
	*run
	instance *plan.Instance
	begun    time.Time
	log      *logs
	commands *recorder
}

// newAttempt prepares the n-th attempt; what it runs once over is closed only
// cleans up.
func (r *run) newAttempt(i *plan.Instance, n int, over <-chan struct{}) *attempt {
	return &attempt{
		run: r, instance: i, begun: time.Now(),
		log: r.newLogs(i.ID, r.logName(i.ID, n)), commands: &recorder{over: over},
	}
}

// attempt runs the step once and remembers what came of it.
func (r *run) attempt(ctx context.Context, i *plan.Instance, cfg cty.Value, n int) (events.Failure, error) {
	if n > 1 || !certain(i) {
		r.tellStart(i, n)
	}
	ctx, cancel := limit(ctx, i.Timeout, "timeout")
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a := r.newAttempt(i, n, ctx.Done())
	a.log.whenLost(stop)
	out, err := a.call(ctx, cfg)
	r.redactor.add(r.Secrets()...) // expressions may have been evaluated meanwhile
	if err == nil {
		err = r.store(i, out)
	} else {
		err = limited(ctx, located(i, err))
		// What a failed step returns is a courtesy; the error counts.
		_ = r.store(i, out)
	}
	return a.conclude(err)
}

// tellStart publishes that an attempt begins.
func (r *run) tellStart(i *plan.Instance, n int) {
	r.note(i.ID, func(o *outcome) { o.attempts = n })
	r.publish(events.InstanceStarted{
		Address: string(i.ID), Type: i.Type.Name, Node: i.Node, Attempt: n, Attempts: attempts(i),
		Description: i.Description, Log: logFolder(i.ID), File: r.logName(i.ID, n),
	})
}

// conclude closes the log of an attempt and notes its failure, if there is one.
func (a *attempt) conclude(err error) (events.Failure, error) {
	if logErr := a.log.close(); logErr != nil {
		lost := &backends.TroubleError{Op: "write the log of " + string(a.instance.ID), Err: logErr, Hint: roomHint}
		if errors.Is(err, errLogLost) {
			err = nil
		}
		err = errors.Join(lost, err)
	}
	if err == nil {
		a.note(a.instance.ID, func(o *outcome) { o.failure = nil })
		return events.Failure{}, nil
	}
	failure := describeFailure(err)
	if a.instance.Sensitive {
		hush(&failure)
	}
	failure.Repeatable = repeats(a.instance.Retry, failure.Class)
	failure.Took, failure.Tail, failure.Log = time.Since(a.begun), a.log.lines(), a.log.file()
	if failure.Command == nil && failure.Condition == "" && failure.Class == events.ClassTimeout {
		failure.Command = a.commands.last()
	}
	a.note(a.instance.ID, func(o *outcome) { o.failure = &failure })
	return failure, err
}

// noteLate adds to the last failure why there is no other attempt.
func (r *run) noteLate(i *plan.Instance, wait time.Duration) {
	r.note(i.ID, func(o *outcome) {
		if o.failure != nil && o.failure.Hint == "" {
			o.failure.Hint = fmt.Sprintf("no further attempt: after a pause of %s, deadline = %q would be over", wait.Round(time.Millisecond), i.Deadline)
		}
	})
}

// logName names the logs of an attempt: "2" for the second one, "3-2" when that
// is in the third go at the run, and "3-4-2" when it is also in the fourth round
// of the groups around it.
func (r *run) logName(id dag.ID, n int) string {
	goes, rounds := 1, r.outcome(id).rounds
	if r.Resume != nil {
		goes = r.Resume.Run.Goes + 1
	}
	switch {
	case rounds > 0:
		return fmt.Sprintf("%d-%d-%d", goes, rounds+1, n)
	case goes > 1:
		return fmt.Sprintf("%d-%d", goes, n)
	}
	return strconv.Itoa(n)
}

// certain says that a vertex which the executor starts does work: nothing is
// left to be asked. Its start is published by the coordinator, so that two
// runs of a plan record the same order.
func certain(i *plan.Instance) bool {
	return (i.Kind == plan.Work || i.Kind == plan.Start) && worker(i).Enabled == nil && !finaliser(i)
}

// worker is the instance that a vertex does the work of: a span's is done by its
// opening vertex.
func worker(i *plan.Instance) *plan.Instance {
	if i.Kind == plan.Start {
		return i.Of
	}
	return i
}

// call makes the step and runs it.
func (a *attempt) call(ctx context.Context, cfg cty.Value) (out cty.Value, err error) {
	err = guarded(&a.log.stderr, func() error {
		env, err := a.env()
		if err != nil {
			return err
		}
		step, err := a.instance.Type.New(cfg)
		if err != nil {
			return err
		}
		out, err = step.Run(ctx, env)
		return err
	})
	return out, err
}

// env is what the step is given.
func (a *attempt) env() (steps.Env, error) {
	i := a.instance
	env := steps.Env{
		Address: string(i.ID),
		Run:     a.Plan.Run.ID, Dir: a.Plan.Run.Dir, WorkflowDir: a.Plan.Dir,
		Local:    a.commands.around(a.Local),
		Machines: a.machines,
		Stdout:   &a.log.stdout, Stderr: &a.log.stderr,
		Progress: func(line string) {
			if i.Sensitive {
				return
			}
			a.publish(events.InstanceProgress{Address: string(i.ID), Line: line})
		},
	}
	if i.Span != nil {
		env.StopTimeout = i.Span.StopTimeout
	}
	if i.Node == "" {
		return env, nil
	}
	node, err := a.machines.of(i)
	if err != nil {
		return env, err
	}
	node.Transport = a.commands.around(node.Transport)
	env.Node = &node
	return env, nil
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
