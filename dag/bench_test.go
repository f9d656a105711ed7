package dag

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sync/errgroup"
)

const benchSize = 10_000

// shapes are the graphs of the benchmarks: dependencies of each vertex.
var shapes = map[string]func(v int, rng *rand.Rand) []int{
	"wide":  func(int, *rand.Rand) []int { return nil },
	"chain": func(v int, _ *rand.Rand) []int { return []int{v - 1} },
	"layered": func(v int, rng *rand.Rand) []int { // 100 layers of 100
		layer := v/100*100 - 100
		return []int{layer + rng.IntN(100), layer + rng.IntN(100), layer + rng.IntN(100)}
	},
	"barriers": func(v int, _ *rand.Rand) []int { // every hundredth waits for the 99 before it, they for the one before them
		if v%100 != 99 {
			return []int{v/100*100 - 1}
		}
		before := make([]int, 99)
		for i := range before {
			before[i] = v - 1 - i
		}
		return before
	},
}

func benchGraph(b *testing.B, shape string) *Graph[int] {
	rng := rand.New(rand.NewPCG(1, 2))
	g := New[int]()
	ids := make([]ID, benchSize)
	for v := range ids {
		ids[v] = ID(fmt.Sprint("vertex-", v))
		must(b, g.Add(ids[v], v, Traits{Weight: 1}))
	}
	for v := range ids {
		for _, on := range shapes[shape](v, rng) {
			if on >= 0 {
				must(b, g.DependOn(ids[v], ids[on], Succeeded))
			}
		}
	}
	return g
}

// BenchmarkRun walks graphs whose vertices do nothing, 16 at once.
func BenchmarkRun(b *testing.B) {
	visit := func(context.Context, ID, int, Control[int]) (Result, error) { return Result{}, nil }
	for _, shape := range []string{"wide", "chain", "layered", "barriers"} {
		b.Run(shape, func(b *testing.B) {
			g := benchGraph(b, shape)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (Executor[int]{Slots: 16}).Run(b.Context(), g, visit); err != nil {
					b.Fatal(err)
				}
			}
			perVertex(b)
		})
	}
}

// BenchmarkFloor walks the same graphs with nothing but an errgroup: no order
// of starts, no bound, no failures, no transitions.
func BenchmarkFloor(b *testing.B) {
	for _, shape := range []string{"wide", "chain", "layered", "barriers"} {
		b.Run(shape, func(b *testing.B) {
			g := benchGraph(b, shape)
			for b.Loop() {
				walk(g)
			}
			perVertex(b)
		})
	}
}

func walk(g *Graph[int]) {
	waiting := make([]int, g.Len())
	done := make(chan int, g.Len())
	var workers errgroup.Group
	start := func(v int) {
		workers.Go(func() error {
			done <- v
			return nil
		})
	}
	for v := range waiting {
		if waiting[v] = len(g.vertices[v].dependencies); waiting[v] == 0 {
			start(v)
		}
	}
	for range waiting {
		for _, at := range g.vertices[<-done].dependants {
			from := g.edges[at].from
			if waiting[from]--; waiting[from] == 0 {
				start(from)
			}
		}
	}
	_ = workers.Wait()
}

func perVertex(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSize, "ns/vertex")
}
