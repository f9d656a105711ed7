package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// cleanUpTime bounds the removal of what the finalisers left.
const cleanUpTime = 2 * time.Minute

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
		err = r.await(func() error { return r.machines.Destroy(ctx, c.name) })
	}
	if err != nil {
		r.verdict.add(finding{exit: exitCleanup})
		r.publish(events.CleanupFailed{
			Cluster: c.name, Message: err.Error(), Command: "dcosflow destroy " + r.Plan.Run.ID,
		})
	}
}
