package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

const benchInstances = 10_000

// nothing is a plan of instances that do nothing, in layers of 100 with three
// random dependencies each.
func nothing(b *testing.B) *plan.Plan {
	rng := rand.New(rand.NewPCG(1, 2))
	p := &plan.Plan{Name: "nothing", Graph: dag.New[*plan.Instance]()}
	noop := &steps.Type{Name: "noop", New: func(cty.Value) (steps.Step, error) { return idle{}, nil }}
	for n := range benchInstances {
		i := &plan.Instance{
			ID: dag.ID(fmt.Sprint("step.s", n)), Type: noop, When: plan.OnSuccess,
			Configure: func(plan.Facts) (cty.Value, error) { return cty.EmptyObjectVal, nil },
		}
		err := p.Graph.Add(i.ID, i, dag.Traits{Weight: 1})
		for layer := n/100*100 - 100; layer >= 0 && err == nil && len(p.Graph.Dependencies(i.ID)) < 3; {
			err = p.Graph.DependOn(i.ID, dag.ID(fmt.Sprint("step.s", layer+rng.IntN(100))), dag.Succeeded)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return p
}

type idle struct{}

func (idle) Run(context.Context, steps.Env) (cty.Value, error) { return cty.NilVal, nil }

// watcher is a sink beside the journal, such as a display.
type watcher struct{ run events.Run }

func (w *watcher) Write(r events.Record) error {
	w.run.Apply(r)
	return nil
}

// BenchmarkNothing is what the engine costs by itself, with a journal on disk
// and a display that folds the events.
func BenchmarkNothing(b *testing.B) {
	p := nothing(b)
	dir := b.TempDir()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		p.Run = plan.Run{ID: fmt.Sprint("run-", n), Dir: filepath.Join(dir, fmt.Sprint(n))}
		record, err := journal.Create(p.Run.Dir)
		if err != nil {
			b.Fatal(err)
		}
		r, err := engine.Run(b.Context(), engine.Options{
			Plan: p, Sinks: []events.Sink{record, &watcher{}}, Secrets: func() []string { return nil },
		})
		if err != nil || r.Run.Counts.Succeeded != benchInstances {
			b.Fatalf("got %d of %d instances, %v", r.Run.Counts.Succeeded, benchInstances, err)
		}
		if err := record.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/benchInstances, "us/instance")
}
