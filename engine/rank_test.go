package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
)

// With one slot the instance starts first from which the run goes on longest.
func TestRankDecidesWhoStarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.options.Parallel = 1
		for n, rank := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second, 3 * time.Second} {
			s.step(dag.ID(fmt.Sprint("step.s", n)), sleep(time.Second)).Rank = rank
		}
		r := s.run(t.Context())
		s.wantExit(r, 0)
		var got []string
		for _, i := range r.Run.Instances {
			got = append(got, i.Address)
		}
		if want := "[step.s1 step.s3 step.s2 step.s0]"; fmt.Sprint(got) != want {
			t.Errorf("started %v, want %s", got, want)
		}
	})
}

// The record says what determined the end, through the joints of the graph: the
// longer of two instances, a mate of the roll, the main steps before the
// finalisers.
func TestCriticalPath(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		if err := s.plan.Graph.SetRoll(dag.Roll{Name: "roll", Limit: 1}); err != nil {
			t.Fatal(err)
		}
		s.step("step.short", sleep(time.Second))
		s.step("step.long", sleep(3*time.Second))
		s.main(&plan.Instance{ID: "join", Kind: plan.Join}, dag.Traits{}, "step.short", "step.long")
		for n := range 2 {
			s.main(do(dag.ID(fmt.Sprint("step.roll", n)), sleep(2*time.Second)), dag.Traits{Weight: 1, Roll: "roll"}, "join")
		}
		s.finally("step.logs", plan.Always, sleep(time.Second))
		r := s.run(t.Context())
		s.wantExit(r, 0)
		p := r.Run.CriticalPath()
		var got []string
		for _, i := range p.Instances {
			got = append(got, i.Address)
		}
		if want := "[step.long step.roll0 step.roll1 step.logs]"; fmt.Sprint(got) != want || p.Took != 8*time.Second {
			t.Errorf("got %v in %s, want %s in 8s", got, p.Took, want)
		}
	})
}
