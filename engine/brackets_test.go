package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// fault is a span that remembers what was done with it.
type fault struct {
	startErr, waitErr, endErr error
	// startTakes and lasts are how long its start takes, and after which time it
	// ends by itself, if any.
	startTakes, lasts time.Duration
	endTakes          time.Duration // whatever its context says
	panics            string        // the method that does
	world             *holders
}

// holders are the spans of a test that hold now, and how often each was started
// and ended.
type holders struct {
	mu             sync.Mutex
	open           map[string]bool
	starts, ends   map[string]int
	started        []string // what End was given
	startedMissing int
	log            io.Writer // of the last one that was started
}

func newHolders() *holders {
	return &holders{open: map[string]bool{}, starts: map[string]int{}, ends: map[string]int{}}
}

func (f fault) Start(ctx context.Context, env steps.Env) (cty.Value, error) {
	f.world.mu.Lock()
	f.world.open[env.Address] = true
	f.world.starts[env.Address]++
	f.world.log = env.Stdout
	f.world.mu.Unlock()
	if f.panics == "start" {
		panic("start")
	}
	_, err := sleep(f.startTakes)(ctx, env)
	return cty.StringVal("began " + env.Address), errors.Join(err, f.startErr)
}

func (f fault) Wait(ctx context.Context) error {
	if f.panics == "wait" {
		panic("wait")
	}
	if f.lasts == 0 {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	_, err := sleep(f.lasts)(ctx, steps.Env{})
	return errors.Join(err, f.waitErr)
}

func (f fault) End(ctx context.Context, env steps.Env, started cty.Value) (cty.Value, error) {
	time.Sleep(f.endTakes)
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	f.world.ends[env.Address]++
	if started == cty.NilVal {
		f.world.startedMissing++
	} else if !started.IsNull() {
		f.world.started = append(f.world.started, started.AsString())
	}
	if ctx.Err() != nil {
		return cty.NilVal, context.Cause(ctx)
	}
	if f.panics == "end" {
		panic("end")
	}
	if f.endErr == nil {
		delete(f.world.open, env.Address)
	}
	return cty.ObjectVal(map[string]cty.Value{"stdout": cty.StringVal("healed"), "token": cty.NullVal(cty.String)}), f.endErr
}

// check fails the test when a span was started and not ended as often, or holds.
func (h *holders) check(t *testing.T) {
	t.Helper()
	for address, n := range h.starts {
		if h.ends[address] != n {
			t.Errorf("%s was started %d times and ended %d times", address, n, h.ends[address])
		}
	}
	if len(h.open) > 0 {
		t.Errorf("still open: %v", h.open)
	}
}

// span adds a span; spans without children are alone.
func (s *stage) span(id dag.ID, f fault, span plan.Span) *plan.Instance {
	s.t.Helper()
	end, start := newSpanPair(id, f, span)
	s.add(start, dag.Traits{Opens: id, Span: true, Lazy: !span.Alone})
	s.main(end, dag.Traits{}, start.ID)
	return end
}

// newSpanPair makes the two vertices of a span.
func newSpanPair(id dag.ID, f fault, span plan.Span) (end, start *plan.Instance) {
	end = do(id, nil)
	end.Span = &span
	end.Type.Name, end.Type.New = "fault", nil
	end.Type.NewSpan = func(cty.Value) (steps.Span, error) { return f, nil }
	opening := *end
	opening.ID, opening.Kind, opening.Of, opening.Configure = id+":start", plan.Start, end, nil
	return end, &opening
}

// during lets an instance happen during spans.
func (s *stage) during(child dag.ID, spans ...dag.ID) {
	s.t.Helper()
	for _, span := range spans {
		err := errors.Join(
			s.plan.Graph.DependOn(child, span+":start", dag.Succeeded),
			s.plan.Graph.DependOn(span, child, dag.Settled),
		)
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// kindsOf lists the events about an address.
func (s *stage) kindsOf(address string) []string {
	var kinds []string
	for _, r := range s.journal.records {
		if text := fmt.Sprintf("%+v", r.Event); strings.Contains(text, "{Address:"+address+" ") {
			kinds = append(kinds, r.Event.Kind())
		}
	}
	return kinds
}

func TestSpan(t *testing.T) {
	broken := errors.New("broken")
	cases := []struct {
		name  string
		fault fault
		span  plan.Span
		child work // nil for a span that is alone
		// exit, state and childState are what came of it; message is in the failure.
		exit              int
		state, childState events.State
		message           string
		takes             time.Duration
		open              bool
	}{
		{name: "as long as what is during it", child: sleep(3 * time.Second), state: events.Succeeded, childState: events.Succeeded, takes: 3 * time.Second},
		{name: "with a duration", span: plan.Span{Duration: 5 * time.Second}, child: sleep(time.Second), state: events.Succeeded, childState: events.Succeeded, takes: 5 * time.Second},
		{name: "alone with a duration", span: plan.Span{Duration: 5 * time.Second, Alone: true}, state: events.Succeeded, takes: 5 * time.Second},
		{name: "alone until it ends by itself", fault: fault{lasts: 2 * time.Second}, span: plan.Span{Alone: true}, state: events.Succeeded, takes: 2 * time.Second},
		{name: "alone, with a duration, and earlier by itself", fault: fault{lasts: 2 * time.Second}, span: plan.Span{Duration: time.Minute, Alone: true}, state: events.Succeeded, takes: 2 * time.Second},
		{name: "early success", fault: fault{lasts: time.Second}, child: sleep(3 * time.Second), state: events.Succeeded, childState: events.Succeeded, takes: 3 * time.Second},
		{
			name: "early failure", fault: fault{lasts: time.Second, waitErr: exitError(7)}, child: sleep(time.Minute),
			exit: 1, state: events.Failed, childState: events.Canceled, message: "exit code 7", takes: time.Second,
		},
		{name: "the child fails", child: fail(broken), exit: 1, state: events.Succeeded, childState: events.Failed},
		{name: "the start fails", fault: fault{startErr: broken}, child: succeed, exit: 1, state: events.Failed, childState: events.Skipped, message: "broken"},
		{name: "the start panics", fault: fault{panics: "start"}, child: succeed, exit: 3, state: events.Failed, childState: events.Skipped, message: "panic: start"},
		{name: "the wait panics", fault: fault{panics: "wait"}, child: sleep(time.Minute), exit: 3, state: events.Failed, childState: events.Canceled, message: "panic: wait"},
		{name: "the end fails", fault: fault{endErr: broken}, child: succeed, exit: 1, state: events.Failed, childState: events.Succeeded, message: "end it: broken: what it began may be left", open: true},
		{name: "the end panics", fault: fault{panics: "end"}, child: succeed, exit: 3, state: events.Failed, childState: events.Succeeded, message: "panic: end", open: true},
		{
			name: "both fail", fault: fault{lasts: time.Second, waitErr: exitError(7), endErr: broken}, child: sleep(time.Minute),
			exit: 1, state: events.Failed, childState: events.Canceled, message: "exit code 7\nend it: broken", takes: time.Second, open: true,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, h := newStage(t), newHolders()
				c.fault.world = h
				s.span("step.cut", c.fault, c.span)
				if c.child != nil {
					s.step("step.child", c.child)
					s.during("step.child", "step.cut")
				}
				begin := time.Now()
				r := s.run(t.Context())
				s.wantExit(r, c.exit)
				i := s.wantState(r, "step.cut", c.state)
				if c.child != nil {
					s.wantState(r, "step.child", c.childState)
				}
				if c.message != "" && (i.Failure == nil || !strings.Contains(i.Failure.Message, c.message)) {
					t.Errorf("failure: got %+v, want %q", i.Failure, c.message)
				}
				if took := time.Since(begin); took != c.takes {
					t.Errorf("it took %s, want %s", took, c.takes)
				}
				if c.open != (len(r.Run.Spans) == 1) {
					t.Errorf("open spans: got %d", len(r.Run.Spans))
				}
				if !c.open {
					h.check(t)
				}
				if h.ends["step.cut"] != 1 {
					t.Errorf("it was ended %d times, want once", h.ends["step.cut"])
				}
				if c.state == events.Succeeded && !strings.Contains(string(i.Outputs), "healed") {
					t.Errorf("outputs: got %s", i.Outputs)
				}
			})
		})
	}
}

