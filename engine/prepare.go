package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// prepare makes the backends, readies them, and reserves what the clusters
// need: images first, then networks and addresses.
func (r *run) prepare(ctx context.Context) error {
	made, used, err := r.connect()
	if err != nil {
		return err
	}
	r.machines.add(r.Plan, r.Info.Owner, made)
	group, ready := errgroup.WithContext(ctx)
	for _, name := range used {
		group.Go(func() error {
			return r.await(func() error { return r.ready(ready, name, made[name]) })
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	group, allocating := errgroup.WithContext(ctx)
	for _, c := range r.machines.clusters {
		group.Go(func() error {
			return r.await(func() error { return r.reserve(allocating, c) })
		})
	}
	return group.Wait()
}

// reserve looks for the machines of earlier runs, then allocates.
func (r *run) reserve(ctx context.Context, c *cluster) error {
	if r.Resume != nil {
		if err := r.survey(ctx, c); err != nil {
			return err
		}
	}
	return r.machines.allocate(ctx, c)
}

// connect makes the backends that clusters use, in the order of the plan.
func (r *run) connect() (made map[string]backends.Backend, used []string, err error) {
	needed := map[string]bool{}
	for _, c := range r.Plan.Clusters {
		needed[c.Backend] = true
	}
	made = map[string]backends.Backend{}
	for _, b := range r.Plan.Backends {
		if !needed[b.Name] {
			continue
		}
		backend, err := r.backend(b)
		if err != nil {
			return nil, nil, fmt.Errorf("backend %s: %w", b.Name, err)
		}
		made[b.Name] = backend
		used = append(used, b.Name)
	}
	for _, c := range r.Plan.Clusters {
		if made[c.Backend] == nil {
			return nil, nil, fmt.Errorf("cluster %s needs the backend %q, which the plan does not have", c.Name, c.Backend)
		}
	}
	return made, used, nil
}

func (r *run) backend(b plan.Backend) (backends.Backend, error) {
	if r.Backends != nil {
		return r.Backends(b)
	}
	return b.Type.New(b.Config)
}

// ready is the one place where backends.Preparer is asked for.
func (r *run) ready(ctx context.Context, name string, b backends.Backend) error {
	p, ok := b.(backends.Preparer)
	if !ok {
		return nil
	}
	err := p.Prepare(ctx, func(line string) {
		r.publish(events.BackendProgress{Backend: name, Line: line})
	})
	if err != nil {
		return trouble("prepare backend "+name, err)
	}
	return nil
}

func (r *run) slots() int {
	switch {
	case r.Parallel > 0:
		return r.Parallel
	case r.Plan.Settings.MaxParallel > 0:
		return r.Plan.Settings.MaxParallel
	}
	return max(16, 4*runtime.NumCPU())
}

func troubleOf(err error) finding {
	f := finding{exit: exitTrouble, message: err.Error()}
	var known *backends.TroubleError
	if errors.As(err, &known) {
		f.hint = known.Hint
	}
	return f
}
