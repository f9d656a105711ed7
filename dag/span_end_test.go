package dag

import (
	"testing"
	"time"
)

// The span is skipped, and what refers to it.
func TestRule15_NoChildStarted(t *testing.T) {
	s := newScript(t)
	s.add("bad", act{takes: 1, fails: 1}, Traits{})
	s.span("outer", act{}, Traits{Lazy: true})
	s.span("inner", act{}, Traits{Lazy: true}, "~outer")
	s.add("child", act{}, Traits{}, "~inner", "bad")
	s.add("after", act{}, Traits{}, "outer")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s bad running
1s bad failed
1s child skipped by bad
1s inner:start skipped: nothing happens during it
1s inner skipped: nothing happens during it
1s outer:start skipped: nothing happens during it
1s outer skipped: nothing happens during it
1s after skipped by outer`)
	wantFailed(t, sum, "bad")
}

// What happened before the run happened during it.
func TestRule15_ARestoredChildDemandsItsSpan(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1}, Traits{Lazy: true})
	s.add("child", act{}, Traits{}, "~cut")
	s.add("after", act{}, Traits{}, "cut")
	got, sum := s.play(Executor[*act]{Restored: map[ID]bool{"child": true}}, 0)
	wantLog(t, got, `
0s child restored
0s cut:start running
1s cut:start done
1s cut:start ends
2s cut done
2s after running
2s after done`)
	wantFailed(t, sum)
}

func TestRule15_ARestoredSpanIsNotOpened(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1}, Traits{Lazy: true})
	s.add("child", act{}, Traits{}, "~cut")
	s.add("after", act{}, Traits{}, "cut")
	got, sum := s.play(Executor[*act]{Restored: map[ID]bool{"child": true, "cut": true}}, 0)
	wantLog(t, got, `
0s cut:start restored
0s cut restored
0s child restored
0s after running
0s after done`)
	wantFailed(t, sum)
}

// Without children it lasts as long as it says, or until it ends by itself.
func TestRule15_Alone(t *testing.T) {
	s := newScript(t)
	s.span("fixed", act{takes: 1, lasts: 5}, Traits{})
	s.span("writer", act{early: 3, alone: true}, Traits{})
	s.add("after", act{}, Traits{}, "writer", "fixed")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s fixed:start running
0s writer:start running
0s writer:start done
1s fixed:start done
3s writer:start ended early
3s writer done
6s fixed:start ends
7s fixed done
7s after running
7s after done`)
	wantFailed(t, sum)
}

// It ends when that has passed and all children have settled.
func TestRule15_WithADuration(t *testing.T) {
	s := newScript(t)
	s.span("long", act{lasts: 10}, Traits{Lazy: true})
	s.span("short", act{lasts: 1}, Traits{Lazy: true})
	s.add("child", act{takes: 4}, Traits{}, "~long", "~short")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s long:start running
0s short:start running
0s long:start done
0s short:start done
0s child running
4s child done
4s short:start ends
4s short done
10s long:start ends
10s long done`)
	wantFailed(t, sum)
}

func TestRule15_CancelDuringStart(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 5}, Traits{Lazy: true, Locks: []string{"l"}})
	s.add("child", act{takes: 4}, Traits{Weight: 1}, "~cut")
	must(t, s.g.Add("last", &act{takes: 1}, Traits{Final: true, Locks: []string{"l"}}))
	got, sum := s.play(Executor[*act]{}, 2)
	wantLog(t, got, `
0s cut:start running
2s cut:start ends
7s cut:start canceled: cancelled by the test
7s child canceled: cancelled by the test
7s cut canceled: cancelled by the test
7s last running
8s last done`)
	wantFailed(t, sum)
}

func TestRule15_CancelWhileItHolds(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 5}, Traits{Lazy: true})
	s.add("child", act{takes: 4}, Traits{}, "~cut")
	s.add("next", act{takes: 4}, Traits{}, "~cut", "child")
	got, sum := s.play(Executor[*act]{}, 7)
	wantLog(t, got, `
0s cut:start running
5s cut:start done
5s child running
7s child canceled: cancelled by the test
7s next canceled: cancelled by the test
7s cut:start ends
12s cut done`)
	wantFailed(t, sum)
}

func TestRule15_CancelDuringEnd(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 5}, Traits{Lazy: true})
	s.add("child", act{takes: 4}, Traits{}, "~cut")
	s.add("after", act{takes: 4}, Traits{}, "cut")
	got, sum := s.play(Executor[*act]{}, 11)
	wantLog(t, got, `
0s cut:start running
5s cut:start done
5s child running
9s child done
9s cut:start ends
14s cut done
14s after canceled: cancelled by the test`)
	wantFailed(t, sum)
}

func TestRule15_CancelBeforeTheDemand(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 5}, Traits{Lazy: true})
	s.add("x", act{takes: 4}, Traits{})
	s.add("child", act{takes: 4}, Traits{}, "~cut", "x")
	got, sum := s.play(Executor[*act]{}, 2)
	wantLog(t, got, `
0s x running
2s x canceled: cancelled by the test
2s child canceled: cancelled by the test
2s cut:start canceled: cancelled by the test
2s cut canceled: cancelled by the test`)
	wantFailed(t, sum)
}

func TestRule15_TheGraceBoundsTheEnd(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 5}, Traits{Lazy: true})
	s.add("child", act{takes: 4}, Traits{}, "~cut")
	got, sum := s.play(Executor[*act]{Grace: 2 * time.Second}, 7)
	wantLog(t, got, `
0s cut:start running
5s cut:start done
5s child running
7s child canceled: cancelled by the test
7s cut:start ends
9s cut canceled: the grace time of 2s after the cancellation is over`)
	wantFailed(t, sum)
}

// Its end runs all the same; reports name the span.
func TestRule15_AFailedStart(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1, fails: 1}, Traits{Lazy: true})
	s.span("inner", act{takes: 1}, Traits{Lazy: true}, "~cut")
	s.add("child", act{takes: 4}, Traits{}, "~inner")
	s.add("after", act{takes: 4}, Traits{}, "child")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s cut:start running
1s cut:start ends
2s cut:start failed
2s inner:start skipped by cut
2s child skipped by cut
2s inner skipped by cut
2s after skipped by cut
2s cut failed`)
	wantFailed(t, sum, "cut")
}

