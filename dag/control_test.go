package dag

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// chain follows Transition.After from a vertex back.
func (s *script) chain(id ID) (path []ID) {
	after := map[ID]ID{}
	for _, tr := range s.trace {
		after[tr.ID] = tr.After
	}
	for ; id != "" && !slices.Contains(path, id); id = after[id] {
		path = append(path, id)
	}
	return path
}

func TestAfterGoesThroughBrackets(t *testing.T) {
	s := newScript(t)
	s.add("x", act{takes: 5}, Traits{})
	s.span("cut", act{takes: 1}, Traits{Lazy: true})
	s.region("g", act{retries: 1}, Traits{}, "x", "~cut")
	s.add("a", act{takes: 2, fails: 1}, Traits{Locks: []string{"l"}}, "<g")
	s.add("b", act{takes: 1}, Traits{Locks: []string{"l"}}, "<g")
	s.add("after", act{takes: 1}, Traits{}, "cut")
	_, sum := s.play(Executor[*act]{}, 0)
	wantFailed(t, sum)
	want := []ID{"after", "cut", "g", "b", "a", "g:begin", "cut:start", "x"}
	if got := s.chain("after"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Two spans that hold what the children of the other need can wait for ever:
// the run says so, and ends.
func TestADeadlockIsAFailure(t *testing.T) {
	tests := map[string]struct {
		build func(s *script)
		want  string
		id    ID
	}{
		"by a lock": {func(s *script) {
			s.span("a", act{}, Traits{Lazy: true, Locks: []string{"l"}})
			s.add("first", act{takes: 1}, Traits{}, "~a")
			s.add("x", act{}, Traits{Locks: []string{"l"}}, "first")
			s.add("second", act{}, Traits{}, "~a", "x")
		}, `it can never start: the lock "l" that it needs is held by a until that ends, and that waits for it`, "x"},
		"by a roll": {func(s *script) {
			must(s.t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
			s.span("a", act{}, Traits{Lazy: true, Roll: "r"})
			s.span("b", act{}, Traits{Lazy: true, Roll: "r"})
			s.add("first", act{takes: 1}, Traits{}, "~a")
			s.add("x", act{}, Traits{}, "~b", "first")
			s.add("second", act{}, Traits{}, "~a", "x")
		}, `it can never start: of the roll "r" only 1 may run at once, and those that do wait for it`, "x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			test.build(s)
			got, sum := s.play(Executor[*act]{}, 0)
			wantFailed(t, sum, test.id)
			for _, want := range []string{"1s x failed: " + test.want, "1s second skipped by x", "1s a done"} {
				if !strings.Contains(got, want) {
					t.Errorf("got\n%s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestHoldIsForSpansOnce(t *testing.T) {
	s := newScript(t)
	s.add("point", act{}, Traits{})
	s.region("g", act{}, Traits{})
	s.span("s", act{}, Traits{})
	hold := func(c Control[*act]) error {
		_, err := c.Hold()
		return err
	}
	var late Control[*act]
	_, err := Executor[*act]{}.Run(t.Context(), s.g, func(_ context.Context, id ID, _ *act, c Control[*act]) (Result, error) {
		first, second := hold(c), hold(c)
		if id == "s:start" {
			late = c
		}
		if id != "s:start" && !errors.Is(first, errNoSpan) || id == "s:start" && (first != nil || !errors.Is(second, errHeld)) {
			t.Errorf("%s: got %v, then %v", id, first, second)
		}
		if failures := c.Failures(); len(failures) > 0 {
			t.Errorf("%s: got the failures %v, want none", id, failures)
		}
		return Result{}, nil
	})
	must(t, err)
	if err := hold(late); !errors.Is(err, errOver) {
		t.Errorf("after the run: got %v, want %v", err, errOver)
	}
}

func TestOnlyRegionsCanBeRepeated(t *testing.T) {
	for _, id := range []ID{"point", "g:begin", "s:start"} {
		s := newScript(t)
		s.add("point", act{}, Traits{})
		s.region("g", act{}, Traits{})
		s.span("s", act{}, Traits{})
		var got error
		e := Executor[*act]{Observe: func(tr Transition) {
			if tr.ID == id && tr.State == Failed {
				got = tr.Err
			}
		}}
		_, err := e.Run(t.Context(), s.g, func(_ context.Context, v ID, _ *act, _ Control[*act]) (Result, error) {
			return Result{Again: v == id}, nil
		})
		must(t, err)
		if !errors.Is(got, errNoRegion) {
			t.Errorf("%s: got %v, want %v", id, got, errNoRegion)
		}
	}
}

// After an abort neither a span nor a region is waited for.
func TestAbortWithOpenBrackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.span("cut", act{}, Traits{Lazy: true})
		s.region("g", act{}, Traits{Limit: time.Hour}, "~cut")
		s.add("a", act{}, Traits{}, "<g")
		s.add("b", act{}, Traits{}, "<g", "a")
		abort := make(chan struct{})
		defer time.AfterFunc(time.Second, func() { close(abort) }).Stop()
		got := map[ID]State{}
		var visits sync.WaitGroup
		defer visits.Wait() // they come to their ends all the same
		e := Executor[*act]{Abort: abort, Observe: func(tr Transition) { got[tr.ID] = tr.State }}
		sum, err := e.Run(t.Context(), s.g, func(_ context.Context, id ID, _ *act, c Control[*act]) (Result, error) {
			visits.Add(1)
			defer visits.Done()
			if id == "cut:start" {
				holding, err := c.Hold()
				must(t, err)
				<-holding.Over
			}
			if id == "a" || id == "cut:start" {
				time.Sleep(time.Minute)
			}
			return Result{}, nil
		})
		must(t, err)
		for _, id := range []ID{"a", "b", "g", "cut"} {
			if got[id] != Canceled {
				t.Errorf("%s is %s, want canceled", id, got[id])
			}
		}
		if !errors.Is(sum.Stopped, errAborted) {
			t.Errorf("stopped because of %v, want %v", sum.Stopped, errAborted)
		}
	})
}

// What Observe panics with reaches the caller, also while a span is open.
func TestPanicOfObserveWithAnOpenSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.span("cut", act{}, Traits{Lazy: true})
		s.add("a", act{}, Traits{}, "~cut")
		e := Executor[*act]{Observe: func(tr Transition) {
			if tr.ID == "a" {
				panic("boom")
			}
		}}
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("got %v, want boom", got)
			}
		}()
		_, err := e.Run(t.Context(), s.g, s.visit)
		t.Errorf("returned with %v, want a panic", err)
	})
}