// What a failed span stops may not take that failure for its own: an exit code
// of the one could be a success of the other.
func TestSpanStopsWithWords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.span("step.cut", fault{world: h, lasts: time.Second, waitErr: exitError(7)}, plan.Span{})
		s.step("step.child", func(ctx context.Context, _ steps.Env) (cty.Value, error) {
			<-ctx.Done()
			cause := context.Cause(ctx)
			if errors.As(cause, new(*backends.ExitError)) || !strings.HasPrefix(cause.Error(), "step.cut failed: ") {
				t.Errorf("cause: got %v, want step.cut's failure in words", cause)
			}
			return cty.NilVal, cause
		})
		s.during("step.child", "step.cut")
		r := s.run(t.Context())
		s.wantExit(r, 1)
		if i := s.wantState(r, "step.child", events.Canceled); i.Cause != "step.cut" || !strings.HasPrefix(i.Reason, "step.cut failed: ") {
			t.Errorf("cause %s, reason %q, want step.cut", i.Cause, i.Reason)
		}
	})
}

// brokenVault panics when it is asked for the key.
type brokenVault struct{ vault }

func (brokenVault) Key() []byte { panic("no key") }

// A panic of the engine itself, once a span was started, keeps nobody from its
// end.
func TestSpanEndsAfterAPanic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.options.Vault = brokenVault{vault{}}
		s.span("step.cut", fault{world: h}, plan.Span{})
		s.step("step.child", succeed)
		s.during("step.child", "step.cut")
		r := s.run(t.Context())
		s.wantExit(r, 3)
		if f := s.wantState(r, "step.cut", events.Failed).Failure; f == nil || !strings.Contains(f.Message, "panic: no key") {
			t.Errorf("failure: got %+v, want the panic", f)
		}
		h.check(t)
	})
}