// Then the children run without it.
func TestRule15_ATolerableFailedStart(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1, fails: 1}, Traits{Lazy: true, Tolerated: true})
	s.add("child", act{takes: 4}, Traits{}, "~cut")
	s.add("after", act{takes: 4}, Traits{}, "cut")
	got, sum := s.play(Executor[*act]{FailFast: true}, 0)
	wantLog(t, got, `
0s cut:start running
1s cut:start ends
2s cut:start failed
2s child running
6s child done
6s cut failed
6s after running
10s after done`)
	wantFailed(t, sum)
}

func TestRule15_APanicInAStart(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1, fails: 1, panics: true}, Traits{Lazy: true})
	s.add("child", act{takes: 4}, Traits{}, "~cut")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s cut:start running
1s cut:start failed: panic: as planned
1s child skipped by cut
1s cut failed: panic: as planned`)
	wantFailed(t, sum, "cut")
}

func TestRule07_ADisabledSpanHoldsNothing(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{disabled: true}, Traits{Lazy: true})
	s.add("child", act{takes: 4}, Traits{}, "~cut")
	s.add("after", act{}, Traits{}, "cut")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s cut:start running
0s cut:start disabled
0s child running
4s child done
4s cut disabled
4s after running
4s after done`)
	wantFailed(t, sum)
}

func TestRule16_AnEarlyEndIsASuccess(t *testing.T) {
	s := newScript(t)
	s.span("writer", act{early: 2}, Traits{Lazy: true})
	s.add("child", act{takes: 4}, Traits{}, "~writer")
	s.add("next", act{takes: 1}, Traits{}, "~writer", "child")
	s.add("after", act{}, Traits{}, "writer")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s writer:start running
0s writer:start done
0s child running
2s writer:start ended early
4s child done
4s next running
5s next done
5s writer done
5s after running
5s after done`)
	wantFailed(t, sum)
}

func TestRule16_AnEarlyFailureEndsTheChildren(t *testing.T) {
	s := newScript(t)
	s.span("writer", act{early: 2, fails: 1}, Traits{Lazy: true})
	s.span("cut", act{takes: 1}, Traits{Lazy: true}, "~writer")
	s.add("inner", act{takes: 9}, Traits{}, "~cut")
	s.add("child", act{takes: 9}, Traits{}, "~writer")
	s.add("next", act{takes: 1}, Traits{}, "~writer", "child")
	s.add("after", act{}, Traits{}, "inner")
	s.add("apart", act{takes: 9}, Traits{})
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s writer:start running
0s apart running
0s writer:start done
0s cut:start running
0s child running
1s cut:start done
1s inner running
2s writer:start ended early
2s inner canceled by writer: writer failed: as planned
2s after skipped by writer
2s child canceled by writer: writer failed: as planned
2s next skipped by writer
2s cut:start ends
3s cut done
3s writer failed
9s apart done`)
	wantFailed(t, sum, "writer")
}

func TestRule16_AToleratedEarlyFailure(t *testing.T) {
	s := newScript(t)
	s.span("writer", act{early: 2, fails: 1}, Traits{Lazy: true, Tolerated: true})
	s.add("child", act{takes: 5}, Traits{}, "~writer")
	s.add("after", act{}, Traits{}, "writer")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s writer:start running
0s writer:start done
0s child running
2s writer:start ended early
5s child done
5s writer failed
5s after running
5s after done`)
	wantFailed(t, sum)
}

func TestRule16_AnEarlyPanic(t *testing.T) {
	s := newScript(t)
	s.span("writer", act{early: 2, fails: 1, panics: true}, Traits{Lazy: true})
	s.add("child", act{takes: 5}, Traits{}, "~writer")
	got, sum := s.play(Executor[*act]{FailFast: true}, 0)
	wantLog(t, got, `
0s writer:start running
0s writer:start done
0s child running
2s writer:start ended early
2s child canceled by writer: writer failed: panic: as planned
2s writer failed: panic: as planned`)
	wantFailed(t, sum, "writer")
}

// The group during it is cut off with its steps, and not repeated.
func TestRule16_AnEarlyFailureInsideAGroup(t *testing.T) {
	s := newScript(t)
	s.span("writer", act{early: 2, fails: 1}, Traits{Lazy: true})
	s.region("g", act{retries: 5}, Traits{}, "~writer")
	s.add("a", act{takes: 9}, Traits{}, "<g")
	s.add("b", act{takes: 9}, Traits{}, "<g", "a")
	s.add("after", act{}, Traits{}, "g")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s writer:start running
0s writer:start done
0s g:begin running
0s g:begin done
0s a running
2s writer:start ended early
2s a canceled by writer: writer failed: as planned
2s b skipped by writer
2s g skipped by writer
2s writer failed
2s after skipped by writer`)
	wantFailed(t, sum, "writer")
}
