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
// before it. Locks have no order and are left out. The error is a *CycleError.
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
	ranks, next := make([]time.Duration, g.Len()), make([]int, g.Len())
	f := Forecast{Rank: make(map[ID]time.Duration, g.Len())}
	first := -1
	for _, v := range slices.Backward(order) {
		next[v] = -1
		for _, at := range g.vertices[v].dependants {
			if from := g.edges[at].from; next[v] < 0 || ranks[from] > ranks[next[v]] {
				next[v] = from
			}
		}
		ranks[v] = length(g.vertices[v].ID, g.vertices[v].Value)
		if next[v] >= 0 {
			ranks[v] += ranks[next[v]]
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
			c.connect(v, before[at], Settled)
		}
		mates[name] = append(before, v)
	}
	return c
}
