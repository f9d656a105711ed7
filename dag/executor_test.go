package dag

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// outcomes plays "a" as done unless deeds says "failed", "disabled", "skipped"
// or "panic", and writes one line of what became of each vertex.
func outcomes(t *testing.T, e Executor[int], g *Graph[int], deeds map[ID]string) string {
	t.Helper()
	var lines []string
	e.Observe = func(tr Transition) {
		if tr.State != Running {
			lines = append(lines, describe(tr))
		}
	}
	_, err := e.Run(t.Context(), g, func(_ context.Context, id ID, _ int, _ Control[int]) (Result, error) {
		switch deeds[id] {
		case "failed":
			return Result{}, errDeed
		case "disabled":
			return Result{Disabled: true}, nil
		case "skipped":
			return Result{Skipped: "no node"}, nil
		case "panic":
			panic("boom")
		}
		return Result{}, nil
	})
	must(t, err)
	return strings.Join(lines, ", ")
}

func describe(tr Transition) string {
	line := fmt.Sprintf("%s %s", tr.ID, tr.State)
	if tr.Roll {
		line += " roll"
	}
	if tr.Cause != "" {
		line += " by " + string(tr.Cause)
	}
	if tr.Reason != "" {
		line += ": " + tr.Reason
	}
	if tr.Err != nil && (tr.State != Failed || !errors.Is(tr.Err, errDeed)) {
		line += ": " + tr.Err.Error()
	}
	return line
}

func TestWhatBecomesOfDependants(t *testing.T) {
	tests := map[string]struct {
		graph    string
		deeds    map[ID]string
		restored map[ID]bool
		want     string
	}{
		"success goes on":                {"a, b: a", nil, nil, "a done, b done"},
		"failure skips, naming the root": {"a, b: a, c: b, d", map[ID]string{"a": "failed"}, nil, "a failed, b skipped by a, c skipped by a, d done"},
		"settled edges go on":            {"a, b: a?, c: b", map[ID]string{"a": "failed"}, nil, "a failed, b done, c done"},
		"a settled edge after a skip":    {"a, b: a, c: b?", map[ID]string{"a": "failed"}, nil, "a failed, b skipped by a, c done"},
		"disabled goes on":               {"a, b: a", map[ID]string{"a": "disabled"}, nil, "a disabled, b done"},
		"a skip of its own":              {"a, b: a, c: b", map[ID]string{"a": "skipped"}, nil, "a skipped: no node, b skipped by a, c skipped by a"},
		"a panic is a failure":           {"a, b: a", map[ID]string{"a": "panic"}, nil, "a failed: panic: boom, b skipped by a"},
		"restored are not visited":       {"a, b: a, c: b", map[ID]string{"b": "failed"}, map[ID]bool{"b": true}, "b restored, a done, c done"},
		"the first failure is blamed":    {"a, b, c: b a", map[ID]string{"a": "failed", "b": "failed"}, nil, "a failed, b failed, c skipped by b"},
		"skipped only when all settled":  {"a, b, c: a b", map[ID]string{"a": "failed"}, nil, "a failed, b done, c skipped by a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := parse(t, test.graph)
			for v := range g.vertices {
				g.vertices[v].Traits.Weight = 1
			}
			e := Executor[int]{Slots: 1, Restored: test.restored}
			if got := outcomes(t, e, g, test.deeds); got != test.want {
				t.Errorf("%s with %v\ngot  %s\nwant %s", test.graph, test.deeds, got, test.want)
			}
		})
	}
}

func TestToleratedFailureCountsAsSuccess(t *testing.T) {
	g := parse(t, "b")
	must(t, g.SetRoll(Roll{Name: "r", Limit: 1}))
	must(t, g.Add("a", 0, Traits{Tolerated: true, Roll: "r"}))
	must(t, g.Add("c", 0, Traits{Roll: "r"}))
	must(t, g.DependOn("b", "a", Succeeded))
	got := outcomes(t, Executor[int]{FailFast: true}, g, map[ID]string{"a": "failed"})
	if !strings.Contains(got, "a failed") || !strings.Contains(got, "b done") || !strings.Contains(got, "c done") {
		t.Errorf("got %s, want a failed, b and c done", got)
	}
}

