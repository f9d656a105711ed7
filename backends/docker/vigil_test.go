package docker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
)

// heart answers pings while it does not hang.
type heart struct {
	hangs atomic.Bool
	err   error
	pings int
}

func (h *heart) ping(ctx context.Context) error {
	h.pings++
	if h.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.err
}

func vigilOver(h *heart) *vigil {
	v := newVigil(nil)
	v.ping = h.ping
	return v
}

// waitFor is an operation that ends after a while, or with its context.
func (v *vigil) waitFor(ctx context.Context, d time.Duration) error {
	ctx, over := v.attend(ctx)
	defer over()
	return sleep(ctx, d)
}

func TestVigil(t *testing.T) {
	refused := errors.New("connection refused")
	cases := map[string]struct {
		refuses error
		hangsAt time.Duration // 0 means never
		most    time.Duration // 0 means that the operation of an hour ends well
	}{
		"a busy engine":              {},
		"an engine that refuses":     {refuses: refused},
		"an engine that hangs":       {hangsAt: time.Nanosecond, most: tolerance + pulse},
		"an engine that hangs later": {hangsAt: time.Minute + time.Millisecond, most: time.Minute + pulse + tolerance},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				h := &heart{err: c.refuses}
				if c.hangsAt > 0 {
					time.AfterFunc(c.hangsAt, func() { h.hangs.Store(true) })
				}
				err := vigilOver(h).waitFor(t.Context(), time.Hour)
				took := time.Since(begin)
				if c.most == 0 {
					if err != nil || took != time.Hour {
						t.Errorf("got %v after %s, want no error after an hour", err, took)
					}
					return
				}
				var trouble *backends.TroubleError
				if !errors.Is(err, errSilent) || !errors.As(err, &trouble) || trouble.Hint == "" || took > c.most {
					t.Errorf("got %v after %s, want trouble with a hint, %v, within %s", err, took, errSilent, c.most)
				}
			})
		})
	}
}

// Many operations share the pings, and once the engine is known to hang, the
// next ones do not take long to find out.
func TestVigilIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heart{}
		v := vigilOver(h)
		var group errgroup.Group
		for range 100 {
			group.Go(func() error { return v.waitFor(t.Context(), time.Minute) })
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if most := int(time.Minute/pulse) + 1; h.pings > most {
			t.Errorf("a minute of 100 operations took %d pings, want at most %d", h.pings, most)
		}
		h.hangs.Store(true)
		time.Sleep(pulse)
		for _, most := range []time.Duration{tolerance, suspicion, suspicion} {
			begin := time.Now()
			if err := v.waitFor(t.Context(), time.Hour); !errors.Is(err, errSilent) {
				t.Fatalf("got %v, want %v", err, errSilent)
			}
			if took := time.Since(begin); took > most {
				t.Errorf("it took %s to see that the engine hangs, want at most %s", took, most)
			}
			time.Sleep(pulse)
		}
		h.hangs.Store(false)
		if err := v.waitFor(t.Context(), time.Minute); err != nil {
			t.Errorf("got %v of an engine that goes on again, want no error", err)
		}
	})
}

func TestVigilHeedsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupted := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(interrupted) })
		begin := time.Now()
		h := &heart{}
		h.hangs.Store(true)
		if err := vigilOver(h).waitFor(ctx, time.Hour); !errors.Is(err, interrupted) {
			t.Errorf("got %v, want %v", err, interrupted)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it took %s to end after a second", took)
		}
	})
}
