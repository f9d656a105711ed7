package engine_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

func TestPassed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		node := s.provision("member-0")
		check := s.step("step.check", func(_ context.Context, env steps.Env) (cty.Value, error) {
			if env.Node == nil || env.Node.Name != "member-0" || env.Node.Transport == nil {
				t.Errorf("node: got %+v, want member-0 with a transport", env.Node)
			}
			return cty.ObjectVal(map[string]cty.Value{"stdout": cty.StringVal("3.5"), "token": cty.StringVal("geheim")}), nil
		}, node)
		check.Cluster, check.Node = "db", "member-0"
		s.destroy()
		s.plan.Outputs = func(f plan.Facts) ([]plan.OutputValue, error) {
			out, _ := f.Output("step.check")
			return []plan.OutputValue{
				{Name: "version", Value: out.GetAttr("stdout")},
				{Name: "token", Value: out.GetAttr("token"), Sensitive: true},
			}, nil
		}
		r := s.run(t.Context())
		s.wantExit(r, 0)
		s.wantLeft()
		var kinds []string
		for _, record := range s.journal.records {
			kinds = append(kinds, record.Event.Kind())
		}
		want := []string{
			"run_started", "backend_progress", "nodes_allocated",
			"instance_started", "node_booted", "instance_ended", // provision
			"instance_started", "instance_ended", // check
			"instance_started", "cluster_deleted", "instance_ended", // destroy
			"run_ended",
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("events: got %q, want %q", kinds, want)
		}
		if got := string(r.Run.Ended.Outputs["version"]); got != `"3.5"` {
			t.Errorf("output version: got %s", got)
		}
		if got := string(r.Run.Ended.Outputs["token"]); got != "null" {
			t.Errorf("sensitive output: got %s, want null", got)
		}
	})
}

// TestExitCodes has one row per way to end; they all leave nothing.
func TestExitCodes(t *testing.T) {
	cases := []struct {
		name  string
		stage func(*stage)
		want  int
		// message and left are what the last event and the world must have.
		message string
		left    []string
	}{
		{name: "passed", stage: func(s *stage) { s.provision("member-0") }},
		{name: "a step failed", stage: func(s *stage) { s.step("step.x", fail(exitError(1)), s.provision("member-0")) }, want: 1},
		{name: "trouble in a step", stage: func(s *stage) { s.step("step.x", fail(errTransport), s.provision("member-0")) }, want: 3},
		{name: "trouble beats a failure", stage: func(s *stage) {
			s.step("step.x", fail(exitError(1)))
			s.step("step.y", fail(errTransport))
		}, want: 3},
		{name: "a finaliser failed", stage: func(s *stage) { s.finally("step.logs", plan.Always, fail(exitError(1))) }, want: 1},
		{name: "a node cannot be made", stage: func(s *stage) {
			s.backend.Backend = fake.New(fake.Options{Creations: []fake.Creation{{Node: "member-1", Err: errors.New("no space")}}})
			s.provision("member-0")
			s.provision("member-1")
			s.destroy()
		}, want: 3},
		{name: "the backend cannot be prepared", stage: func(s *stage) {
			s.backend.prepareErr = errTransport
			s.provision("member-0")
		}, want: 3, message: "reach member-0: unexpected EOF"},
		{name: "a cluster cannot be allocated", stage: func(s *stage) {
			s.backend.allocateErr = errors.New("all pools overlap")
			s.provision("member-0")
		}, want: 3, message: "allocate cluster db: all pools overlap"},
		{name: "clean-up failed", stage: func(s *stage) {
			s.backend.deleteErr = errors.New("volume in use")
			s.provision("member-0")
			s.destroy()
		}, want: 4, left: []string{"db"}},
		{name: "failed, and clean-up too", stage: func(s *stage) {
			s.backend.deleteErr = errors.New("volume in use")
			s.step("step.x", fail(exitError(1)), s.provision("member-0"))
		}, want: 1, left: []string{"db"}},
		{name: "the run timed out", stage: func(s *stage) {
			s.plan.Settings.Timeout = time.Minute
			s.step("step.x", sleep(time.Hour), s.provision("member-0"))
			s.destroy()
		}, want: 124, message: "the run timed out after 1m0s"},
		{name: "--timeout beats the workflow's", stage: func(s *stage) {
			s.plan.Settings.Timeout, s.options.Timeout = time.Hour, time.Second
			s.step("step.x", sleep(time.Minute))
		}, want: 124, message: "the run timed out after 1s"},
		{name: "fail fast", stage: func(s *stage) {
			s.plan.Settings.FailFast = true
			s.step("step.x", fail(exitError(1)), s.provision("member-0"))
			s.step("step.y", sleep(time.Hour))
		}, want: 1},
		{name: "an output cannot be evaluated", stage: func(s *stage) {
			s.plan.Outputs = func(plan.Facts) ([]plan.OutputValue, error) { return nil, errors.New("no such key") }
		}, want: 1, message: "no such key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				c.stage(s)
				r := s.run(t.Context())
				s.wantExit(r, c.want)
				s.wantLeft(c.left...)
				if r.Run.Ended.Message != c.message {
					t.Errorf("message: got %q, want %q", r.Run.Ended.Message, c.message)
				}
				if len(c.left) > 0 && (len(r.Run.Cleanup) != 1 || r.Run.Cleanup[0].Command != "dcosflow destroy run-1") {
					t.Errorf("clean-up: got %+v, want the command that removes the rest", r.Run.Cleanup)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.step("step.x", sleep(time.Hour), s.provision("member-0"))
		s.step("step.after", succeed, "step.x")
		s.finally("step.tidy", plan.Always, sleep(time.Second))
		s.finally("step.logs", plan.OnFailure, succeed)
		s.destroy()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		r := s.run(ctx)
		s.wantExit(r, 130)
		s.wantLeft()
		s.wantState(r, "step.x", events.Canceled)
		s.wantState(r, "step.after", events.Canceled)
		s.wantState(r, "step.tidy", events.Succeeded)
		s.wantState(r, "step.logs", events.Disabled)
		s.wantState(r, "step.destroy", events.Succeeded)
		if r.Run.CancelCause != "interrupted" {
			t.Errorf("cause: got %q, want %q", r.Run.CancelCause, "interrupted")
		}
		if got, want := r.Run.Ended.Took, time.Minute+time.Second; got != want {
			t.Errorf("took %s, want %s", got, want)
		}
	})
}

func TestCancelWhilePreparing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.provision("member-0")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("interrupted by terminated"))
		r := s.run(ctx)
		s.wantExit(r, 130)
		s.wantLeft()
		if want := "interrupted by terminated"; r.Run.Ended.Message != want {
			t.Errorf("message: got %q, want %q", r.Run.Ended.Message, want)
		}
	})
}

