package dag

import (
	"slices"
	"strings"
	"testing"
)

// wantLog compares what happened, line by line.
func wantLog(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func wantFailed(t *testing.T, s Summary, want ...ID) {
	t.Helper()
	if !slices.Equal(s.Failed, want) {
		t.Errorf("failed are %v, want %v", s.Failed, want)
	}
}

func TestRule13_AChildRunsBetweenStartAndEnd(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1}, Traits{Lazy: true})
	s.span("load", act{takes: 2}, Traits{Lazy: true}, "~cut")
	s.add("x", act{takes: 5}, Traits{Weight: 1})
	s.add("a", act{takes: 3}, Traits{Weight: 1}, "~load", "x")
	s.add("b", act{takes: 30}, Traits{Weight: 1}, "~cut", "a")
	s.add("after", act{}, Traits{}, "cut")
	got, sum := s.play(Executor[*act]{Slots: 2}, 0)
	wantLog(t, got, `
0s x running
5s x done
5s cut:start running
6s cut:start done
6s load:start running
8s load:start done
8s a running
11s a done
11s b running
11s load:start ends
13s load done
41s b done
41s cut:start ends
42s cut done
42s after running
42s after done`)
	wantFailed(t, sum)
}

// The lock of one span is taken: nothing is held meanwhile, neither slot nor the other span.
func TestRule14_AChildOfTwoSpans(t *testing.T) {
	s := newScript(t)
	s.add("holder", act{takes: 4}, Traits{Locks: []string{"net"}})
	s.span("cut", act{takes: 1}, Traits{Lazy: true, Locks: []string{"net"}})
	s.span("load", act{takes: 2}, Traits{Lazy: true})
	s.add("both", act{takes: 3}, Traits{Weight: 1}, "~cut", "~load")
	s.add("other", act{takes: 2}, Traits{Weight: 1})
	got, sum := s.play(Executor[*act]{Slots: 1}, 0)
	wantLog(t, got, `
0s holder running
0s other running
2s other done
4s holder done
4s cut:start running
4s load:start running
5s cut:start done
6s load:start done
6s both running
9s both done
9s cut:start ends
9s load:start ends
10s cut done
11s load done`)
	wantFailed(t, sum)
}

// Both need both spans, listed in opposite orders, and the spans share a lock with a point.
func TestRule14_TwoChildrenOfTwoSpansEach(t *testing.T) {
	s := newScript(t)
	s.span("a", act{takes: 1}, Traits{Lazy: true, Locks: []string{"l"}})
	s.span("b", act{takes: 1}, Traits{Lazy: true, Locks: []string{"m"}})
	s.add("x", act{takes: 3}, Traits{Weight: 1}, "~a", "~b")
	s.add("y", act{takes: 5}, Traits{Weight: 1}, "~b", "~a")
	s.add("point", act{takes: 2}, Traits{Locks: []string{"l", "m"}})
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s a:start running
0s b:start running
1s a:start done
1s b:start done
1s x running
1s y running
4s x done
6s y done
6s a:start ends
6s b:start ends
7s a done
7s b done
7s point running
9s point done`)
	wantFailed(t, sum)
}

// The inner span opens only for its own child, which waits for the slow one.
func TestRule14_ASpanDuringASpanIsNoDemand(t *testing.T) {
	s := newScript(t)
	s.span("outer", act{}, Traits{Lazy: true})
	s.span("inner", act{}, Traits{Lazy: true}, "~outer")
	s.add("slow", act{takes: 7}, Traits{})
	s.add("child", act{takes: 1}, Traits{}, "~inner", "slow")
	s.add("early", act{takes: 2}, Traits{}, "~outer")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s slow running
0s outer:start running
0s outer:start done
0s early running
2s early done
7s slow done
7s inner:start running
7s inner:start done
7s child running
8s child done
8s inner:start ends
8s inner done
8s outer:start ends
8s outer done`)
	wantFailed(t, sum)
}

// One span of the roll at a time, until its end.
func TestRule14_SpansInARoll(t *testing.T) {
	s := newScript(t)
	must(t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
	for _, k := range []ID{"a", "b"} {
		s.span("cut-"+k, act{takes: 1}, Traits{Lazy: true, Roll: "r"})
	}
	for _, k := range []ID{"a", "b"} {
		s.add("see-"+k, act{takes: 3}, Traits{Weight: 1}, "~cut-"+string(k))
	}
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s cut-a:start running
1s cut-a:start done
1s see-a running
4s see-a done
4s cut-a:start ends
5s cut-a done
5s cut-b:start running
6s cut-b:start done
6s see-b running
9s see-b done
9s cut-b:start ends
10s cut-b done`)
	wantFailed(t, sum)
}

func TestRule14_AFailedSpanStopsItsRoll(t *testing.T) {
	s := newScript(t)
	must(t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
	for _, k := range []ID{"a", "b"} {
		s.span("cut-"+k, act{takes: 1, fails: 1}, Traits{Lazy: true, Roll: "r"})
	}
	for _, k := range []ID{"a", "b"} {
		s.add("see-"+k, act{takes: 3}, Traits{Weight: 1}, "~cut-"+string(k))
	}
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s cut-a:start running
1s cut-a:start ends
2s cut-a:start failed
2s cut-b:start skipped roll by cut-a
2s see-a skipped by cut-a
2s see-b skipped by cut-a
2s cut-a failed
2s cut-b skipped roll by cut-a`)
	wantFailed(t, sum, "cut-a")
}

// The children have one ticket: the span is open for all of them.
func TestRule14_ChildrenInARoll(t *testing.T) {
	s := newScript(t)
	must(t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
	s.span("cut", act{takes: 1}, Traits{Lazy: true})
	s.add("a", act{takes: 2}, Traits{Weight: 1, Roll: "r"}, "~cut")
	s.add("b", act{takes: 2}, Traits{Weight: 1, Roll: "r"}, "~cut")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s cut:start running
1s cut:start done
1s a running
3s a done
3s b running
5s b done
5s cut:start ends
6s cut done`)
	wantFailed(t, sum)
}

// A point that wants the span's lock comes before or after it, not during.
func TestRule14_LocksAreHeldUntilTheEnd(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1, lasts: 10}, Traits{Lazy: true, Locks: []string{"l"}})
	s.add("child", act{takes: 2}, Traits{}, "~cut")
	s.add("x", act{takes: 1}, Traits{})
	s.add("after", act{takes: 1}, Traits{Locks: []string{"l"}}, "x")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s cut:start running
0s x running
1s cut:start done
1s child running
1s x done
3s child done
11s cut:start ends
12s cut done
12s after running
13s after done`)
	wantFailed(t, sum)
}

// A span that cannot open after all holds nothing: what some of its children
// wait for may need its lock.
func TestRule14_ReservedLocksAreGivenBack(t *testing.T) {
	s := newScript(t)
	s.span("outer", act{takes: 1, fails: 1}, Traits{Lazy: true})
	s.span("inner", act{}, Traits{Lazy: true, Locks: []string{"l"}}, "~outer")
	s.add("child", act{}, Traits{}, "~inner")
	s.add("gate", act{takes: 3}, Traits{})
	s.add("other", act{}, Traits{Locks: []string{"l"}}, "gate")
	s.add("late", act{}, Traits{}, "~inner")
	s.wait("late", "other", Settled)
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s outer:start running
0s gate running
1s outer:start ends
2s outer:start failed
2s inner:start skipped by outer
2s child skipped by outer
3s gate done
3s other running
3s other done
3s late skipped by outer
3s inner skipped by outer
3s outer failed`)
	wantFailed(t, sum, "outer")
}
