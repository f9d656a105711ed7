package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dcosflow/dcosflow/dag"
)

// many is a step for each of n keys.
func many(name string, n int, arguments string) string {
	var keys strings.Builder
	for i := range n {
		fmt.Fprintf(&keys, "%q, ", fmt.Sprintf("k%d", i))
	}
	return fmt.Sprintf("step \"run\" %q {\n  for_each = [%s]\n  command = [\"a\"]\n%s}\n", name, keys.String(), arguments)
}

// An edge for each pair of a wide span and what is during it would be too many.
var wideSpan = lab + many("span", 110, "  background = true\n") + many("kid", 100, "  during = [step.span]\n")

func TestWideSpansHaveAGate(t *testing.T) {
	p := mustBuild(t, wideSpan)
	checkEdges(t, p, `step.kid["k7"]`, "step.span:all:start")
	checkEdges(t, p, `step.span["k7"]`, `step.span["k7"]:start`, "~step.span:all")
	if n := len(p.Graph.Dependencies("step.span:all:start")); n != 110 {
		t.Errorf("the gate waits for %d spans, want 110", n)
	}
	if n := len(p.Graph.Dependencies("step.span:all")); n != 101 {
		t.Errorf("the gate lasts for %d vertices, want its own start and 100 instances", n)
	}
	if got := p.Graph.Value(`step.kid["k7"]`).During; len(got) != 1 || got[0] != "step.span" {
		t.Errorf("it is during %v, want step.span", got)
	}
	narrow := mustBuild(t, lab+many("span", 2, "  background = true\n")+many("kid", 2, "  during = [step.span]\n"))
	checkEdges(t, narrow, `step.kid["k0"]`, `step.span["k0"]:start`, `step.span["k1"]:start`)
}

func TestCyclesThroughAGateNameTheStep(t *testing.T) {
	_, diags, files := request{text: wideSpan + `step "run" "before" { command = [values(step.span)[0].stdout] }
step "run" "after" {
  during     = [step.span]
  depends_on = [step.before]
  command    = ["a"]
}
`}.build(t)
	got := rendered(diags, files)
	if !strings.Contains(got, "step.after waits for step.before") || strings.Contains(got, ":all") {
		t.Errorf("the cycle is told with other names:\n%s", got)
	}
}

// All spans hold while anything happens during them, and all end after it.
func TestWideSpansHoldForAll(t *testing.T) {
	p := mustBuild(t, wideSpan)
	s := &simulation{plan: p}
	open, kids := 0, 0
	e := dag.Executor[*Instance]{Slots: 4, Observe: func(tr dag.Transition) {
		switch i := p.Graph.Value(tr.ID); {
		case i.Kind == Start && tr.State == dag.Done:
			open++
		case i.Kind == Work && i.Span != nil:
			open--
			if tr.State != dag.Done || kids < 100 {
				t.Errorf("%s is %s after %d of 100 instances", tr.ID, tr.State, kids)
			}
		case i.Step == "kid" && tr.State == dag.Running && open != 110:
			t.Errorf("%s starts during %d of 110 spans", tr.ID, open)
		case i.Step == "kid" && tr.State == dag.Done:
			kids++
		}
	}}
	if _, err := e.Run(t.Context(), p.Graph, s.visit); err != nil || kids != 100 || open != 0 {
		t.Errorf("%d instances ran, %d spans are open: %v", kids, open, err)
	}
}

// What is cut off by one of the spans names that, and not the gate.
func TestWideSpansThatFailNameThemselves(t *testing.T) {
	p := mustBuild(t, wideSpan)
	s := &simulation{plan: p}
	broken, kid := make(chan struct{}), false
	skipped := 0
	e := dag.Executor[*Instance]{Slots: 4, Observe: func(tr dag.Transition) {
		if p.Graph.Value(tr.ID).Step != "kid" {
			return
		}
		switch tr.State {
		case dag.Running:
			if !kid {
				close(broken)
			}
			kid = true
		case dag.Skipped, dag.Canceled:
			skipped++
			if tr.Cause != `step.span["k3"]` {
				t.Errorf("%s is %s because of %q", tr.ID, tr.State, tr.Cause)
			}
		default:
			t.Errorf("%s is %s", tr.ID, tr.State)
		}
	}}
	visit := func(ctx context.Context, id dag.ID, inst *Instance, control dag.Control[*Instance]) (dag.Result, error) {
		switch {
		case id == `step.span["k3"]:start`:
			if _, err := control.Hold(); err != nil {
				return dag.Result{}, err
			}
			<-broken
			return dag.Result{}, errors.New("broken")
		case inst.Step == "kid":
			<-ctx.Done()
			return dag.Result{}, context.Cause(ctx)
		}
		return s.visit(ctx, id, inst, control)
	}
	if _, err := e.Run(t.Context(), p.Graph, visit); err != nil || skipped != 100 {
		t.Errorf("%d of 100 instances were cut off: %v", skipped, err)
	}
}