func TestGrace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.options.Grace = 10 * time.Second
		s.step("step.x", sleep(time.Hour), s.provision("member-0"))
		s.finally("step.tidy", plan.Always, sleep(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := s.run(ctx)
		s.wantExit(r, 130)
		s.wantLeft() // the safety net has a time limit of its own
		s.wantState(r, "step.tidy", events.Canceled)
		if got, want := r.Run.Ended.Took, 11*time.Second; got != want {
			t.Errorf("took %s, want %s", got, want)
		}
	})
}

func TestAbort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		abort := make(chan struct{})
		s.options.Abort = abort
		s.step("step.x", sleep(time.Hour), s.provision("member-0"))
		s.finally("step.tidy", plan.Always, sleep(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.AfterFunc(2*time.Second, func() { close(abort) })
		r := s.run(ctx)
		s.wantExit(r, 130)
		s.wantLeft("db")
		if got, want := r.Run.Ended.Took, 2*time.Second; got != want {
			t.Errorf("took %s, want %s", got, want)
		}
		if len(r.Run.Cleanup) != 1 || r.Run.Cleanup[0].Command != "dcosflow destroy run-1" {
			t.Errorf("clean-up: got %+v, want the command that removes the rest", r.Run.Cleanup)
		}
	})
}

// TestAbortDoesNotWait has work in every phase that does not heed its context.
func TestAbortDoesNotWait(t *testing.T) {
	stubborn := func(context.Context, steps.Env) (cty.Value, error) {
		time.Sleep(time.Hour)
		return cty.NilVal, nil
	}
	cases := []struct {
		name  string
		stage func(*stage)
		left  []string
	}{
		{"preparing", func(s *stage) { s.backend.prepareTakes = time.Hour }, nil},
		{"allocating", func(s *stage) { s.backend.allocateTakes = time.Hour }, []string{"db"}},
		{"at work", func(s *stage) { s.step("step.x", stubborn) }, []string{"db"}},
		{"finalising", func(s *stage) { s.finally("step.tidy", plan.Always, stubborn) }, []string{"db"}},
		{"removing", func(s *stage) { s.backend.deleteTakes = time.Hour; s.destroy() }, []string{"db"}},
		{"cleaning up", func(s *stage) { s.backend.deleteTakes = time.Hour }, []string{"db"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				abort := make(chan struct{})
				s.options.Abort = abort
				s.provision("member-0")
				c.stage(s)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				time.AfterFunc(2*time.Second, func() { close(abort) })
				r := s.run(ctx)
				s.wantExit(r, 130)
				if got, want := r.Run.Ended.Took, 2*time.Second; got != want {
					t.Errorf("took %s, want %s", got, want)
				}
				var left []string
				for _, c := range r.Run.Cleanup {
					left = append(left, c.Cluster)
				}
				if !slices.Equal(left, c.left) {
					t.Errorf("said to be left: got %q, want %q", left, c.left)
				}
				if running := r.Run.InProgress(); len(running) > 0 {
					t.Errorf("said to be at work after the end: %+v", running[0])
				}
				events := len(s.journal.records)
				time.Sleep(2 * time.Hour) // what was left ends
				if got := len(s.journal.records); got != events {
					t.Errorf("%d events after the end, want none", got-events)
				}
			})
		})
	}
}

