package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
)

// A pause comes before the step and its limits, holds no slot, and ends with
// the run.
func TestPause(t *testing.T) {
	pauses := func(d time.Duration) func(dag.ID) func(context.Context) error {
		return func(id dag.ID) func(context.Context) error {
			if id != "step.x" {
				return nil
			}
			return func(ctx context.Context) error {
				select {
				case <-time.After(d):
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		}
	}
	cases := map[string]struct {
		pause     time.Duration
		cancelled bool
		exit      int
		state     events.State
	}{
		"it goes on": {pause: time.Hour, state: events.Succeeded},
		"Ctrl-C":     {pause: time.Hour, cancelled: true, exit: 130, state: events.Canceled},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				s.options.Parallel = 1
				s.options.Pause = pauses(c.pause)
				s.step("step.x", sleep(time.Second)).Timeout = time.Minute
				s.step("step.other", sleep(time.Second))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.cancelled {
					time.AfterFunc(time.Minute, cancel)
				}
				r := s.run(ctx)
				s.wantExit(r, c.exit)
				s.wantState(r, "step.x", c.state)
				other := s.wantState(r, "step.other", events.Succeeded)
				if took := other.EndedAt.Sub(r.Run.StartedAt); took != time.Second {
					t.Errorf("the other step ended after %s, want 1s: the pause holds a slot", took)
				}
			})
		})
	}
}
