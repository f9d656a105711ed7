package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// region adds the two ends of a region; inner instances are put into it next.
func (s *stage) region(id dag.ID, retry plan.Retry, outer dag.ID, bounds dag.Traits) {
	s.t.Helper()
	begin := &plan.Instance{ID: id + ":begin", Kind: plan.Opening, When: plan.OnSuccess, Region: outer}
	end := &plan.Instance{ID: id, Kind: plan.Region, When: plan.OnSuccess, Region: outer, Retry: retry, Deadline: bounds.Deadline}
	bounds.Opens, bounds.Region = id, outer
	s.add(begin, bounds)
	s.add(end, dag.Traits{Region: outer}, begin.ID)
	if outer != "" {
		s.link(dag.Edge{From: begin.ID, To: outer + ":begin"}, dag.Edge{From: outer, To: id, When: dag.Settled})
	} else {
		s.link(dag.Edge{From: barrier, To: id, When: dag.Settled})
	}
}

// inner adds an instance to a region.
func (s *stage) inner(region, id dag.ID, w work, after ...dag.ID) *plan.Instance {
	i := do(id, w)
	i.Region = region
	s.add(i, dag.Traits{Weight: 1, Region: region}, append(after, region+":begin")...)
	s.link(dag.Edge{From: region, To: id, When: dag.Settled})
	return i
}

func (s *stage) link(edges ...dag.Edge) {
	s.t.Helper()
	for _, e := range edges {
		if err := s.plan.Graph.DependOn(e.From, e.To, e.When); err != nil {
			s.t.Fatal(err)
		}
	}
}

// flaky fails so many times, then succeeds.
func flaky(times int, err error) work {
	return func(_ context.Context, env steps.Env) (cty.Value, error) {
		_, _ = env.Stdout.Write([]byte("tried\n"))
		if times--; times >= 0 {
			return cty.NilVal, err
		}
		return cty.ObjectVal(map[string]cty.Value{"stdout": cty.StringVal("3.5"), "token": cty.NullVal(cty.String)}), nil
	}
}

var twice = plan.Retry{Attempts: 3, Delay: time.Second, Factor: 2, On: []string{"exit_code"}}

func TestRegionRepeats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.region("group.g", twice, "", dag.Traits{})
		firsts := 0
		s.inner("group.g", "group.g.first", func(context.Context, steps.Env) (cty.Value, error) {
			firsts++
			return cty.NilVal, nil
		})
		last := s.inner("group.g", "group.g.last", flaky(2, exitError(1)), "group.g.first")
		last.Retry = plan.Retry{Attempts: 1}
		s.step("step.after", succeed, "group.g")
		begin := time.Now()
		r := s.run(t.Context())
		s.wantExit(r, 0)
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("it took %s, want back-offs of 1s and 2s", took)
		}
		if firsts != 3 {
			t.Errorf("the first step ran %d times, want 3: a group is repeated as a whole", firsts)
		}
		if c := r.Run.Counts; c.Succeeded != 3 || c.Failed != 0 || c.Total != 3 {
			t.Errorf("counts: got %+v, want three instances that succeeded", c)
		}
		i := s.wantState(r, "group.g.last", events.Succeeded)
		if want := []string{"1", "1-2-1", "1-3-1"}; i.Rounds != 2 || !slices.Equal(i.Files, want) {
			t.Errorf("rounds %d and logs %q, want 2 and %q", i.Rounds, i.Files, want)
		}
		found, _ := filepath.Glob(filepath.Join(s.plan.Run.Dir, i.Log, "*.stdout"))
		if len(found) != 3 {
			t.Errorf("log files: got %q, want one of each attempt", found)
		}
		region := r.Run.Regions[0]
		if region.Failed != 2 || !slices.Equal(region.Causes, []string{"group.g.last", "group.g.last"}) {
			t.Errorf("region: got %+v", region)
		}
	})
}

