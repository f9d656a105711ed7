package dag

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// timeline runs a graph in fake time and writes the transitions with their
// second. The run is cancelled after a time; zero means never.
func timeline(t *testing.T, e Executor[int], g *Graph[int], visit Visit[int], cancelAfter time.Duration) (string, Summary) {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	if cancelAfter > 0 {
		defer time.AfterFunc(cancelAfter, func() { cancel(errCancel) }).Stop()
	}
	var lines []string
	e.Observe = func(tr Transition) {
		lines = append(lines, tr.At.Sub(start).String()+" "+describe(tr))
	}
	s, err := e.Run(ctx, g, visit)
	must(t, err)
	return strings.Join(lines, "\n"), s
}

// ten sleeps ten seconds or until its context ends.
func ten(ctx context.Context, _ ID, _ int, _ Control[int]) (Result, error) {
	return Result{}, sleep(ctx, 10*time.Second)
}

// sleeping takes as many seconds as the vertex says.
func sleeping(ctx context.Context, _ ID, v int, _ Control[int]) (Result, error) {
	return Result{}, sleep(ctx, time.Duration(v)*time.Second)
}

// finalised is a main vertex, one that waits for it, and a finaliser after both.
func finalised(t *testing.T) *Graph[int] {
	g := parse(t, "main, next: main")
	must(t, g.Add("final", 0, Traits{Final: true}))
	must(t, g.Add("last", 0, Traits{Final: true}))
	must(t, g.DependOn("final", "main", Settled))
	must(t, g.DependOn("final", "next", Settled))
	must(t, g.DependOn("last", "final", Settled))
	return g
}

func TestCancellation(t *testing.T) {
	tests := map[string]struct {
		executor      Executor[int]
		cancel, abort time.Duration
		want          string
	}{
		"finalisers still run": {Executor[int]{}, 3 * time.Second, 0, `
0s main running
3s main canceled: cancelled by the test
3s next canceled: cancelled by the test
3s final running
13s final done
13s last running
23s last done`},
		"until the grace time ends": {Executor[int]{Grace: 15 * time.Second}, 3 * time.Second, 0, `
0s main running
3s main canceled: cancelled by the test
3s next canceled: cancelled by the test
3s final running
13s final done
13s last running
18s last canceled: the grace time of 15s after the cancellation is over`},
		"or the caller aborts": {Executor[int]{}, 3 * time.Second, 4 * time.Second, `
0s main running
3s main canceled: cancelled by the test
3s next canceled: cancelled by the test
3s final running
4s final canceled: aborted; its end was not waited for, it may still be at work
4s last canceled: aborted`},
		"aborted without a cancellation": {Executor[int]{}, time.Hour, 4 * time.Second, `
0s main running
4s main canceled: aborted; its end was not waited for, it may still be at work
4s next canceled: aborted
4s final canceled: aborted
4s last canceled: aborted`},
		"cancelled while finalisers run": {Executor[int]{Grace: time.Minute}, 23 * time.Second, 0, `
0s main running
10s main done
10s next running
20s next done
20s final running
30s final done
30s last running
40s last done`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if test.abort > 0 {
					abort := make(chan struct{})
					test.executor.Abort = abort
					defer time.AfterFunc(test.abort, func() { close(abort) }).Stop()
				}
				got, s := timeline(t, test.executor, finalised(t), ten, test.cancel)
				if got != strings.TrimSpace(test.want) {
					t.Errorf("got\n%s\nwant%s", got, test.want)
				}
				if s.Stopped == nil {
					t.Error("the summary has no cause of the cancellation")
				}
			})
		})
	}
}

// A visit that does not look at its context keeps an aborted run from nothing.
func TestAbortDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		abort := make(chan struct{})
		defer time.AfterFunc(4*time.Second, func() { close(abort) }).Stop()
		late := make(chan error, 1)
		visit := func(_ context.Context, _ ID, _ int, c Control[int]) (Result, error) {
			time.Sleep(time.Hour)
			late <- c.Expand(Expansion[int]{Vertices: []Vertex[int]{{ID: "late"}}})
			return Result{}, nil
		}
		got, _ := timeline(t, Executor[int]{Abort: abort}, finalised(t), visit, 3*time.Second)
		const want = `0s main running
4s main canceled: aborted; its end was not waited for, it may still be at work
4s next canceled: cancelled by the test
4s final canceled: aborted
4s last canceled: aborted`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if err := <-late; !errors.Is(err, errOver) {
			t.Errorf("an expansion after the run: got %v, want %v", err, errOver)
		}
	})
}

func TestFailFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := finalised(t)
		must(t, g.Add("bad", 0, Traits{}))
		must(t, g.Add("after", 0, Traits{}))
		must(t, g.DependOn("after", "bad", Succeeded))
		visit := func(ctx context.Context, id ID, v int, c Control[int]) (Result, error) {
			if id == "bad" || id == "final" {
				time.Sleep(time.Second)
				return Result{}, errDeed
			}
			return ten(ctx, id, v, c)
		}
		got, s := timeline(t, Executor[int]{FailFast: true}, g, visit, 0)
		const want = `0s main running
0s bad running
1s bad failed
1s after skipped by bad
1s main canceled: bad failed: as planned
1s next canceled: bad failed: as planned
1s final running
2s final failed
2s last running
12s last done`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if len(s.Failed) != 2 || s.Failed[0] != "bad" || s.Failed[1] != "final" || s.Stopped.Error() != "bad failed: as planned" {
			t.Errorf("summary %v, want bad and final failed, stopped because of bad", s)
		}
		if errors.Is(s.Stopped, errDeed) {
			t.Error("those that are cancelled can take the failure of bad for their own")
		}
	})
}

func TestIdleGivesSlotsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New[int]()
		must(t, g.SetRoll(Roll{Name: "r", Limit: 1}))
		must(t, g.Add("retry", 0, Traits{Weight: 1, Roll: "r"}))
		must(t, g.Add("mate", 0, Traits{Weight: 1, Roll: "r"}))
		must(t, g.Add("other", 0, Traits{Weight: 1}))
		must(t, g.Add("poll", 0, Traits{}))
		start := time.Now()
		var back time.Duration
		visit := func(ctx context.Context, id ID, v int, c Control[int]) (Result, error) {
			if id == "retry" || id == "poll" {
				err := c.Idle(ctx, func(ctx context.Context) error { return sleep(ctx, 5*time.Second) })
				if id == "retry" {
					back = time.Since(start)
				}
				return Result{}, err
			}
			return ten(ctx, id, v, c)
		}
		got, _ := timeline(t, Executor[int]{Slots: 1}, g, visit, 0)
		const want = `0s retry running
0s poll running
0s other running
5s poll done
10s other done
10s retry done
10s mate running
20s mate done`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if back != 10*time.Second {
			t.Errorf("retry had its slot back after %s, want 10s, when other was done", back)
		}
	})
}

// Neither the wait nor the queue for a slot outlives the context of Idle.
func TestIdleEndsWithItsContext(t *testing.T) {
	for name, idle := range map[string]time.Duration{"while it waits": time.Hour, "while it queues": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New[int]()
				must(t, g.Add("idle", 0, Traits{Weight: 1}))
				must(t, g.Add("other", 0, Traits{Weight: 1}))
				visit := func(ctx context.Context, id ID, v int, c Control[int]) (Result, error) {
					if id != "idle" {
						return ten(ctx, id, v, c)
					}
					ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Second, errCancel)
					defer cancel()
					return Result{}, c.Idle(ctx, func(ctx context.Context) error { return sleep(ctx, idle) })
				}
				got, _ := timeline(t, Executor[int]{Slots: 1}, g, visit, 0)
				const want = "0s idle running\n0s other running\n3s idle failed: cancelled by the test\n10s other done"
				if got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

// A vertex of a roll takes its ticket only together with its slot: while the
// head of the roll waits for two slots, vertices without weight go on, and it
// is not overtaken by its mates.
func TestTicketAndSlotTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New[int]()
		must(t, g.SetRoll(Roll{Name: "r", Limit: 1}))
		must(t, g.Add("busy", 0, Traits{Weight: 1}))
		must(t, g.Add("first", 0, Traits{Weight: 2, Roll: "r"}))
		must(t, g.Add("second", 0, Traits{Weight: 1, Roll: "r"}))
		must(t, g.Add("poll", 0, Traits{}))
		visit := func(ctx context.Context, id ID, v int, c Control[int]) (Result, error) {
			if id == "poll" {
				return Result{}, sleep(ctx, 5*time.Second)
			}
			return ten(ctx, id, v, c)
		}
		got, _ := timeline(t, Executor[int]{Slots: 2}, g, visit, 0)
		const want = `0s busy running
0s poll running
5s poll done
10s busy done
10s first running
20s first done
20s second running
30s second done`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