// What the journal says of a span, in which order, and that it counts once.
func TestSpanEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.span("step.load", fault{world: h}, plan.Span{StopTimeout: time.Second})
		s.step("step.child", succeed)
		s.during("step.child", "step.load")
		r := s.run(t.Context())
		want := []string{"instance_started", "span_starting", "span_held", "span_ended", "instance_ended"}
		if got := s.kindsOf("step.load"); !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		if r.Run.Counts.Total != 2 || r.Run.Counts.Succeeded != 2 || len(r.Run.Instances) != 2 {
			t.Errorf("counts: got %+v of %d instances", r.Run.Counts, len(r.Run.Instances))
		}
		if want := []string{"began step.load"}; !slices.Equal(h.started, want) {
			t.Errorf("its end was given %q, want %q", h.started, want)
		}
	})
}

// A span that is disabled holds nothing; what happens during it goes on.
func TestSpanDisabled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.span("step.cut", fault{world: h}, plan.Span{}).Enabled = func(plan.Facts) (bool, error) { return false, nil }
		s.step("step.child", succeed)
		s.during("step.child", "step.cut")
		r := s.run(t.Context())
		s.wantExit(r, 0)
		s.wantState(r, "step.cut", events.Disabled)
		s.wantState(r, "step.child", events.Succeeded)
		if len(h.starts) > 0 {
			t.Errorf("it was started: %v", h.starts)
		}
	})
}