// A group whose keys were not known before is told of like any other.
func TestLateRegionRepeats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		begin := &plan.Instance{ID: "group.g:begin", Kind: plan.Opening, When: plan.OnSuccess}
		end := &plan.Instance{ID: "group.g", Kind: plan.Region, When: plan.OnSuccess, Retry: twice}
		inner := do("group.g.inner", flaky(1, exitError(1)))
		inner.Region = end.ID
		s.main(&plan.Instance{ID: "group.g[*]", Kind: plan.Expander, Expand: func(plan.Facts) (dag.Expansion[*plan.Instance], error) {
			return dag.Expansion[*plan.Instance]{
				Vertices: []dag.Vertex[*plan.Instance]{
					{ID: begin.ID, Value: begin, Traits: dag.Traits{Opens: end.ID}},
					{ID: inner.ID, Value: inner, Traits: dag.Traits{Weight: 1, Region: end.ID}},
					{ID: end.ID, Value: end},
				},
				Edges: []dag.Edge{
					{From: begin.ID, To: "group.g[*]"}, {From: inner.ID, To: begin.ID},
					{From: end.ID, To: inner.ID, When: dag.Settled}, {From: end.ID, To: begin.ID},
					{From: barrier, To: end.ID, When: dag.Settled},
				},
			}, nil
		}}, dag.Traits{})
		r := s.run(t.Context())
		s.wantExit(r, 0)
		if c := r.Run.Counts; c.Succeeded != 1 || c.Failed != 0 || c.Total != 1 {
			t.Errorf("counts: got %+v, want one instance that succeeded", c)
		}
		if i := s.wantState(r, "group.g.inner", events.Succeeded); i.Rounds != 1 {
			t.Errorf("rounds: got %d, want 1", i.Rounds)
		}
	})
}

// What a group that fails at last means for the run.
func TestRegionFails(t *testing.T) {
	cases := []struct {
		name  string
		retry plan.Retry
		fail  error
		// tried is how often the step was; limit and deadline are the region's.
		tried           int
		limit, deadline time.Duration
		takes           time.Duration // of the step
		exit            int
		class           events.FailureClass
		message         string
	}{
		{name: "all attempts", retry: twice, fail: exitError(1), tried: 3, exit: 1, class: events.ClassExitCode},
		{name: "another class", retry: twice, fail: errTransport, tried: 1, exit: 3, class: events.ClassTransport},
		{name: "no retry", fail: exitError(1), tried: 1, exit: 1, class: events.ClassExitCode},
		{name: "deadline", retry: twice, fail: exitError(1), takes: time.Second, deadline: 4 * time.Second, tried: 2, exit: 1, class: events.ClassExitCode},
		{
			name: "deadline in a later attempt", retry: twice, fail: exitError(1), takes: 3 * time.Second, limit: 5 * time.Second, deadline: 6 * time.Second,
			tried: 2, exit: 1, class: events.ClassTimeout, message: "group.g took longer than 6s",
		},
		{name: "limit", retry: twice, takes: time.Hour, limit: 5 * time.Second, tried: 1, exit: 1, class: events.ClassTimeout, message: "group.g took longer than 5s"},
		{
			name: "limit that is repeated", retry: plan.Retry{Attempts: 2, On: []string{"timeout"}}, takes: time.Hour, limit: 5 * time.Second,
			tried: 2, exit: 1, class: events.ClassTimeout, message: "group.g took longer than 5s",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				s.region("group.g", c.retry, "", dag.Traits{Limit: c.limit, Deadline: c.deadline})
				tried := 0
				s.inner("group.g", "group.g.x", func(ctx context.Context, env steps.Env) (cty.Value, error) {
					tried++
					_, err := sleep(c.takes)(ctx, env)
					return cty.NilVal, errors.Join(err, c.fail)
				})
				s.step("step.after", succeed, "group.g")
				s.finally("step.mourn", plan.OnFailure, succeed)
				r := s.run(t.Context())
				s.wantExit(r, c.exit)
				if tried != c.tried {
					t.Errorf("it was tried %d times, want %d", tried, c.tried)
				}
				x := s.wantState(r, "group.g.x", events.Failed)
				if x.Failure.Class != c.class || c.message != "" && (x.Failure.Message != c.message || r.Run.Ended.Message != c.message) {
					t.Errorf("failure: got %+v and %q, want the class %s and %q", x.Failure, r.Run.Ended.Message, c.class, c.message)
				}
				s.wantState(r, "step.mourn", events.Succeeded)
				if after := s.wantState(r, "step.after", events.Skipped); c.message == "" && after.Cause != "group.g.x" {
					t.Errorf("step.after was skipped because of %s", after.Cause)
				}
			})
		})
	}
}

// A group in a module: what fails in it counts once the module has failed.
func TestRegionsNest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.region("module.m", twice, "", dag.Traits{})
		s.region("module.m.group.g", plan.Retry{Attempts: 2, On: []string{"exit_code"}}, "module.m", dag.Traits{})
		tried := 0
		s.inner("module.m.group.g", "module.m.group.g.x", func(context.Context, steps.Env) (cty.Value, error) {
			tried++
			return cty.NilVal, exitError(1)
		})
		r := s.run(t.Context())
		s.wantExit(r, 1)
		if tried != 6 {
			t.Errorf("it was tried %d times, want two times three", tried)
		}
		if len(r.Run.Regions) != 2 || r.Run.Regions[0].Failed != 3 || r.Run.Regions[1].Failed != 2 {
			t.Errorf("regions: got %+v", r.Run.Regions)
		}
	})
}

