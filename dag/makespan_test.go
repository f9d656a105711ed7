package dag

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// A run that ranks by the forecast takes at most 1.05 times as long as the best
// of many list schedules: those by rank, by length, by the order of additions,
// and by hundreds of random orders.
func TestMakespan(t *testing.T) {
	for _, slots := range []int{2, 4, 16} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%d slots, seed %d", slots, seed), func(t *testing.T) {
				g := sleepers(rand.New(rand.NewPCG(seed, uint64(slots))), 300)
				f, err := g.Forecast(seconds)
				must(t, err)
				took := makespan(t, g, slots, f)
				best := bestSchedule(g, slots, f, rand.New(rand.NewPCG(seed, 99)))
				if float64(took) > 1.05*float64(best) {
					t.Errorf("took %s, the best list schedule %s: %.3f times", took, best, float64(took)/float64(best))
				}
			})
		}
	}
}

// sleepers is a layered graph of vertices that take 1 to 30 seconds.
func sleepers(rng *rand.Rand, n int) *Graph[int] {
	g := New[int]()
	const width = 15
	for v := range n {
		_ = g.Add(ID(fmt.Sprint("v", v)), 1+rng.IntN(30), Traits{Weight: 1})
		for range 3 {
			if before := v/width*width - width; before >= 0 {
				_ = g.DependOn(ID(fmt.Sprint("v", v)), ID(fmt.Sprint("v", before+rng.IntN(width))), Succeeded)
			}
		}
	}
	return g
}

func makespan(t *testing.T, g *Graph[int], slots int, f Forecast) (took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		rank := func(id ID, _ int) float64 { return f.Rank[id].Seconds() }
		_, err := Executor[int]{Slots: slots, Rank: rank}.Run(t.Context(), g, sleeping)
		must(t, err)
		took = time.Since(start)
	})
	return took
}

func bestSchedule(g *Graph[int], slots int, f Forecast, rng *rand.Rand) time.Duration {
	ranks, lengths, additions := make([]float64, g.Len()), make([]float64, g.Len()), make([]float64, g.Len())
	for v, id := range g.IDs() {
		ranks[v], lengths[v], additions[v] = f.Rank[id].Seconds(), float64(g.Value(id)), -float64(v)
	}
	best := min(schedule(g, slots, ranks), schedule(g, slots, lengths), schedule(g, slots, additions))
	for i := range 300 {
		shuffled := make([]float64, g.Len())
		for v := range shuffled {
			shuffled[v] = rng.Float64()
			if i%2 == 0 { // near the ranks
				shuffled[v] = ranks[v] * (1 + 0.2*rng.Float64())
			}
		}
		best = min(best, schedule(g, slots, shuffled))
	}
	return best
}

// schedule is the makespan of the list schedule by a priority, second by
// second.
func schedule(g *Graph[int], slots int, priority []float64) time.Duration {
	waiting, ends := make([]int, g.Len()), make([]int, g.Len())
	ready := queue{less: func(a, b int) bool { return priority[a] > priority[b] }}
	for v := range waiting {
		if waiting[v] = len(g.vertices[v].dependencies); waiting[v] == 0 {
			ready.push(v)
		}
	}
	running, now := map[int]bool{}, 0
	for open := g.Len(); open > 0; now++ {
		for v := range running {
			if ends[v] > now {
				continue
			}
			delete(running, v)
			open--
			for _, at := range g.vertices[v].dependants {
				from := g.edges[at].from
				if waiting[from]--; waiting[from] == 0 {
					ready.push(from)
				}
			}
		}
		for !ready.empty() && len(running) < slots {
			v := ready.pop()
			running[v], ends[v] = true, now+g.vertices[v].Value
		}
	}
	return time.Duration(now-1) * time.Second
}
