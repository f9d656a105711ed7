package dag

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parse makes a graph of text: "a, b: a c?, c" has b wait for a, and for any
// end of c.
func parse(t testing.TB, text string) *Graph[int] {
	t.Helper()
	g := New[int]()
	lines := strings.Split(text, ",")
	for i, line := range lines {
		id, _, _ := strings.Cut(line, ":")
		must(t, g.Add(ID(strings.TrimSpace(id)), i, Traits{}))
	}
	for _, line := range lines {
		id, on, _ := strings.Cut(line, ":")
		for _, name := range strings.Fields(on) {
			when := Succeeded
			if rest, settled := strings.CutSuffix(name, "?"); settled {
				name, when = rest, Settled
			}
			must(t, g.DependOn(ID(strings.TrimSpace(id)), ID(name), when))
		}
	}
	return g
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOrderAndWaves(t *testing.T) {
	tests := map[string]struct {
		graph string
		order string
		waves string
	}{
		"no edges keep the order of addition": {"c, a, b", "[c a b]", "[[c a b]]"},
		"a dependency comes first":            {"a: b, b", "[b a]", "[[b] [a]]"},
		"ties go by addition":                 {"d, c: a, b: a, a", "[d a c b]", "[[d a] [c b]]"},
		"the least possible comes next":       {"a: z, b, z, c", "[b z a c]", "[[b z c] [a]]"},
		"diamond":                             {"a, b: a, c: a, d: b c", "[a b c d]", "[[a] [b c] [d]]"},
		"a wave is the longest chain":         {"a, b: a, c: b, d: a c?", "[a b c d]", "[[a] [b] [c] [d]]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := parse(t, test.graph)
			order, err := g.Order()
			must(t, err)
			if got := fmt.Sprint(order); got != test.order {
				t.Errorf("order of %s: got %s, want %s", test.graph, got, test.order)
			}
			waves, err := g.Waves()
			must(t, err)
			if got := fmt.Sprint(waves); got != test.waves {
				t.Errorf("waves of %s: got %s, want %s", test.graph, got, test.waves)
			}
		})
	}
}

func TestOrderOfNothing(t *testing.T) {
	order, err := New[int]().Order()
	if len(order) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", order, err)
	}
	waves, err := New[int]().Waves()
	if len(waves) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", waves, err)
	}
}

func TestCycle(t *testing.T) {
	tests := map[string]struct{ graph, want string }{
		"itself":                          {"a: a", "cycle: a -> a"},
		"two":                             {"a: b, b: a", "cycle: a -> b -> a"},
		"begins at the first added":       {"x, c: a, a: b, b: c", "cycle: c -> a -> b -> c"},
		"the shortest of several":         {"a: b, b: c, c: a d, d: c", "cycle: c -> d -> c"},
		"the first of equally short ones": {"a: b, b: a, c: d, d: c", "cycle: a -> b -> a"},
		"settled edges count":             {"a: b?, b: a", "cycle: a -> b -> a"},
		"not what waits for it or before": {"z: b, a: b, b: a s, s", "cycle: a -> b -> a"},
		"through a later root":            {"a: b, b: c, c: d, d: b", "cycle: b -> c -> d -> b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := parse(t, test.graph)
			_, err := g.Order()
			var cycle *CycleError
			if !errors.As(err, &cycle) || err.Error() != test.want {
				t.Fatalf("order of %s: got %v, want %s", test.graph, err, test.want)
			}
			checkCycle(t, g, cycle)
			if _, err := g.Waves(); !errors.As(err, &cycle) {
				t.Errorf("waves: got %v, want a CycleError", err)
			}
		})
	}
}

// checkCycle looks whether the edges exist and form a ring.
func checkCycle(t *testing.T, g *Graph[int], cycle *CycleError) {
	t.Helper()
	for i, e := range cycle.Edges {
		if !slices.Contains(g.Dependencies(e.From), e) {
			t.Errorf("edge %v of the cycle is not in the graph", e)
		}
		if next := cycle.Edges[(i+1)%len(cycle.Edges)]; e.To != next.From {
			t.Errorf("%v does not lead to %v", e, next)
		}
	}
}

func TestLongCycleIsFoundInTime(t *testing.T) {
	const n = 30_000
	g := New[int]()
	for v := range n {
		must(t, g.Add(ID(fmt.Sprint(v)), v, Traits{}))
	}
	for v := range n {
		must(t, g.DependOn(ID(fmt.Sprint(v)), ID(fmt.Sprint((v+1)%n)), Succeeded))
	}
	_, err := g.Order()
	var cycle *CycleError
	if !errors.As(err, &cycle) || len(cycle.Edges) != n || cycle.Edges[0].From != "0" {
		t.Errorf("got %T, want one cycle of %d edges from 0 on", err, n)
	}
}

func TestChangesRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*Graph[int]) error
		want   string
	}{
		"no id":             {func(g *Graph[int]) error { return g.Add("", 0, Traits{}) }, "a vertex needs an id"},
		"duplicate":         {func(g *Graph[int]) error { return g.Add("a", 0, Traits{}) }, `vertex "a" exists already`},
		"negative weight":   {func(g *Graph[int]) error { return g.Add("x", 0, Traits{Weight: -1}) }, `vertex "x" has the weight -1; it must not be negative`},
		"unknown dependant": {func(g *Graph[int]) error { return g.DependOn("x", "a", Succeeded) }, `vertex "x", which waits for "a", does not exist`},
		"unknown vertex":    {func(g *Graph[int]) error { return g.DependOn("a", "x", Succeeded) }, `vertex "x", for which "a" waits, does not exist`},
		"roll without room": {func(g *Graph[int]) error { return g.SetRoll(Roll{Name: "r"}) }, `roll "r" has the limit 0; it must be at least 1`},
		"another roll":      {func(g *Graph[int]) error { return g.SetRoll(Roll{Name: "one", Limit: 2}) }, `roll "one" exists already, with other settings`},
		"the same roll":     {func(g *Graph[int]) error { return g.SetRoll(Roll{Name: "one", Limit: 1}) }, "<nil>"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := parse(t, "a, b: a")
			must(t, g.SetRoll(Roll{Name: "one", Limit: 1}))
			if got := fmt.Sprint(test.change(g)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := fmt.Sprint(g.IDs()); got != "[a b]" {
				t.Errorf("vertices afterwards: got %s, want [a b]", got)
			}
		})
	}
}

func TestGraphTellsWhatItHolds(t *testing.T) {
	g := New[string]()
	must(t, g.Add("a", "first", Traits{Weight: 1}))
	must(t, g.Add("b", "second", Traits{Roll: "r"}))
	must(t, g.Add("c", "third", Traits{Final: true}))
	must(t, g.SetRoll(Roll{Name: "r", Limit: 2, Continue: true}))
	must(t, g.DependOn("c", "b", Settled))
	must(t, g.DependOn("c", "a", Settled))
	must(t, g.DependOn("b", "a", Succeeded))
	must(t, g.DependOn("c", "b", Succeeded)) // the stronger of the two stays
	must(t, g.DependOn("b", "a", Settled))

	roll, known := g.Roll("r")
	got := []any{g.Len(), g.Has("a"), g.Has("x"), g.Value("b"), g.Value("x"), g.Traits("c"), g.Traits("x"), roll, known,
		g.Dependencies("c"), g.Dependants("a"), g.Dependencies("x")}
	want := []any{3, true, false, "second", "", Traits{Final: true}, Traits{}, Roll{"r", 2, true}, true,
		[]Edge{{"c", "b", Succeeded}, {"c", "a", Settled}}, []Edge{{"c", "a", Settled}, {"b", "a", Succeeded}}, []Edge(nil)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// FuzzOrder reads a graph from bytes, two per edge, and compares the order and
// the cycle with what a plain search says.
func FuzzOrder(f *testing.F) {
	f.Add(uint8(3), []byte{0, 1, 1, 2})
	f.Add(uint8(4), []byte{0, 1, 1, 0, 2, 3, 3, 2})
	f.Add(uint8(5), []byte{0, 0, 1, 2, 2, 3, 3, 1})
	f.Fuzz(func(t *testing.T, size uint8, ends []byte) {
		n := int(size%12) + 1
		g := New[int]()
		for v := range n {
			must(t, g.Add(ID(rune('a'+v)), v, Traits{}))
		}
		for ; len(ends) > 1; ends = ends[2:] {
			must(t, g.DependOn(ID(rune('a'+int(ends[0])%n)), ID(rune('a'+int(ends[1])%n)), Trigger(ends[0]>>7)))
		}
		order, err := g.Order()
		shortest := shortestCycle(g)
		if shortest > 0 {
			var cycle *CycleError
			if !errors.As(err, &cycle) || len(cycle.Edges) != shortest {
				t.Fatalf("got %v, %v, want a cycle of %d edges", order, err, shortest)
			}
			checkCycle(t, g, cycle)
			return
		}
		if want := plainOrder(g); err != nil || !slices.Equal(order, want) {
			t.Fatalf("got %v, %v, want %v", order, err, want)
		}
	})
}

// shortestCycle is the least power at which the graph's matrix has something on
// its diagonal; zero if none has.
func shortestCycle(g *Graph[int]) int {
	ids := g.IDs()
	reached := map[ID]map[ID]bool{}
	for _, id := range ids {
		reached[id] = map[ID]bool{id: true}
	}
	for length := range ids {
		for _, root := range ids {
			next := map[ID]bool{}
			for id := range reached[root] {
				for _, e := range g.Dependencies(id) {
					next[e.To] = true
				}
			}
			reached[root] = next
		}
		for _, root := range ids {
			if reached[root][root] {
				return length + 1
			}
		}
	}
	return 0
}

// plainOrder takes, again and again, the first vertex that waits for no other.
func plainOrder(g *Graph[int]) []ID {
	var order []ID
	for len(order) < g.Len() {
		for _, id := range g.IDs() {
			waits := slices.ContainsFunc(g.Dependencies(id), func(e Edge) bool { return !slices.Contains(order, e.To) })
			if !waits && !slices.Contains(order, id) {
				order = append(order, id)
				break
			}
		}
	}
	return order
}
