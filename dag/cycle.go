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
// those that wait for more than none of the others. It looks from each in turn
// and then leaves it out, since all cycles through it have been seen, together
// with what only waited for it.
func (g *Graph[T]) cycle(waiting []int) *CycleError {
	s := search{waiting: waiting, via: make([]int, len(waiting)), seen: make([]int, len(waiting))}
	var best []int
	for root := range waiting {
		if waiting[root] == 0 {
			continue
		}
		if found := g.cycleThrough(root, &s, len(best)); found != nil {
			best = found
		}
		g.leaveOut(root, waiting)
	}
	first := 0
	for i, at := range best {
		if g.edges[at].from < g.edges[best[first]].from {
			first = i
		}
	}
	return &CycleError{Edges: g.named(slices.Concat(best[first:], best[:first]))}
}

// search is the memory of one breadth-first search after the other.
type search struct {
	waiting        []int // zero for what has been left out
	via            []int // the edge by which a vertex was reached
	seen           []int // the root from which it was reached, plus one
	frontier, next []int
}

// cycleThrough returns the edges of a shortest cycle through root, nil if there
// is none with fewer than limit edges; a limit of zero is none.
func (g *Graph[T]) cycleThrough(root int, s *search, limit int) []int {
	s.frontier = append(s.frontier[:0], root)
	for length := 1; len(s.frontier) > 0 && (limit == 0 || length < limit); length++ {
		s.next = s.next[:0]
		for _, v := range s.frontier {
			for _, at := range g.vertices[v].dependencies {
				to := g.edges[at].to
				if to == root {
					return g.trail(at, root, s.via)
				}
				if s.waiting[to] > 0 && s.seen[to] != root+1 {
					s.seen[to], s.via[to] = root+1, at
					s.next = append(s.next, to)
				}
			}
		}
		s.frontier, s.next = s.next, s.frontier
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

// leaveOut takes v out of waiting, and what waits for nothing else any more.
func (g *Graph[T]) leaveOut(v int, waiting []int) {
	waiting[v] = 0
	for out := []int{v}; len(out) > 0; {
		v, out = out[len(out)-1], out[:len(out)-1]
		for _, at := range g.vertices[v].dependants {
			from := g.edges[at].from
			if waiting[from] == 0 {
				continue
			}
			if waiting[from]--; waiting[from] == 0 {
				out = append(out, from)
			}
		}
	}
}
