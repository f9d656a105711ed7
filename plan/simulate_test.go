package plan

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
)

// Whatever is planned can be run to its end: nothing waits for itself, late
// instances have sound brackets too, and spans are ended.
func TestRandomPlansRun(t *testing.T) {
	for seed := range uint64(400) {
		req := randomRequest(seed)
		p, _, _ := req.build(t)
		if p == nil {
			continue
		}
		s := &simulation{plan: p, expanded: map[dag.ID][]*Instance{}, again: map[dag.ID]bool{}}
		idle := map[dag.ID]bool{} // spans during which nothing happened
		e := dag.Executor[*Instance]{Slots: 2, Observe: func(tr dag.Transition) {
			switch {
			case tr.State == dag.Skipped && tr.Reason != "":
				idle[tr.ID] = true
			case tr.State == dag.Skipped && idle[tr.Cause]:
			case tr.State != dag.Pending && tr.State != dag.Running && tr.State != dag.Done && tr.State != dag.Disabled:
				t.Errorf("%s is %s: %v, because of %s", tr.ID, tr.State, tr.Err, tr.Cause)
			}
		}}
		if _, err := e.Run(t.Context(), p.Graph, s.visit); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%v", seed, req)
		}
	}
}

// simulation runs a plan without doing anything. Regions that may be
// repeated are run twice.
type simulation struct {
	plan     *Plan
	mu       sync.Mutex
	expanded map[dag.ID][]*Instance
	again    map[dag.ID]bool
}

func (s *simulation) visit(ctx context.Context, id dag.ID, inst *Instance, control dag.Control[*Instance]) (dag.Result, error) {
	enabled := inst.Enabled
	if inst.Of != nil {
		enabled = inst.Of.Enabled
	}
	if enabled != nil {
		if yes, err := enabled(s); err != nil || !yes {
			return dag.Result{Disabled: true}, err
		}
	}
	switch inst.Kind {
	case Expander:
		x, err := inst.Expand(s)
		if err != nil {
			return dag.Result{}, err
		}
		s.mu.Lock()
		for _, v := range x.Vertices {
			s.expanded[id] = append(s.expanded[id], v.Value)
		}
		s.mu.Unlock()
		return dag.Result{}, control.Expand(x)
	case Region:
		s.mu.Lock()
		defer s.mu.Unlock()
		first := !s.again[id] && inst.Retry.Attempts > 1
		s.again[id] = true
		return dag.Result{Again: first}, nil
	case Start, Gate:
		h, err := control.Hold()
		if err != nil || inst.Kind == Start && inst.Span.Alone {
			return dag.Result{}, err
		}
		select {
		case <-h.Over:
			return dag.Result{}, nil
		case <-ctx.Done():
			return dag.Result{}, fmt.Errorf("%s was cut off: %w", id, context.Cause(ctx))
		}
	}
	return dag.Result{}, nil
}

func (s *simulation) Nodes(string) []backends.Node { return s.plan.Clusters[0].Nodes }

// Output has the name of a node in it, so that late keys have one instance.
func (s *simulation) Output(dag.ID) (cty.Value, bool) { return ran("master-1"), true }

func (s *simulation) Expanded(id dag.ID) ([]*Instance, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	made, known := s.expanded[id]
	return made, known
}

var _ Facts = (*simulation)(nil)
