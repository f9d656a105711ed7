package dag

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A vertex gets its slot and all its locks together: one that lacks a lock holds
// nothing, so that others can use its slot and its other locks meanwhile.
func TestLocksAreTakenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New[int]()
		must(t, g.Add("red", 10, Traits{Weight: 1, Locks: []string{"red"}}))
		must(t, g.Add("both", 8, Traits{Weight: 1, Locks: []string{"green", "red"}}))
		must(t, g.Add("green", 15, Traits{Weight: 1, Locks: []string{"green"}}))
		must(t, g.Add("poll", 1, Traits{Locks: []string{"green"}}))
		must(t, g.Add("free", 20, Traits{Weight: 1}))
		got, _ := timeline(t, Executor[int]{Slots: 2}, g, sleeping, 0)
		const want = `0s red running
0s green running
10s red done
10s free running
15s green done
15s both running
23s both done
23s poll running
24s poll done
30s free done`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// Back-off gives the slot back and keeps the locks.
func TestIdleKeepsLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New[int]()
		must(t, g.Add("retry", 0, Traits{Weight: 1, Locks: []string{"disk"}}))
		must(t, g.Add("mate", 0, Traits{Weight: 1, Locks: []string{"disk"}}))
		must(t, g.Add("free", 0, Traits{Weight: 1}))
		visit := func(ctx context.Context, id ID, v int, c Control[int]) (Result, error) {
			if id != "retry" {
				return ten(ctx, id, v, c)
			}
			return Result{}, c.Idle(ctx, func(ctx context.Context) error { return sleep(ctx, 15*time.Second) })
		}
		got, _ := timeline(t, Executor[int]{Slots: 1}, g, visit, 0)
		const want = `0s retry running
0s free running
10s free done
15s retry done
15s mate running
25s mate done`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
