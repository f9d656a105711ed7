package dag

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func seconds(_ ID, v int) time.Duration { return time.Duration(v) * time.Second }

func TestForecast(t *testing.T) {
	tests := map[string]struct {
		add  func(*Graph[int])
		path string
		rank map[ID]time.Duration
	}{
		"empty": {func(*Graph[int]) {}, "[] 0s", nil},
		"the longer branch": {func(g *Graph[int]) {
			_, _, _ = g.Add("a", 1, Traits{}), g.Add("short", 2, Traits{}), g.Add("long", 5, Traits{})
			_, _, _ = g.DependOn("short", "a", Succeeded), g.DependOn("long", "a", Succeeded), g.Add("alone", 4, Traits{})
		}, "[a long] 6s", map[ID]time.Duration{"a": 6 * time.Second, "short": 2 * time.Second, "alone": 4 * time.Second}},
		"of equals the one added first": {func(g *Graph[int]) {
			_, _ = g.Add("x", 3, Traits{}), g.Add("y", 3, Traits{})
		}, "[x] 3s", nil},
		"a roll is a chain": {func(g *Graph[int]) {
			addRoll(g, 2, 5)
		}, "[r0 r2 r4] 9s", map[ID]time.Duration{"r1": 6 * time.Second, "r4": 5 * time.Second}},
		"a span lasts as long as what happens during it": {func(g *Graph[int]) {
			addSpan(g, "s", 3, "")
			_, _, _ = g.Add("child", 5, Traits{}), g.DependOn("child", "s:start", Succeeded), g.DependOn("s", "child", Settled)
			_, _ = g.Add("after", 1, Traits{}), g.DependOn("after", "s", Succeeded)
		}, "[s:start child s after] 7s", map[ID]time.Duration{"s:start": 7 * time.Second, "s": time.Second}},
		"or as long as it takes itself": {func(g *Graph[int]) {
			addSpan(g, "s", 9, "")
			_, _, _ = g.Add("child", 5, Traits{}), g.DependOn("child", "s:start", Succeeded), g.DependOn("s", "child", Settled)
		}, "[s:start s] 10s", map[ID]time.Duration{"s": 0, "child": 5 * time.Second}},
		"a roll of spans": {func(g *Graph[int]) {
			_ = g.SetRoll(Roll{Name: "roll", Limit: 1})
			addSpan(g, "a", 3, "roll")
			addSpan(g, "b", 3, "roll")
		}, "[a:start a b:start b] 8s", map[ID]time.Duration{"a": 4 * time.Second}},
		"a roll against its edges": {func(g *Graph[int]) {
			addRoll(g, 1, 2)
			_ = g.DependOn("r0", "r1", Succeeded)
		}, "[r1 r0] 3s", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := New[int]()
			test.add(g)
			f, err := g.Forecast(seconds)
			must(t, err)
			if got := fmt.Sprint(f.Path, " ", f.Length); got != test.path {
				t.Errorf("got %s, want %s", got, test.path)
			}
			for id, want := range test.rank {
				if f.Rank[id] != want {
					t.Errorf("rank of %s: got %s, want %s", id, f.Rank[id], want)
				}
			}
		})
	}
}

// addSpan adds the two vertices of a span that takes a second to open.
func addSpan(g *Graph[int], id ID, lasts int, roll string) {
	_ = g.Add(id+":start", 1, Traits{Opens: id, Span: true, Roll: roll})
	_, _ = g.Add(id, lasts, Traits{}), g.DependOn(id, id+":start", Succeeded)
}

// addRoll adds n vertices r0, r1, ... which take 1, 2, ... seconds.
func addRoll(g *Graph[int], limit, n int) {
	_ = g.SetRoll(Roll{Name: "roll", Limit: limit})
	for i := range n {
		_ = g.Add(ID(fmt.Sprint("r", i)), i+1, Traits{Roll: "roll"})
	}
}

func TestForecastOfACycle(t *testing.T) {
	g := New[int]()
	must(t, errors.Join(g.Add("a", 1, Traits{}), g.Add("b", 1, Traits{})))
	must(t, errors.Join(g.DependOn("a", "b", Succeeded), g.DependOn("b", "a", Succeeded)))
	var cycle *CycleError
	if _, err := g.Forecast(seconds); !errors.As(err, &cycle) {
		t.Errorf("got %v, want a *CycleError", err)
	}
}

// A forecast changes nothing in the graph.
func TestForecastLeavesTheGraph(t *testing.T) {
	g := New[int]()
	addRoll(g, 1, 3)
	if _, err := g.Forecast(seconds); err != nil || len(g.edges) != 0 || !slices.Equal(g.IDs(), []ID{"r0", "r1", "r2"}) {
		t.Errorf("got %v, edges %v, vertices %v", err, g.edges, g.IDs())
	}
}
