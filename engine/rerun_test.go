package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// shaky is a workflow whose step.shaky fails so many times: first → shaky →
// last, on a node, with steps that follow a failure, and such that end any run.
type shaky struct {
	*stage
	fails int
	err   error
	ran   []string
}

func newShaky(t *testing.T, reruns, fails int) *shaky {
	s := &shaky{stage: newStage(t), fails: fails, err: exitError(1)}
	s.options.Vault, s.options.Rerun, s.options.Parallel = vault{}, reruns, 1
	node := s.provision("member-0")
	s.step("step.first", s.work(nil), node)
	s.step("step.shaky", s.work(func() error {
		if s.fails--; s.fails >= 0 {
			return s.err
		}
		return nil
	}), "step.first")
	s.step("step.last", s.work(nil), "step.shaky")
	s.finally("step.alarm", plan.OnFailure, s.work(nil))
	s.finally("step.bye", plan.Always, s.work(nil))
	s.destroy()
	return s
}

func (s *shaky) work(do func() error) work {
	return func(_ context.Context, env steps.Env) (cty.Value, error) {
		s.ran = append(s.ran, strings.TrimPrefix(env.Address, "step."))
		if do == nil {
			return cty.NilVal, nil
		}
		return cty.NilVal, do()
	}
}

func TestRerun(t *testing.T) {
	flaky := []events.Flaky{{Address: "step.shaky", Failed: 1, Runs: 2}}
	cases := []struct {
		name           string
		reruns, fails  int
		change         func(*shaky)
		exit           int
		status         events.Status
		ran            string
		flaky          []events.Flaky
		machinesStayed bool
	}{
		{name: "nothing fails", reruns: 2, status: events.StatusPassed, ran: "first shaky last bye"},
		{name: "not wanted", fails: 1, exit: 1, status: events.StatusFailed, ran: "first shaky alarm bye"},
		{name: "passes then", reruns: 1, fails: 1, status: events.StatusFlaky, ran: "first shaky alarm shaky last bye", flaky: flaky},
		{name: "once is enough", reruns: 5, fails: 1, status: events.StatusFlaky, ran: "first shaky alarm shaky last bye", flaky: flaky},
		{
			name: "passes the third time", reruns: 2, fails: 2, status: events.StatusFlaky, ran: "first shaky alarm shaky alarm shaky last bye",
			flaky: []events.Flaky{{Address: "step.shaky", Failed: 2, Runs: 3}},
		},
		{name: "never passes", reruns: 2, fails: 3, exit: 1, status: events.StatusFailed, ran: "first shaky alarm shaky alarm shaky alarm bye"},
		{
			name: "kept", reruns: 1, fails: 2, exit: 1, status: events.StatusFailed, ran: "first shaky alarm shaky alarm bye",
			change: func(s *shaky) { s.options.Keep = "on-failure" }, machinesStayed: true,
		},
		{
			name: "trouble", reruns: 2, fails: 1, exit: 3, status: events.StatusTrouble, ran: "first shaky alarm bye",
			change: func(s *shaky) { s.err = errTransport },
		},
		{
			name: "trouble the second time", reruns: 2, fails: 2, exit: 3, status: events.StatusTrouble, ran: "first shaky alarm shaky alarm bye",
			change: func(s *shaky) {
				s.finally("step.worse", plan.OnFailure, s.work(func() error { s.err = errTransport; return nil }))
			},
		},
		{
			name: "a finaliser failed in between", reruns: 1, fails: 1, exit: 4, status: events.StatusCleanupFailed, ran: "first shaky alarm sad shaky last bye",
			change: func(s *shaky) {
				s.finally("step.sad", plan.OnFailure, s.work(func() error { return errors.New("sad") }))
			},
			flaky: flaky,
		},
		{
			name: "what failed has nothing to do then", reruns: 1, fails: 9, status: events.StatusPassed, ran: "first shaky alarm bye",
			change: func(s *shaky) {
				s.plan.Graph.Value("step.shaky").Enabled = func(plan.Facts) (bool, error) { return s.fails == 9, nil }
				s.plan.Graph.Value("step.last").Enabled = func(plan.Facts) (bool, error) { return false, nil }
			},
		},
		{
			name: "fail fast", reruns: 1, fails: 1, status: events.StatusFlaky, ran: "first shaky alarm shaky last bye",
			change: func(s *shaky) { s.options.FailFast = true }, flaky: flaky,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newShaky(t, c.reruns, c.fails)
				if c.change != nil {
					c.change(s)
				}
				r := s.run(t.Context())
				s.wantExit(r, c.exit)
				if r.Run.Status != c.status {
					t.Errorf("status: got %q, want %q", r.Run.Status, c.status)
				}
				got := slices.DeleteFunc(s.ran, func(name string) bool { return name == "worse" })
				if ran := strings.Join(got, " "); ran != c.ran {
					t.Errorf("worked: got %s, want %s", ran, c.ran)
				}
				if d := cmp.Diff(c.flaky, r.Run.Ended.Flaky); d != "" {
					t.Errorf("flaky (-want +got):\n%s", d)
				}
				if c.machinesStayed {
					s.wantLeft("db")
				} else {
					s.wantLeft()
				}
				if again := events.Fold(s.journal.records); again.Status != c.status || again.Counts != r.Run.Counts {
					t.Errorf("the journal says %q, %+v, want %q, %+v", again.Status, again.Counts, c.status, r.Run.Counts)
				}
			})
		})
	}
}

// Ctrl-C while the steps that follow a failure are at work: nothing runs again,
// but what ends any run still does, and the failure stays on record.
func TestRerunInterrupted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShaky(t, 3, 9)
		s.options.Parallel = 4
		ctx, interrupt := context.WithCancelCause(t.Context())
		i := s.finally("step.slow", plan.OnFailure, func(context.Context, steps.Env) (cty.Value, error) {
			time.Sleep(time.Second)
			interrupt(errors.New("interrupted by SIGINT"))
			return cty.NilVal, nil
		})
		if err := s.plan.Graph.DependOn("step.bye", "step.alarm", dag.Settled); err != nil {
			t.Fatal(err)
		}
		r := s.run(ctx)
		s.wantExit(r, 130)
		s.wantLeft()
		if ran := strings.Join(s.ran, " "); ran != "first shaky alarm bye" {
			t.Errorf("worked: got %s, want first shaky alarm bye", ran)
		}
		s.wantState(r, string(i.ID), events.Succeeded)
		s.wantState(r, "step.shaky", events.Failed)
		s.wantState(r, "step.first", events.Succeeded)
		s.wantState(r, "step.bye", events.Succeeded)
		s.wantState(r, "step.destroy", events.Succeeded)
	})
}

// A step that breaks its node and fails: the node is made anew, with all that
// ran on it.
func TestRerunOnABrokenNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShaky(t, 1, 1)
		first := s.plan.Graph.Value("step.first")
		first.Cluster, first.Node = "db", "member-0"
		s.finally("step.breaks", plan.OnFailure, func(ctx context.Context, _ steps.Env) (cty.Value, error) {
			return cty.NilVal, s.backend.Discard(ctx, backends.Key{Run: "run-1", Cluster: "db"}, "member-0")
		})
		r := s.run(t.Context())
		s.wantExit(r, 0)
		if ran := strings.Join(s.ran, " "); ran != "first shaky alarm first shaky last bye" {
			t.Errorf("worked: got %s, want first shaky alarm first shaky last bye", ran)
		}
		s.wantLeft()
	})
}
