package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

func TestDuration(t *testing.T) {
	cases := []struct {
		name               string
		parallel, settings int
		roll               int
		want               time.Duration
	}{
		{name: "side by side", want: 2 * time.Second},
		{name: "max_parallel = 1 on the step", roll: 1, want: 12 * time.Second},
		{name: "max_parallel = 2 on the workflow", settings: 2, want: 6 * time.Second},
		{name: "--parallel 3 beats the workflow", parallel: 3, settings: 1, want: 4 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				s.options.Parallel, s.plan.Settings.MaxParallel = c.parallel, c.settings
				traits := dag.Traits{Weight: 1}
				if c.roll > 0 {
					traits.Roll = "nap"
					if err := s.plan.Graph.SetRoll(dag.Roll{Name: "nap", Limit: c.roll}); err != nil {
						t.Fatal(err)
					}
				}
				for n := range 6 {
					s.main(do(dag.ID(fmt.Sprintf(`step.nap["%d"]`, n)), sleep(2*time.Second)), traits)
				}
				r := s.run(t.Context())
				s.wantExit(r, 0)
				for n, i := range r.Run.Instances {
					if want := fmt.Sprintf(`step.nap["%d"]`, n); i.Address != want {
						t.Errorf("start %d: got %s, want %s", n, i.Address, want)
					}
				}
				if got := r.Run.Ended.Took; got != c.want {
					t.Errorf("took %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestRollStopsAtFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		if err := s.plan.Graph.SetRoll(dag.Roll{Name: "upgrade", Limit: 1}); err != nil {
			t.Fatal(err)
		}
		var touched atomic.Int32
		for n, w := range []work{succeed, fail(exitError(1)), func(context.Context, steps.Env) (cty.Value, error) {
			touched.Add(1)
			return cty.NilVal, nil
		}} {
			s.main(do(dag.ID(fmt.Sprintf(`step.upgrade["member-%d"]`, n)), w), dag.Traits{Weight: 1, Roll: "upgrade"})
		}
		s.step("step.check", succeed, `step.upgrade["member-2"]`)
		r := s.run(t.Context())
		s.wantExit(r, 1)
		if touched.Load() != 0 {
			t.Error("the third member was touched")
		}
		third := s.wantState(r, `step.upgrade["member-2"]`, events.Skipped)
		if want := `roll stopped by step.upgrade["member-1"]`; third.Reason != want {
			t.Errorf("reason: got %q, want %q", third.Reason, want)
		}
		after := s.wantState(r, "step.check", events.Skipped)
		if want := `because step.upgrade["member-1"] failed`; after.Reason != want {
			t.Errorf("reason: got %q, want %q", after.Reason, want)
		}
	})
}

func TestToleratedFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		i := do("step.optional", fail(exitError(1)))
		i.Tolerated = true
		s.main(i, dag.Traits{Weight: 1, Tolerated: true})
		s.step("step.next", succeed, i.ID)
		s.finally("step.logs", plan.OnFailure, succeed)
		r := s.run(t.Context())
		s.wantExit(r, 0)
		s.wantState(r, "step.optional", events.Failed)
		s.wantState(r, "step.next", events.Succeeded)
		s.wantState(r, "step.logs", events.Disabled)
	})
}

func TestDisabled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		off := s.step("step.off", succeed)
		off.Enabled = func(plan.Facts) (bool, error) { return false, nil }
		next := s.step("step.next", succeed, "step.off")
		next.Configure = func(f plan.Facts) (cty.Value, error) {
			out, settled := f.Output("step.off")
			if !settled || !out.IsNull() {
				t.Errorf("outputs of a disabled step: got %#v, %v, want null", out, settled)
			}
			return cty.EmptyObjectVal, nil
		}
		r := s.run(t.Context())
		s.wantExit(r, 0)
		s.wantState(r, "step.off", events.Disabled)
		s.wantState(r, "step.next", events.Succeeded)
	})
}

func TestExpander(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.step("step.leader", func(context.Context, steps.Env) (cty.Value, error) {
			return cty.ObjectVal(map[string]cty.Value{"stdout": cty.StringVal("b"), "token": cty.NullVal(cty.String)}), nil
		})
		s.main(&plan.Instance{ID: "step.each", Kind: plan.Expander, Expand: func(f plan.Facts) (dag.Expansion[*plan.Instance], error) {
			out, _ := f.Output("step.leader")
			i := do(dag.ID(fmt.Sprintf("step.each[%q]", out.GetAttr("stdout").AsString())), succeed)
			return dag.Expansion[*plan.Instance]{
				Vertices: []dag.Vertex[*plan.Instance]{{ID: i.ID, Value: i, Traits: dag.Traits{Weight: 1}}},
				Edges:    []dag.Edge{{From: "join", To: i.ID}},
			}, nil
		}}, dag.Traits{}, "step.leader")
		s.main(&plan.Instance{ID: "join", Kind: plan.Join}, dag.Traits{}, "step.each")
		after := s.step("step.after", succeed, "join")
		after.Configure = func(f plan.Facts) (cty.Value, error) {
			made, ok := f.Expanded("step.each")
			if !ok || len(made) != 1 || made[0].ID != `step.each["b"]` {
				t.Errorf("expanded: got %v, %v", made, ok)
			}
			return cty.EmptyObjectVal, nil
		}
		r := s.run(t.Context())
		s.wantExit(r, 0)
		s.wantState(r, `step.each["b"]`, events.Succeeded)
		s.wantState(r, "step.after", events.Succeeded)
		if r.Run.Instance("join") != nil || r.Run.Instance("step.each") != nil {
			t.Error("placeholders are in the record of a run that passed")
		}
	})
}

func TestExpanderFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.main(&plan.Instance{ID: "step.each", Kind: plan.Expander, Expand: func(plan.Facts) (dag.Expansion[*plan.Instance], error) {
			return dag.Expansion[*plan.Instance]{}, &plan.Error{}
		}}, dag.Traits{})
		s.step("step.after", succeed, "step.each")
		r := s.run(t.Context())
		s.wantExit(r, 1)
		if i := s.wantState(r, "step.each", events.Failed); i.Failure.Class != events.ClassInput {
			t.Errorf("class: got %q, want %q", i.Failure.Class, events.ClassInput)
		}
		s.wantState(r, "step.after", events.Skipped)
	})
}
