package dag

import (
	"slices"
	"strings"
)

// CycleError says that vertices wait for each other. Edges are those of one
// shortest cycle: each begins where the one before ended, the last ends where
// the first begins, and the first begins at the vertex that was added first.
type CycleError struct {
	Edges []Edge
}

// Error names the vertices of the cycle.
func (e *CycleError) Error() string {
	var b strings.Builder
	b.WriteString("cycle: ")
	for _, edge := range e.Edges {
		b.WriteString(string(edge.From) + " -> ")
	}
	b.WriteString(string(e.Edges[0].From))
	return b.String()
}

// cycle finds a shortest cycle among the vertices that an ordering left over:
// those that still wait for something. It looks from each vertex in turn and
// then leaves it out, because all cycles through it have been seen.
func (g *Graph[T]) cycle(waiting []int) *CycleError {
	left := make([]bool, len(g.vertices))
	for v := range left {
		left[v] = waiting[v] > 0
	}
	s := search{left: left, via: make([]int, len(left)), seen: make([]int, len(left))}
	var best []int
	for root := range left {
		if !left[root] {
			continue
		}
		if found := g.cycleThrough(root, &s, len(best)); found != nil {
			best = found
		}
		left[root] = false
	}
	first := 0
	for i, at := range best {
		if g.edges[at].from < g.edges[best[first]].from {
			first = i
		}
	}
	return &CycleError{Edges: g.named(append(best[first:len(best):len(best)], best[:first]...))}
}

// search is the memory of one breadth-first search after the other.
type search struct {
	left  []bool
	via   []int // the edge by which a vertex was reached
	seen  []int // the root from which it was reached, plus one
	queue []int
}

// cycleThrough returns the edges of a shortest cycle through root, nil if there
// is none with fewer than shorter edges (zero means any).
func (g *Graph[T]) cycleThrough(root int, s *search, shorter int) []int {
	s.queue = append(s.queue[:0], root)
	level := len(s.queue)
	for depth, at := 1, 0; at < len(s.queue) && (shorter == 0 || depth < shorter); at++ {
		if at == level {
			depth, level = depth+1, len(s.queue)
			if shorter != 0 && depth >= shorter {
				return nil
			}
		}
		for _, e := range g.vertices[s.queue[at]].dependencies {
			to := g.edges[e].to
			if to == root {
				return g.trail(e, root, s.via)
			}
			if s.left[to] && s.seen[to] != root+1 {
				s.seen[to], s.via[to] = root+1, e
				s.queue = append(s.queue, to)
			}
		}
	}
	return nil
}

// trail follows via from the edge last back to root.
func (g *Graph[T]) trail(last, root int, via []int) []int {
	trail := []int{last}
	for v := g.edges[last].from; v != root; v = g.edges[via[v]].from {
		trail = append(trail, via[v])
	}
	slices.Reverse(trail)
	return trail
}
