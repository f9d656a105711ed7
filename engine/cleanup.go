package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// cleanUpTime bounds the removal of what the finalisers left.
const cleanUpTime = 2 * time.Minute

// An engine that cannot be reached may be about to come back: a removal that
// fails within swift is tried again, for as long as persistence.
const (
	swift       = 5 * time.Second
	persistence = 20 * time.Second
)

var errCleanUpTime = errors.New("the removal took longer than two minutes")

// cleanUp is the safety net: it removes every cluster that still has anything
// and is not to be kept, whatever the finalisers did.
func (r *run) cleanUp(hard context.Context) {
	ctx, cancel := context.WithTimeoutCause(hard, cleanUpTime, errCleanUpTime)
	defer cancel()
	var group sync.WaitGroup
	for _, c := range r.machines.clusters {
		group.Go(func() { r.remove(ctx, c) })
	}
	group.Wait()
}

func (r *run) remove(ctx context.Context, c *cluster) {
	reserved, attempted, kept := c.state()
	if !reserved || kept {
		return
	}
	if attempted && r.keeps() {
		r.machines.keep(c.name)
		return
	}
	err := context.Cause(ctx)
	if err == nil {
		err = r.destroy(ctx, c)
	}
	if err != nil {
		r.verdict.add(finding{exit: exitCleanup})
		r.publish(events.CleanupFailed{
			Cluster: c.name, Message: err.Error(), Command: "dcosflow destroy " + r.Plan.Run.ID,
		})
	}
}

// destroy removes a cluster, if need be at a later try.
func (r *run) destroy(ctx context.Context, c *cluster) error {
	begun := time.Now()
	for first := true; ; first = false {
		tried := time.Now()
		err := r.await(func() error { return r.machines.Destroy(ctx, c.name) })
		if err == nil || ctx.Err() != nil || time.Since(tried) > swift || time.Since(begun) >= persistence {
			return err
		}
		if first {
			r.publish(events.Warning{Message: fmt.Sprintf("cluster %s cannot be removed yet: %v; trying for %s", c.name, err, persistence)})
		}
		if pause(time.Second)(ctx) != nil {
			return err
		}
	}
}
