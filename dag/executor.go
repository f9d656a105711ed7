package dag

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Executor walks a graph. The zero value runs everything that is ready at once.
type Executor[T any] struct {
	// Slots bounds the sum of the weights of running vertices; zero means no
	// bound. A vertex that weighs more runs alone.
	Slots int
	// Rank says which ready vertex goes first: the one with the highest rank,
	// then the one added first. It is asked once per vertex. Nil ranks all equal.
	Rank func(ID, T) float64
	// Restored names the vertices that were done before the run; they are not
	// visited. It may name vertices that only an expansion adds.
	Restored map[ID]bool
	// Observe sees every transition in order, on the goroutine that called Run:
	// nothing starts and nothing settles while it runs.
	Observe func(Transition)
	// Grace is how long final vertices may go on after a cancellation; zero
	// means as long as they want.
	Grace time.Duration
	// FailFast cancels the run when the first vertex fails that is neither
	// tolerated nor final.
	FailFast bool
	// Abort, when it is closed, cancels the run and its final vertices too, and
	// gives up those at work: Run does not wait for them.
	Abort <-chan struct{}
}

// Summary is how a run ended. What became of each vertex is told to Observe.
type Summary struct {
	// Failed lists the vertices that failed and are not tolerated, in the order
	// of their failures.
	Failed []ID
	// Stopped is why the run was cancelled; nil when it was not.
	Stopped error
}

// Run visits every vertex after what it waits for, and returns when all have
// settled and every worker has returned. A vertex settles only after all it
// waits for has, whatever becomes of it. Only after Abort may visits still be
// at work when Run returns; their contexts have ended.
//
// When ctx is cancelled, nothing starts any more, the contexts of running
// visits end with its cause, and vertices not started become Canceled. Final
// vertices still run, on a context that keeps ctx's values.
//
// The error says that the graph cannot be run: it has a cycle (*CycleError) or
// a roll that was not declared, or its spans and regions are malformed. Failed vertices are not an error of Run.
func (e Executor[T]) Run(ctx context.Context, g *Graph[T], visit Visit[T]) (Summary, error) {
	if _, err := g.order(); err != nil {
		return Summary{}, err
	}
	if err := errors.Join(g.checkRolls(), g.checkBrackets()); err != nil {
		return Summary{}, err
	}
	if e.Slots <= 0 {
		e.Slots = math.MaxInt
	}
	if e.Rank == nil {
		e.Rank = func(ID, T) float64 { return 0 }
	}
	if e.Observe == nil {
		e.Observe = func(Transition) {}
	}
	r := newRun(ctx, e, g, visit)
	defer r.end()
	r.loop()
	return r.summary, nil
}

func (g *Graph[T]) checkRolls() error {
	for i := range g.vertices {
		v := &g.vertices[i]
		if _, declared := g.rolls[v.Traits.Roll]; !declared && v.Traits.Roll != "" {
			return fmt.Errorf("vertex %q is in the roll %q, which is not declared", v.ID, v.Traits.Roll)
		}
	}
	return nil
}