func TestRule09_KeepBeatsDestroy(t *testing.T) {
	interrupt := func(s *stage) { s.step("step.wait", sleep(time.Hour)) }
	failing := func(s *stage) { s.step("step.bad", fail(exitError(1)), `step.nodes["member-0"]`) }
	none := func(*stage) {}
	cases := []struct {
		name  string
		keep  engine.Keep
		stage func(*stage)
		want  bool
	}{
		{"never, passed", engine.KeepNever, none, false},
		{"never, failed", engine.KeepNever, failing, false},
		{"on-failure, passed", engine.KeepOnFailure, none, false},
		{"on-failure, failed", engine.KeepOnFailure, failing, true},
		{"on-failure, interrupted", engine.KeepOnFailure, interrupt, false},
		{"always, passed", engine.KeepAlways, none, true},
		{"always, interrupted", engine.KeepAlways, interrupt, true},
		{"always, nothing made", engine.KeepAlways, func(s *stage) {
			i := s.plan.Graph.Value(`step.nodes["member-0"]`)
			i.Enabled = func(plan.Facts) (bool, error) { return false, nil }
		}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				s.options.Keep = c.keep
				s.provision("member-0")
				s.destroy()
				c.stage(s)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				r := s.run(ctx)
				if !c.want {
					s.wantLeft()
					return
				}
				s.wantLeft("db")
				s.wantState(r, "step.destroy", events.Kept)
				if !slices.Equal(r.Run.Ended.Kept, []string{"db"}) {
					t.Errorf("kept: got %q, want db", r.Run.Ended.Kept)
				}
			})
		})
	}
}

func TestRule09_FinalisersNeedTheirNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.step("step.bad", fail(exitError(1)))
		s.provision("member-0", "step.bad")
		s.provision("member-1")
		for _, node := range []string{"member-0", "member-1"} {
			i := s.finally(dag.ID(`step.logs["`+node+`"]`), plan.OnFailure, succeed)
			i.Cluster, i.Node = "db", node
		}
		r := s.run(t.Context())
		s.wantExit(r, 1)
		s.wantState(r, `step.logs["member-1"]`, events.Succeeded)
		got := s.wantState(r, `step.logs["member-0"]`, events.Skipped)
		if want := "member-0 was not provisioned"; got.Reason != want {
			t.Errorf("reason: got %q, want %q", got.Reason, want)
		}
	})
}

func TestJournalFails(t *testing.T) {
	for capacity := 1; capacity < 12; capacity++ {
		bubble(t, func(t *testing.T) {
			s := newStage(t)
			s.journal.capacity = capacity
			shown := &memoryJournal{}
			s.options.Sinks = append(s.options.Sinks, shown)
			s.step("step.x", sleep(time.Hour), s.provision("member-0"))
			s.destroy()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := engine.Run(ctx, s.options)
			s.wantLeft()
			switch r.Exit {
			case 3:
				if err == nil && !strings.Contains(r.Run.Ended.Message, errDiskFull.Error()) {
					t.Errorf("full after %d records: message %q, want the cause", capacity, r.Run.Ended.Message)
				}
			case 130: // the disk was full only after the interruption
				if !errors.Is(err, errDiskFull) && r.Run.CancelCause == "" {
					t.Errorf("full after %d records: got %+v, %v", capacity, r, err)
				}
			default:
				t.Errorf("full after %d records: exit code %d, want 3", capacity, r.Exit)
			}
			if _, ok := shown.records[len(shown.records)-1].Event.(events.RunEnded); !ok {
				t.Errorf("full after %d records: the end is not shown", capacity)
			}
		})
	}
}

func TestJournalCannotBegin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.options.Sinks = []events.Sink{sinkFunc(func(events.Record) error { return os.ErrPermission })}
		s.provision("member-0")
		r, err := engine.Run(t.Context(), s.options)
		if !errors.Is(err, os.ErrPermission) || r.Exit != 3 {
			t.Errorf("got exit %d, error %v, want 3 and %v", r.Exit, err, os.ErrPermission)
		}
		if calls := s.backend.Calls(); len(calls) > 0 {
			t.Errorf("the world was touched: %+v", calls)
		}
	})
}

type sinkFunc func(events.Record) error

func (f sinkFunc) Write(r events.Record) error { return f(r) }
