package dag

import (
	"testing"
)

func TestRule11_RetryRunsTheWholeInstanceAgain(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 2}, Traits{})
	s.add("a", act{takes: 3}, Traits{Weight: 1}, "<g")
	s.add("b", act{takes: 30, fails: 1}, Traits{Weight: 1}, "<g", "a")
	s.add("after", act{}, Traits{}, "g")
	got, sum := s.play(Executor[*act]{Slots: 2}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
3s a done
3s b running
33s b failed
33s g running
35s a pending
35s b pending
35s g pending
35s a running
38s a done
38s b running
1m8s b done
1m8s g running
1m8s g done
1m8s after running
1m8s after done`)
	wantFailed(t, sum)
}

// Its ticket is not taken before the span that it needs can open.
func TestRule11_AGroupStartsWhenEverythingIsMet(t *testing.T) {
	s := newScript(t)
	must(t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
	s.add("holder", act{takes: 5}, Traits{Locks: []string{"l"}})
	s.span("cut", act{takes: 1}, Traits{Lazy: true, Locks: []string{"l"}})
	s.region("g-a", act{}, Traits{Roll: "r", Locks: []string{"m"}}, "~cut")
	s.add("a", act{takes: 2}, Traits{Weight: 1}, "<g-a")
	s.add("other", act{takes: 1}, Traits{Locks: []string{"m"}})
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s holder running
0s other running
1s other done
5s holder done
5s cut:start running
6s cut:start done
6s g-a:begin running
6s g-a:begin done
6s a running
8s a done
8s g-a running
8s g-a done
8s cut:start ends
9s cut done`)
	wantFailed(t, sum)
}

// Failures inside do not end a run that is to fail fast; the roll inside goes on.
func TestRule11_RetryTwice(t *testing.T) {
	s := newScript(t)
	must(t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
	s.region("g", act{retries: 2, delay: 1}, Traits{})
	s.add("a", act{takes: 1, fails: 2}, Traits{Weight: 1, Roll: "r"}, "<g")
	s.add("b", act{takes: 1}, Traits{Weight: 1, Roll: "r"}, "<g")
	got, sum := s.play(Executor[*act]{FailFast: true}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
1s a failed
1s b skipped roll by a
1s g running
2s a pending
2s b pending
2s g pending
2s a running
3s a failed
3s b skipped roll by a
3s g running
4s a pending
4s b pending
4s g pending
4s a running
5s a done
5s b running
6s b done
6s g running
6s g done`)
	wantFailed(t, sum)
}

// Whoever waits for the group is skipped because of the first failure inside.
func TestRule11_RetriesUsedUp(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 1}, Traits{})
	s.add("a", act{takes: 1, fails: 9}, Traits{Weight: 1}, "<g")
	s.add("b", act{takes: 1}, Traits{Weight: 1}, "<g", "a")
	s.add("after", act{}, Traits{}, "g")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
1s a failed
1s b skipped by a
1s g running
2s a pending
2s b pending
2s g pending
2s a running
3s a failed
3s b skipped by a
3s g running
3s g failed
3s after skipped by a`)
	wantFailed(t, sum, "g")
}

// Both are repeated; the inner one's failure is one of the outer.
func TestRule11_AGroupInAModule(t *testing.T) {
	s := newScript(t)
	s.region("m", act{retries: 1}, Traits{})
	s.region("g", act{retries: 1}, Traits{}, "<m")
	s.add("a", act{takes: 1, fails: 3}, Traits{}, "<g")
	s.add("b", act{takes: 1}, Traits{}, "<m", "g")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s m:begin running
0s m:begin done
0s g:begin running
0s g:begin done
0s a running
1s a failed
1s g running
1s a pending
1s g pending
1s a running
2s a failed
2s g running
2s g failed
2s b skipped by a
2s m running
2s g:begin pending
2s g pending
2s a pending
2s b pending
2s m pending
2s g:begin running
2s g:begin done
2s a running
3s a failed
3s g running
3s g failed
3s b skipped by a
3s m running
3s m failed`)
	wantFailed(t, sum, "m")
}

func TestRule11_FailuresGoOutwards(t *testing.T) {
	s := newScript(t)
	s.region("m", act{}, Traits{})
	s.region("g", act{}, Traits{}, "<m")
	s.add("a", act{takes: 1, fails: 3}, Traits{}, "<g")
	s.add("after", act{}, Traits{}, "m")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s m:begin running
0s m:begin done
0s g:begin running
0s g:begin done
0s a running
1s a failed
1s g running
1s g failed
1s m running
1s m failed
1s after skipped by a`)
	wantFailed(t, sum, "m")
}

// It ends, and opens again.
func TestRule11_ASpanInsideARepeatedGroup(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 1}, Traits{})
	s.span("cut", act{takes: 1}, Traits{Lazy: true, Locks: []string{"l"}}, "<g")
	s.add("a", act{takes: 2, fails: 1}, Traits{}, "<g", "~cut")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s cut:start running
1s cut:start done
1s a running
3s a failed
3s cut:start ends
4s cut done
4s g running
5s cut:start pending
5s cut pending
5s a pending
5s g pending
5s cut:start running
6s cut:start done
6s a running
8s a done
8s cut:start ends
9s cut done
9s g running
9s g done`)
	wantFailed(t, sum)
}
