package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docker/docker/client"
)

// How often an engine is asked for a sign of life while something waits for
// it, how long it may take to give one, and how long when it gave none before.
const (
	pulse     = 5 * time.Second
	tolerance = 15 * time.Second
	suspicion = 2 * time.Second
)

// vigil tells an engine that hangs from one that is busy: that answers a ping at
// once, however much it has to do. So nothing needs a limit of its own that
// would be too short on a busy machine. A nil vigil trusts every engine. It is
// safe for concurrent use.
type vigil struct {
	ping func(context.Context) error
	turn chan struct{} // holds a token while nobody pings
	// What the last ping found; whoever has the token may touch it.
	asked  time.Time
	silent bool
}

func newVigil(api *client.Client) *vigil {
	v := &vigil{
		ping: func(ctx context.Context) error {
			_, err := api.Ping(ctx)
			return err
		},
		turn: make(chan struct{}, 1),
	}
	v.turn <- struct{}{}
	return v
}

// attend returns a context that ends, with trouble as its cause, when the
// engine hangs. Whoever calls it calls over.
func (v *vigil) attend(ctx context.Context) (attended context.Context, over func()) {
	if v == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		if err := v.watch(ctx); err != nil {
			cancel(trouble("wait for the Docker engine", err))
		}
	})
	return ctx, func() {
		cancel(nil)
		watcher.Wait()
	}
}

func (v *vigil) watch(ctx context.Context) error {
	for {
		select {
		case <-v.turn:
		case <-ctx.Done():
			return nil
		}
		err := v.ask(ctx)
		v.turn <- struct{}{}
		if err != nil || sleep(ctx, pulse) != nil {
			return err
		}
	}
}

// ask wants a sign of life, unless somebody else had one just now.
func (v *vigil) ask(ctx context.Context) error {
	limit := tolerance
	if v.silent {
		limit = suspicion
	}
	if time.Since(v.asked) >= pulse/2 {
		pinging, cancel := context.WithTimeout(ctx, limit)
		err := v.ping(pinging)
		late := errors.Is(pinging.Err(), context.DeadlineExceeded) && err != nil
		cancel()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // nobody waits for the engine any more
		}
		// An engine that refuses is not silent: whoever needs it will see.
		v.asked, v.silent = time.Now(), late
	}
	if v.silent {
		return fmt.Errorf("%w: a ping has got no answer within %s", errSilent, limit)
	}
	return nil
}