func TestRolls(t *testing.T) {
	tests := map[string]struct {
		roll  Roll
		deeds map[ID]string
		want  string
	}{
		"in list order, whatever the rank": {Roll{"r", 1, false}, nil, "x done, a done, b done, c done"},
		"stops at the first failure":       {Roll{"r", 1, false}, map[ID]string{"b": "failed"}, "x done, a done, b failed, c skipped roll by b"},
		"goes on when told so":             {Roll{"r", 1, true}, map[ID]string{"b": "failed"}, "x done, a done, b failed, c done"},
		"a disabled member is no failure":  {Roll{"r", 1, false}, map[ID]string{"b": "disabled"}, "x done, a done, b disabled, c done"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := New[int]()
			must(t, g.SetRoll(test.roll))
			for rank, id := range []ID{"a", "b", "c"} {
				must(t, g.Add(id, rank, Traits{Weight: 1, Roll: "r"}))
			}
			must(t, g.Add("x", 1, Traits{Weight: 1}))
			e := Executor[int]{Slots: 1, Rank: func(_ ID, rank int) float64 { return float64(rank) }}
			if got := outcomes(t, e, g, test.deeds); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestRankDecides(t *testing.T) {
	g := New[int]()
	for rank, id := range []ID{"low", "middle", "high"} {
		must(t, g.Add(id, rank, Traits{Weight: 1}))
	}
	must(t, g.Add("as high", 2, Traits{Weight: 5}))
	e := Executor[int]{Slots: 1, Rank: func(_ ID, rank int) float64 { return float64(rank) }}
	const want = "high done, as high done, middle done, low done"
	if got := outcomes(t, e, g, nil); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestGraphsThatCannotRun(t *testing.T) {
	visit := func(context.Context, ID, int, Control[int]) (Result, error) { panic("visited") }

	_, err := Executor[int]{}.Run(t.Context(), parse(t, "a: b, b: a"), visit)
	var cycle *CycleError
	if !errors.As(err, &cycle) {
		t.Errorf("got %v, want a CycleError", err)
	}

	g := New[int]()
	must(t, g.Add("a", 0, Traits{Roll: "r"}))
	_, err = Executor[int]{}.Run(t.Context(), g, visit)
	if want := `vertex "a" is in the roll "r", which is not declared`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}

	if s, err := (Executor[int]{}).Run(t.Context(), New[int](), visit); err != nil || s.Failed != nil || s.Stopped != nil {
		t.Errorf("nothing to run: got %v, %v", s, err)
	}
}

func TestPanicKeepsItsStack(t *testing.T) {
	g := parse(t, "a, b")
	ended := map[ID]error{}
	e := Executor[int]{Observe: func(tr Transition) { ended[tr.ID] = tr.Err }}
	_, err := e.Run(t.Context(), g, func(_ context.Context, id ID, _ int, _ Control[int]) (Result, error) {
		if id == "b" {
			runtime.Goexit()
		}
		panic(errDeed)
	})
	must(t, err)
	var panicked *PanicError
	if !errors.As(ended["a"], &panicked) || panicked.Value != errDeed || !strings.Contains(string(panicked.Stack), "TestPanicKeepsItsStack") {
		t.Errorf("got %v, want a PanicError with the value and the stack", ended["a"])
	}
	if !errors.Is(ended["b"], errGoexit) {
		t.Errorf("after Goexit: got %v, want %v", ended["b"], errGoexit)
	}
}

// A panic of the caller's own function must not leave workers behind.
func TestPanicOfObserveWaitsForWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		returned := false
		defer func() {
			if recover() == nil || !returned {
				t.Errorf("want the panic after the visit has returned; it has: %t", returned)
			}
		}()
		e := Executor[int]{Observe: func(tr Transition) {
			if tr.ID == "b" {
				panic("observe")
			}
		}}
		_, _ = e.Run(t.Context(), parse(t, "a, b"), func(ctx context.Context, _ ID, _ int, _ Control[int]) (Result, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			returned = true
			return Result{}, nil
		})
	})
}