// A span in a group holds for each of its attempts.
func TestSpanInRegion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.region("group.g", twice, "", dag.Traits{})
		s.inSpan("group.g", "group.g.cut", fault{world: h})
		s.inner("group.g", "group.g.x", flaky(1, exitError(1)))
		s.during("group.g.x", "group.g.cut")
		r := s.run(t.Context())
		s.wantExit(r, 0)
		s.wantState(r, "group.g.cut", events.Succeeded)
		if h.starts["group.g.cut"] != 2 {
			t.Errorf("it was started %d times, want 2", h.starts["group.g.cut"])
		}
		h.check(t)
		if len(r.Run.Spans) != 0 || r.Run.Counts.Succeeded != 2 {
			t.Errorf("got %d open spans, counts %+v", len(r.Run.Spans), r.Run.Counts)
		}
	})
}

// inSpan adds a span to a region.
func (s *stage) inSpan(region, id dag.ID, f fault) {
	s.t.Helper()
	end, start := newSpanPair(id, f, plan.Span{})
	end.Region, start.Region = region, region
	s.add(start, dag.Traits{Opens: id, Span: true, Lazy: true, Region: region}, region+":begin")
	s.add(end, dag.Traits{Region: region}, start.ID)
	s.link(dag.Edge{From: region, To: id, When: dag.Settled})
}

// Ctrl-C while a group waits for its next attempt.
func TestRegionInterrupted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.region("group.g", plan.Retry{Attempts: 2, Delay: time.Hour, On: []string{"any"}}, "", dag.Traits{})
		s.inner("group.g", "group.g.x", fail(exitError(1)))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Second, cancel)
		r := s.run(ctx)
		s.wantExit(r, 130)
		s.wantState(r, "group.g.x", events.Canceled)
	})
}

// The tool dies while a group waits for its next attempt: what it had done runs
// again, and is not new.
func TestResumeRegionBetweenAttempts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		record, failing, secrets := &memoryJournal{}, true, vault{}
		next := func() (*stage, engine.Result) {
			s := newStage(t)
			s.journal, s.options.Vault = record, secrets
			s.options.Sinks = []events.Sink{record}
			s.region("group.g", twice, "", dag.Traits{})
			s.inner("group.g", "group.g.x", func(context.Context, steps.Env) (cty.Value, error) {
				if failing {
					return cty.NilVal, exitError(1)
				}
				return cty.NilVal, nil
			})
			if len(record.records) > 0 {
				s.options.Resume = &engine.Resume{Run: events.Fold(record.records)}
			}
			return s, s.run(t.Context())
		}
		next()
		died := slices.IndexFunc(record.records, func(r events.Record) bool { return r.Event.Kind() == "region_failed" })
		record.records, failing = record.records[:died+1], false
		s, r := next()
		s.wantExit(r, 0)
		for _, r := range record.records {
			if e, ok := r.Event.(events.ResumePlanned); ok && (len(e.New) > 0 || len(e.Again) != 1 || e.Again[0].Reason != "it did not end") {
				t.Errorf("planned: got %+v, want that group.g.x runs again", e)
			}
		}
		if i := s.wantState(r, "group.g.x", events.Succeeded); i.Rounds != 0 || i.Attempt != 1 {
			t.Errorf("rounds, attempt: got %d, %d", i.Rounds, i.Attempt)
		}
	})
}

// A group that is switched off does nothing; one whose switch cannot be
// evaluated fails the run and says so.
func TestRegionEnabled(t *testing.T) {
	broken := errors.New("no such key")
	for _, c := range []struct {
		err     error
		exit    int
		state   events.State
		message string
	}{{nil, 0, events.Disabled, ""}, {broken, 1, events.Skipped, "no such key"}} {
		bubble(t, func(t *testing.T) {
			s := newStage(t)
			s.region("group.g", twice, "", dag.Traits{})
			s.plan.Graph.Value("group.g:begin").Enabled = func(plan.Facts) (bool, error) { return false, c.err }
			s.inner("group.g", "group.g.x", succeed)
			r := s.run(t.Context())
			s.wantExit(r, c.exit)
			s.wantState(r, "group.g.x", c.state)
			if r.Run.Ended.Message != c.message {
				t.Errorf("message: got %q, want %q", r.Run.Ended.Message, c.message)
			}
		})
	}
}
