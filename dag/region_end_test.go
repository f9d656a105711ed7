package dag

import (
	"testing"
	"time"
)

func TestRule11_AToleratedFailureInside(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 1}, Traits{})
	s.add("a", act{takes: 2, fails: 1}, Traits{Tolerated: true}, "<g")
	s.add("b", act{takes: 1}, Traits{}, "<g", "a")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
2s a failed
2s b running
3s b done
3s g running
3s g done`)
	wantFailed(t, sum)
}

func TestRule11_CancelInAGroup(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 9}, Traits{})
	s.add("a", act{takes: 5}, Traits{}, "<g")
	s.add("b", act{takes: 1}, Traits{}, "<g", "a")
	s.add("after", act{}, Traits{}, "g")
	got, sum := s.play(Executor[*act]{}, 2)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
2s a canceled: cancelled by the test
2s b canceled: cancelled by the test
2s g canceled: cancelled by the test
2s after canceled: cancelled by the test`)
	wantFailed(t, sum)
}

func TestRule11_CancelDuringTheBackOff(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 9, delay: 5}, Traits{})
	s.add("a", act{takes: 1, fails: 1}, Traits{}, "<g")
	s.add("after", act{}, Traits{}, "g")
	got, sum := s.play(Executor[*act]{}, 2)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
1s a failed
1s g running
2s g canceled: cancelled by the test
2s after canceled: cancelled by the test`)
	wantFailed(t, sum)
}

func TestRule08_AFailedGroupStopsItsRoll(t *testing.T) {
	s := newScript(t)
	must(t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
	for _, k := range []ID{"a", "b"} {
		s.region("g-"+k, act{}, Traits{Roll: "r"})
		s.add("x-"+k, act{takes: 1, fails: 1}, Traits{Weight: 1}, "<g-"+string(k))
		s.add("y-"+k, act{takes: 3}, Traits{Weight: 1}, "<g-"+string(k))
	}
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g-a:begin running
0s g-a:begin done
0s x-a running
0s y-a running
1s x-a failed
3s y-a done
3s g-a running
3s g-a failed
3s g-b:begin skipped roll by g-a
3s x-b skipped by g-a
3s y-b skipped by g-a
3s g-b skipped roll by g-a`)
	wantFailed(t, sum, "g-a")
}

func TestRule12_TicketAndLocksUntilTheEnd(t *testing.T) {
	s := newScript(t)
	must(t, s.g.SetRoll(Roll{Name: "r", Limit: 1}))
	s.region("g-a", act{}, Traits{Roll: "r", Locks: []string{"l"}})
	s.add("a", act{takes: 2}, Traits{Weight: 1}, "<g-a")
	s.region("g-b", act{}, Traits{Roll: "r"})
	s.add("b", act{takes: 2}, Traits{Weight: 1}, "<g-b")
	s.add("x", act{takes: 1}, Traits{})
	s.add("locked", act{takes: 9}, Traits{Locks: []string{"l"}}, "x")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g-a:begin running
0s x running
0s g-a:begin done
0s a running
1s x done
2s a done
2s g-a running
2s g-a done
2s g-b:begin running
2s locked running
2s g-b:begin done
2s b running
4s b done
4s g-b running
4s g-b done
11s locked done`)
	wantFailed(t, sum)
}

// What runs fails, a span in it ends, the rest is skipped; the next attempt has all the time again.
func TestTimeLimitOfARegion(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 1}, Traits{Limit: 6 * time.Second})
	s.span("cut", act{takes: 1}, Traits{Lazy: true}, "<g")
	s.add("a", act{takes: 4}, Traits{}, "<g", "~cut")
	s.add("b", act{takes: 4}, Traits{}, "<g", "a")
	s.add("after", act{}, Traits{}, "g")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s cut:start running
1s cut:start done
1s a running
5s a done
5s b running
5s cut:start ends
6s b failed: g took longer than 6s
6s cut done
6s g running
7s cut:start pending
7s cut pending
7s a pending
7s b pending
7s g pending
7s cut:start running
8s cut:start done
8s a running
12s a done
12s b running
12s cut:start ends
13s b failed: g took longer than 6s
13s cut done
13s g running
13s g failed: g: g took longer than 6s
13s after skipped by g`)
	wantFailed(t, sum, "g")
}

// A later attempt has no more time than the deadline of all leaves it.
func TestDeadlineOfARegion(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 1}, Traits{Limit: 6 * time.Second, Deadline: 9 * time.Second})
	s.add("a", act{takes: 7}, Traits{}, "<g")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
6s a failed: g took longer than 6s
6s g running
7s a pending
7s g pending
7s a running
9s a failed: g took longer than 9s
9s g running
9s g failed: g: g took longer than 9s`)
	wantFailed(t, sum, "g")
}

// The limit of the module is no failure of the group in it.
func TestTimeLimitAroundAGroup(t *testing.T) {
	s := newScript(t)
	s.region("m", act{}, Traits{Limit: 3 * time.Second})
	s.region("g", act{retries: 9}, Traits{}, "<m")
	s.add("a", act{takes: 9}, Traits{}, "<g")
	s.add("b", act{takes: 1}, Traits{}, "<g", "a")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s m:begin running
0s m:begin done
0s g:begin running
0s g:begin done
0s a running
3s a failed: m took longer than 3s
3s b skipped by m
3s g skipped by m
3s m running
3s m failed: m: m took longer than 3s`)
	wantFailed(t, sum, "m")
}

func TestADisabledRegion(t *testing.T) {
	s := newScript(t)
	s.region("g", act{}, Traits{})
	s.g.vertices[s.g.index["g:begin"]].Value.disabled = true
	s.add("a", act{takes: 4}, Traits{}, "<g")
	s.region("h", act{}, Traits{}, "<g")
	s.add("b", act{takes: 4}, Traits{}, "<h")
	s.add("after", act{}, Traits{}, "g")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin disabled
0s a disabled
0s h:begin disabled
0s b disabled
0s h disabled
0s g disabled
0s after running
0s after done`)
	wantFailed(t, sum)
}

// A region that was done is restored with all of it; of another the rest runs, and a retry runs all.
func TestARegionRestored(t *testing.T) {
	s := newScript(t)
	s.region("done", act{}, Traits{})
	s.add("a", act{}, Traits{}, "<done")
	s.region("g", act{retries: 1}, Traits{}, "done")
	s.add("b", act{takes: 1}, Traits{}, "<g")
	s.add("c", act{takes: 1, fails: 1}, Traits{}, "<g", "b")
	got, sum := s.play(Executor[*act]{Restored: map[ID]bool{"done": true, "b": true}}, 0)
	wantLog(t, got, `
0s done:begin restored
0s done restored
0s a restored
0s b restored
0s g:begin running
0s g:begin done
0s c running
1s c failed
1s g running
1s b pending
1s c pending
1s g pending
1s b running
2s b done
2s c running
3s c done
3s g running
3s g done`)
	wantFailed(t, sum)
}

// A next attempt that begins after the deadline does nothing.
func TestDeadlineBetweenAttempts(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 5}, Traits{Deadline: 4 * time.Second})
	s.add("a", act{takes: 1, fails: 1}, Traits{}, "<g")
	got, sum := s.play(Executor[*act]{}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
1s a failed
1s g running
6s a pending
6s g pending
6s a skipped by g
6s g running
6s g failed: g: g took longer than 4s`)
	wantFailed(t, sum, "g")
}