func TestExpandRefused(t *testing.T) {
	tests := map[string]struct {
		expansion Expansion[int]
		want      string
	}{
		"duplicate":           {Expansion[int]{Vertices: []Vertex[int]{{ID: "b"}}}, `vertex "b" exists already`},
		"duplicate of itself": {Expansion[int]{Vertices: []Vertex[int]{{ID: "x"}, {ID: "x"}}}, `vertex "x" exists already`},
		"unknown":             {Expansion[int]{Edges: []Edge{{From: "b", To: "y"}}}, `vertex "y", for which "b" waits, does not exist`},
		"running":             {Expansion[int]{Vertices: []Vertex[int]{{ID: "x"}}, Edges: []Edge{{From: "a", To: "x"}}}, `vertex "a" cannot be made to wait for "x": it is running already`},
		"settled":             {Expansion[int]{Edges: []Edge{{From: "z", To: "b"}}}, `vertex "z" cannot be made to wait for "b": it is done already`},
		"cycle":               {Expansion[int]{Vertices: []Vertex[int]{{ID: "x"}}, Edges: []Edge{{From: "x", To: "c"}, {From: "b", To: "x"}}}, "cycle: c -> b -> x -> c"},
		"undeclared roll":     {Expansion[int]{Vertices: []Vertex[int]{{ID: "x", Traits: Traits{Roll: "q"}}}}, `vertex "x" is in the roll "q", which is not declared`},
		"another roll":        {Expansion[int]{Rolls: []Roll{{Name: "r", Limit: 2}}}, `roll "r" exists already, with other settings`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := parse(t, "z, a: z, b: a, c: b")
			must(t, g.SetRoll(Roll{Name: "r", Limit: 1}))
			var refused error
			visited := 0
			_, err := Executor[int]{Slots: 1}.Run(t.Context(), g, func(_ context.Context, id ID, _ int, control Control[int]) (Result, error) {
				visited++
				if id == "a" {
					refused = control.Expand(test.expansion)
				}
				return Result{}, nil
			})
			must(t, err)
			if refused == nil || refused.Error() != test.want {
				t.Errorf("got %v, want %s", refused, test.want)
			}
			if visited != 4 {
				t.Errorf("%d visits, want the 4 there were without the expansion", visited)
			}
		})
	}
}

func TestExpansionRunsBeforeWhatWaitsForIt(t *testing.T) {
	g := parse(t, "keys, after: keys")
	must(t, g.SetRoll(Roll{Name: "r", Limit: 1}))
	var order []string
	var kept Control[int]
	_, err := Executor[int]{}.Run(t.Context(), g, func(_ context.Context, id ID, _ int, control Control[int]) (Result, error) {
		order = append(order, string(id))
		if id != "keys" {
			return Result{}, nil
		}
		kept = control
		return Result{}, control.Expand(Expansion[int]{
			Vertices: []Vertex[int]{{ID: "k1", Traits: Traits{Roll: "r"}}, {ID: "k2", Traits: Traits{Roll: "r"}}},
			Edges:    []Edge{{From: "after", To: "k1"}, {From: "after", To: "k2"}, {From: "k1", To: "keys"}, {From: "k2", To: "keys"}},
		})
	})
	must(t, err)
	if got, want := strings.Join(order, " "), "keys k1 k2 after"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if g.Len() != 2 {
		t.Errorf("the caller's graph has %d vertices, want it unchanged", g.Len())
	}
	if err := kept.Expand(Expansion[int]{}); !errors.Is(err, errOver) {
		t.Errorf("expand after the run: got %v, want %v", err, errOver)
	}
}
