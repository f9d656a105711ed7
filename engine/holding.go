package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// endMargin is how long a span has to end, besides its stop_timeout.
const endMargin = time.Minute

// errOver ends the wait for the own end of a span.
var errOver = errors.New("the span is over")

// holding is a span at work. Its end is called once its start was, whatever
// happens in between.
type holding struct {
	*run
	start    *plan.Instance // the vertex that is visited
	instance *plan.Instance
	cfg      cty.Value
	span     steps.Span
	env      steps.Env
}

// hold visits the opening vertex of a span.
func (r *run) hold(ctx context.Context, start *plan.Instance, control dag.Control[*plan.Instance]) (dag.Result, error) {
	i := start.Of
	cfg, err := i.Configure(r.memory)
	r.redactor.add(r.Secrets()...)
	if err != nil {
		return dag.Result{}, err
	}
	if !certain(start) {
		r.tellStart(i, 1)
	}
	a := r.newAttempt(i, 1, ctx.Done())
	h := &holding{run: r, start: start, instance: i, cfg: cfg}
	if h.env, err = a.env(); err == nil {
		err = guarded(&a.log.stderr, func() (err error) {
			h.span, err = i.Type.NewSpan(cfg)
			return err
		})
	}
	if err == nil {
		err = h.perform(ctx, a, control)
	}
	if _, err = a.conclude(err); err == nil {
		r.remember(i, cfg)
	}
	return dag.Result{}, err
}

func (h *holding) perform(ctx context.Context, a *attempt, control dag.Control[*plan.Instance]) error {
	if err := h.announce(); err != nil {
		return err
	}
	var started cty.Value
	err := guarded(&a.log.stderr, func() (err error) {
		started, err = h.live(ctx, a, control)
		return err
	})
	return h.end(control.Final(), a, started, err)
}

// live is what comes between the beginning of the start and the end.
func (h *holding) live(ctx context.Context, a *attempt, control dag.Control[*plan.Instance]) (started cty.Value, err error) {
	if started, err = h.open(ctx); err != nil {
		return started, err
	}
	if err := h.held(started); err != nil {
		return started, err
	}
	held, err := control.Hold()
	if err != nil {
		return started, err
	}
	return started, h.wait(ctx, a, held.Over, control.Final().Done())
}

// announce journals what is going to be: with it, another process can end it.
func (h *holding) announce() error {
	i := h.instance
	e := events.SpanStarting{
		Address: string(i.ID), Type: i.Type.Name, Cluster: i.Cluster, Node: i.Node, StopTimeout: i.Span.StopTimeout,
	}
	var err error
	if e.Config, e.Secret, err = h.hideSpan(startID(e.Address), h.cfg); err != nil {
		return err
	}
	return h.record(e)
}

// hideSpan writes a value as JSON, or puts it into the vault when there is a
// secret in it.
func (h *holding) hideSpan(key string, v cty.Value) (raw json.RawMessage, secret bool, err error) {
	if v == cty.NilVal {
		return nil, false, nil
	}
	if raw, err = encodeTyped(v); err != nil {
		return nil, false, fmt.Errorf("record what ends %s: %w", h.instance.ID, err)
	}
	if !h.instance.Sensitive && !h.redactor.touches(raw) {
		return raw, false, nil
	}
	if h.Vault == nil {
		return nil, true, nil
	}
	return nil, true, h.Vault.KeepOutput(key, raw)
}

func (h *holding) open(ctx context.Context) (started cty.Value, err error) {
	ctx, cancel := limit(ctx, h.instance.Timeout, "timeout")
	defer cancel()
	started, err = h.span.Start(ctx, h.env)
	return started, limited(ctx, located(h.instance, err))
}

// startedKey is under what the vault has the value that Start returned.
func startedKey(address string) string { return address + ":started" }

// held prepares the event that tells that the span holds: the coordinator
// publishes it when it has settled the opening vertex.
func (h *holding) held(started cty.Value) error {
	e := &events.SpanHeld{Address: string(h.instance.ID)}
	var err error
	if e.Started, e.Secret, err = h.hideSpan(startedKey(e.Address), started); err != nil {
		return err
	}
	var print []byte
	if h.Vault != nil {
		if print, err = h.Plan.Fingerprint(h.Vault.Key(), h.instance, h.cfg); err != nil {
			h.publish(events.Warning{Message: fmt.Sprintf("a resumed run will run what happens during %s again: %v", h.instance.ID, err)})
		}
	}
	h.note(h.start.ID, func(o *outcome) { o.print, o.held = print, e })
	return nil
}

// wait returns when the span is to be ended: what happened during it is over and
// its duration too, or it failed, or the run was cancelled, or aborted.
func (h *holding) wait(ctx context.Context, a *attempt, over, aborted <-chan struct{}) error {
	waiting, cancel := context.WithCancelCause(ctx)
	a.log.whenLost(cancel)
	early := make(chan error, 1)
	var waiter sync.WaitGroup
	waiter.Go(func() {
		early <- guarded(&a.log.stderr, func() error { return h.span.Wait(waiting) })
	})
	defer waiter.Wait()
	defer cancel(errOver)

	span := h.instance.Span
	lasting := span.Alone || span.Duration > 0
	var timer <-chan time.Time
	if span.Duration > 0 {
		timer = time.After(span.Duration)
	}
	for over != nil || lasting {
		select {
		case <-over:
			over = nil
		case <-timer:
			lasting = false
		case err := <-early:
			switch {
			case errors.Is(err, errLogLost):
				return nil // the end of the attempt tells of it
			case ctx.Err() == nil && err != nil:
				return err
			}
			lasting = lasting && ctx.Err() != nil
		case <-ctx.Done():
			return stoppedHolding(ctx, over, aborted)
		}
	}
	return nil
}

// stoppedHolding lets what happens during a span settle first, which its
// cancellation has reached too.
func stoppedHolding(ctx context.Context, over, aborted <-chan struct{}) error {
	if over != nil {
		select {
		case <-over:
		case <-aborted:
		}
	}
	return limited(ctx, context.Cause(ctx))
}

// end undoes what the start did, and joins what went wrong before with what goes
// wrong now.
func (h *holding) end(final context.Context, a *attempt, started cty.Value, before error) error {
	i := h.instance
	var out cty.Value
	err := guarded(&a.log.stderr, func() (err error) {
		out, err = endSpan(final, h.span, h.env, started)
		return err
	})
	e := events.SpanEnded{Address: string(i.ID)}
	if err != nil {
		e.Message = err.Error()
		err = fmt.Errorf("%w: %s", located(i, err), mayBeLeft(i.Node))
	}
	h.publish(e)
	h.redactor.add(h.Secrets()...)
	return errors.Join(before, err, h.store(i, out))
}

func mayBeLeft(node string) string {
	if node == "" {
		return "what it began may be left"
	}
	return "what it began may be left on " + node
}

// endSpan ends a span in the time that this may take.
func endSpan(ctx context.Context, s steps.Span, env steps.Env, started cty.Value) (cty.Value, error) {
	most := env.StopTimeout
	if most == 0 {
		most = backends.DefaultStopTimeout
	}
	most += endMargin
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("it took longer than %s", most))
	defer cancel()
	out, err := s.End(ctx, env, started)
	if err != nil {
		return out, fmt.Errorf("end it: %w", err)
	}
	return out, nil
}

// guarded makes a panic an error; its stack goes to the log.
func guarded(log io.Writer, do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			panicked := &dag.PanicError{Value: value, Stack: debug.Stack()}
			fmt.Fprintf(log, "%v\n%s", panicked, panicked.Stack)
			err = panicked
		}
	}()
	return do()
}