// What is during a gate is during all spans that the gate is during; nobody is
// told of the gate.
func TestGate(t *testing.T) {
	for name, child := range map[string]work{"passes": sleep(2 * time.Second), "fails": fail(errors.New("broken"))} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, h := newStage(t), newHolders()
				s.add(&plan.Instance{ID: "step.cut:all:start", Kind: plan.Gate}, dag.Traits{Opens: "step.cut:all", Span: true, Lazy: true})
				s.main(&plan.Instance{ID: "step.cut:all", Kind: plan.Join}, dag.Traits{}, "step.cut:all:start")
				for _, id := range []dag.ID{"step.cut.a", "step.cut.b"} {
					s.span(id, fault{world: h}, plan.Span{})
					err := errors.Join(s.plan.Graph.DependOn("step.cut:all:start", id+":start", dag.Succeeded), s.plan.Graph.DependOn(id, "step.cut:all", dag.Settled))
					if err != nil {
						t.Fatal(err)
					}
				}
				held := 0
				s.step("step.child", func(ctx context.Context, env steps.Env) (cty.Value, error) {
					h.mu.Lock()
					held = len(h.open)
					h.mu.Unlock()
					return child(ctx, env)
				})
				s.during("step.child", "step.cut:all")
				r := s.run(t.Context())
				h.check(t)
				if held != 2 || len(h.starts) != 2 {
					t.Errorf("%d spans held while the child ran, and %d started; want 2 and 2", held, len(h.starts))
				}
				s.wantState(r, "step.cut.a", events.Succeeded)
				if kinds := slices.Concat(s.kindsOf("step.cut:all"), s.kindsOf("step.cut:all:start")); len(kinds) > 0 {
					t.Errorf("there are events of the gate: %v", kinds)
				}
			})
		})
	}
}

// Without a record of it, nothing is touched.
func TestSpanWithoutJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.span("step.cut", fault{world: h}, plan.Span{Duration: time.Second, Alone: true})
		s.journal.capacity = 4 // the next one is span_starting
		r := s.run(t.Context())
		s.wantExit(r, 3)
		if last := s.journal.records[3].Event.Kind(); last != "instance_started" {
			t.Fatalf("the last record is %s, want that the span starts", last)
		}
		if len(h.starts) > 0 {
			t.Errorf("it was started: %v", h.starts)
		}
	})
}

// The timeout bounds the start; the end comes all the same.
func TestSpanStartTimesOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.span("step.cut", fault{world: h, startTakes: time.Hour}, plan.Span{Duration: time.Minute, Alone: true}).Timeout = 5 * time.Second
		r := s.run(t.Context())
		i := s.wantState(r, "step.cut", events.Failed)
		if i.Failure.Class != events.ClassTimeout {
			t.Errorf("failure: got %+v, want a timeout", i.Failure)
		}
		h.check(t)
	})
}

// Ctrl-C ends a span after what happens during it, on a context that lives.
func TestSpanInterrupted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.span("step.cut", fault{world: h}, plan.Span{})
		s.step("step.child", sleep(time.Hour))
		s.during("step.child", "step.cut")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Second, cancel)
		r := s.run(ctx)
		s.wantExit(r, 130)
		s.wantState(r, "step.child", events.Canceled)
		s.wantState(r, "step.cut", events.Canceled)
		h.check(t)
	})
}

// A second Ctrl-C waits for nothing; the journal says that the span is open.
func TestSpanAborted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.span("step.cut", fault{world: h, endTakes: time.Hour}, plan.Span{})
		s.step("step.child", sleep(time.Hour))
		s.during("step.child", "step.cut")
		abort := make(chan struct{})
		s.options.Abort = abort
		time.AfterFunc(time.Second, func() { close(abort) })
		r := s.run(t.Context())
		s.wantExit(r, 130)
		if len(r.Run.Spans) != 1 {
			t.Errorf("open spans: got %d, want one", len(r.Run.Spans))
		}
		time.Sleep(2 * time.Hour) // what was left ends
	})
}
