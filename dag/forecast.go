package dag

import (
	"slices"
	"time"
)

// Forecast is what the lengths of vertices let one expect of a run whose slots
// suffice.
type Forecast struct {
	// Rank is how long it takes from the start of each vertex to the end of all.
	Rank map[ID]time.Duration
	// Path is the longest chain of vertices that wait for each other, and Length
	// how long it takes.
	Path   []ID
	Length time.Duration
}

// Forecast adds up how long vertices take, along chains of dependencies and of
// rolls: with a limit of two, each vertex of a roll waits for the second one
// before it. Locks have no order and are left out. The length of a vertex that
// closes a bracket is how long that is open at least: the time runs beside what
// happens inside. The error is a *CycleError.
func (g *Graph[T]) Forecast(length func(ID, T) time.Duration) (Forecast, error) {
	order, err := g.order()
	if err != nil {
		return Forecast{}, err
	}
	if rolled := g.withRolls(); rolled != g {
		// A roll whose list order is against its edges has a chain of its own.
		if better, err := rolled.order(); err == nil {
			g, order = rolled, better
		}
	}
	ranks, next, opening := make([]time.Duration, g.Len()), make([]int, g.Len()), g.openings()
	own := func(v int) time.Duration { return length(g.vertices[v].ID, g.vertices[v].Value) }
	f := Forecast{Rank: make(map[ID]time.Duration, g.Len())}
	first := -1
	for _, v := range slices.Backward(order) {
		next[v] = -1
		for _, at := range g.vertices[v].dependants {
			from := g.edges[at].from
			way := ranks[from]
			if o, closes := opening[from]; closes && o == v {
				way += own(from)
			}
			if next[v] < 0 || way > ranks[v] {
				next[v], ranks[v] = from, way
			}
		}
		if _, closes := opening[v]; !closes {
			ranks[v] += own(v)
		}
		f.Rank[g.vertices[v].ID] = ranks[v]
		if first < 0 || ranks[v] >= ranks[first] {
			first = v
		}
	}
	for v := first; v >= 0; v = next[v] {
		f.Path = append(f.Path, g.vertices[v].ID)
		f.Length = max(f.Length, ranks[v])
	}
	return f, nil
}

// withRolls returns the graph with the edges that its rolls amount to; itself
// when it has none.
func (g *Graph[T]) withRolls() *Graph[T] {
	if len(g.rolls) == 0 {
		return g
	}
	c := g.clone()
	mates := map[string][]int{}
	for v := range c.vertices {
		name := c.vertices[v].Traits.Roll
		if name == "" {
			continue
		}
		before := mates[name]
		if at := len(before) - c.rolls[name].Limit; at >= 0 && c.rolls[name].Limit > 0 {
			last := before[at]
			if closing, opens := c.index[c.vertices[last].Traits.Opens]; opens {
				last = closing
			}
			c.connect(v, last, Settled)
		}
		mates[name] = append(before, v)
	}
	return c
}

// openings maps each vertex that closes a bracket to the one that opens it.
func (g *Graph[T]) openings() map[int]int {
	openings := map[int]int{}
	for v := range g.vertices {
		if closing, opens := g.index[g.vertices[v].Traits.Opens]; opens {
			openings[closing] = v
		}
	}
	return openings
}
