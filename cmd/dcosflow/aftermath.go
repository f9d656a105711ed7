package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

// aftermath is the record of a run whose process is gone, in the hands of this
// one: what is tidied up is added to it. The run's lock must be held.
type aftermath struct {
	run     *events.Run
	record  *journal.Writer
	secrets *journal.Secrets
	bus     *events.Bus
}

func openAftermath(dir string) (*aftermath, error) {
	record, run, err := journal.Reopen(dir)
	if err != nil {
		return nil, err
	}
	secrets, err := journal.OpenSecrets(dir)
	if err != nil {
		return nil, errors.Join(err, record.Close())
	}
	return &aftermath{run: run, record: record, secrets: secrets, bus: events.ResumeBus(run, record)}, nil
}

func (f *aftermath) close(ctx context.Context) error {
	return errors.Join(f.bus.Close(ctx), f.record.Close())
}

// deleted records that nothing is left of the clusters of the run.
func (f *aftermath) deleted() error {
	var errs []error
	for _, c := range f.run.Clusters {
		if c.Allocated && !c.Deleted {
			errs = append(errs, f.bus.Publish(events.ClusterDeleted{Cluster: c.Name}))
		}
	}
	return errors.Join(errs...)
}

// endSpans ends what the run has left open: on the machine of the tool, on
// machines that it found, and with kept, on those that it made too. These need
// not be ended when they go.
func (a *app) endSpans(ctx context.Context, f *aftermath, kept bool) error {
	if len(f.run.Spans) == 0 {
		return nil
	}
	made := map[string]backends.Backend{}
	for _, recorded := range f.run.Started.Backends {
		if !kept && a.destroys(recorded.Type) {
			continue
		}
		b, err := a.reopen(recorded)
		if err != nil {
			return err
		}
		made[recorded.Name] = b
	}
	return engine.Orphans{
		Run: f.run, Types: a.steps, Backends: made, Local: local.Transport{}, Vault: f.secrets, Publish: f.bus.Publish,
	}.End(ctx)
}

func (a *app) destroys(backendType string) bool {
	return slices.ContainsFunc(a.backends, func(t backends.Type) bool { return t.Name == backendType && t.Destroys })
}

// settle tidies up what a run left: it ends its spans, then does the rest, and
// records both. A record that cannot be opened keeps nobody from the rest.
func (a *app) settle(ctx context.Context, dir string, remove func() error) (err error) {
	f, err := openAftermath(dir)
	if err != nil {
		fmt.Fprintf(a.stderr, "the record in %s stays as it is: %v\n", a.display(dir), err)
		return remove()
	}
	defer func() { err = errors.Join(err, f.close(ctx)) }()
	ended := a.endSpans(ctx, f, false)
	if err := remove(); err != nil {
		return errors.Join(ended, err)
	}
	return errors.Join(ended, f.deleted())
}
