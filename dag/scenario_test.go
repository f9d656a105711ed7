package dag

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// A scenario is a random graph whose vertices say themselves what they do, and
// what happens to the run on the way.
type scenario struct {
	graph    *Graph[deed]
	executor Executor[deed]
	// cancelAt and abortAt count transitions; zero means never.
	cancelAt, abortAt int
}

// deed is what a vertex does when it is visited.
type deed struct {
	end      State // Done, Disabled, Failed or Skipped
	panics   bool
	takes    time.Duration
	idles    time.Duration
	stubborn bool // does not look at its context
	rank     float64
	grows    *Expansion[deed]
}

var (
	errDeed   = errors.New("as planned")
	errCancel = errors.New("cancelled by the test")
)

func randomScenario(rng *rand.Rand) *scenario {
	s := &scenario{graph: New[deed]()}
	for i := range rng.IntN(4) {
		_ = s.graph.SetRoll(Roll{Name: fmt.Sprint("r", i), Limit: 1 + rng.IntN(3), Continue: rng.IntN(3) == 0})
	}
	n := 1 + rng.IntN(24)
	density := rng.Float64() * 3 / float64(n)
	for v := range n {
		id := ID(fmt.Sprint("v", v))
		_ = s.graph.Add(id, randomDeed(rng), randomTraits(rng, len(s.graph.rolls)))
		for on := range v {
			if rng.Float64() < density {
				_ = s.graph.DependOn(id, ID(fmt.Sprint("v", on)), Trigger(rng.IntN(2)))
			}
		}
	}
	s.executor = Executor[deed]{
		Slots: rng.IntN(5), Grace: time.Duration(rng.IntN(2)*rng.IntN(40)) * time.Second,
		Rank: func(_ ID, d deed) float64 { return d.rank }, Restored: map[ID]bool{}, FailFast: rng.IntN(5) == 0,
	}
	if rng.IntN(3) == 0 {
		s.cancelAt = 1 + rng.IntN(2*n)
		s.abortAt = rng.IntN(2) * (s.cancelAt + rng.IntN(n))
	}
	for _, id := range s.graph.IDs() {
		if rng.IntN(10) == 0 {
			s.executor.Restored[id] = true
		}
	}
	for _, id := range s.graph.IDs() {
		if rng.IntN(6) == 0 {
			s.grow(rng, id)
		}
	}
	return s
}

func randomDeed(rng *rand.Rand) deed {
	d := deed{end: Done, rank: float64(rng.IntN(3)), takes: time.Duration(rng.IntN(10)) * time.Second, stubborn: rng.IntN(10) == 0}
	switch rng.IntN(10) {
	case 0:
		d.end = Disabled
	case 1:
		d.end = Skipped
	case 2:
		d.end, d.panics = Failed, rng.IntN(2) == 0
	}
	if rng.IntN(5) == 0 {
		d.idles = time.Duration(1+rng.IntN(5)) * time.Second
	}
	return d
}

func randomTraits(rng *rand.Rand, rolls int) Traits {
	t := Traits{Locks: randomLocks(rng), Weight: rng.IntN(3), Tolerated: rng.IntN(5) == 0, Final: rng.IntN(4) == 0}
	if rolls > 0 && rng.IntN(2) == 0 {
		t.Roll = fmt.Sprint("r", rng.IntN(rolls))
	}
	return t
}

func randomLocks(rng *rand.Rand) []string {
	var locks []string
	for _, name := range []string{"red", "green", "blue"} {
		if rng.IntN(6) == 0 {
			locks = append(locks, name)
		}
	}
	return locks
}

// grow has a vertex add others, for which some of its dependants wait.
func (s *scenario) grow(rng *rand.Rand, id ID) {
	e := &Expansion[deed]{Rolls: []Roll{{Name: "grown", Limit: 1}}}
	for i := range 1 + rng.IntN(3) {
		grown := ID(fmt.Sprint(id, "+", i))
		e.Vertices = append(e.Vertices, Vertex[deed]{grown, randomDeed(rng), randomTraits(rng, len(s.graph.rolls))})
		if rng.IntN(2) == 0 {
			e.Vertices[i].Traits.Roll = "grown"
		}
		if rng.IntN(10) == 0 {
			s.executor.Restored[grown] = true
		}
		on := ID(fmt.Sprint("v", rng.IntN(s.graph.index[id]+1))) // no later one, so that there is no cycle
		e.Edges = append(e.Edges, Edge{grown, on, Trigger(rng.IntN(2))})
		for _, waiting := range s.graph.Dependants(id) {
			if !s.executor.Restored[waiting.From] {
				e.Edges = append(e.Edges, Edge{waiting.From, grown, Trigger(rng.IntN(2))})
			}
		}
	}
	d := &s.graph.vertices[s.graph.index[id]].Value
	d.grows = e
}

// record is what was seen of a run.
type record struct {
	trace       []Transition
	summary     Summary
	visits      sync.WaitGroup
	whole       *Graph[deed] // with the expansions
	mu          sync.Mutex
	interrupted map[ID]bool // its context had ended when the visit returned
	held        map[ID]int  // one while it holds its slots, as the visit itself sees it
	slots       int
	used, peak  int
}

// play runs the scenario.
func (s *scenario) play(t *testing.T) *record {
	rec := &record{whole: s.graph.clone(), interrupted: map[ID]bool{}, held: map[ID]int{}, slots: s.executor.Slots}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	abort := make(chan struct{})
	e := s.executor
	e.Abort = abort
	e.Observe = func(tr Transition) {
		rec.trace = append(rec.trace, tr)
		if tr.State == Running {
			rec.visits.Add(1)
		}
		if len(rec.trace) == s.cancelAt {
			cancel(errCancel)
		}
		if len(rec.trace) == s.abortAt {
			close(abort)
		}
	}
	summary, err := e.Run(ctx, s.graph, func(ctx context.Context, id ID, d deed, control Control[deed]) (Result, error) {
		defer rec.visits.Done()
		return rec.visit(ctx, id, d, control)
	})
	must(t, err)
	rec.visits.Wait() // those that an abort left at work
	rec.summary = summary
	return rec
}

func (rec *record) visit(ctx context.Context, id ID, d deed, control Control[deed]) (Result, error) {
	rec.take(id, +1)
	defer rec.leave(ctx, id)
	if d.grows != nil {
		if err := rec.expand(control, *d.grows); err != nil {
			return Result{}, err
		}
	}
	if err := rec.work(ctx, id, d, control); err != nil {
		return Result{}, err
	}
	switch {
	case d.panics:
		panic("as planned")
	case d.end == Failed:
		return Result{}, errDeed
	case d.end == Skipped:
		return Result{Skipped: "as planned"}, nil
	}
	return Result{Disabled: d.end == Disabled}, nil
}

// expand keeps the order of the run in the record.
func (rec *record) expand(control Control[deed], e Expansion[deed]) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err := control.Expand(e); err != nil {
		return err
	}
	return e.apply(rec.whole)
}

func (rec *record) work(ctx context.Context, id ID, d deed, control Control[deed]) error {
	if d.stubborn {
		ctx = context.WithoutCancel(ctx)
	}
	if d.idles > 0 {
		rec.take(id, -1)
		err := control.Idle(ctx, func(ctx context.Context) error { return sleep(ctx, d.idles) })
		if err != nil {
			return err
		}
		rec.take(id, +1)
	}
	return sleep(ctx, d.takes)
}

// take counts slots, as the visits themselves see them.
func (rec *record) take(id ID, sign int) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.held[id] += sign
	rec.used += sign * min(rec.whole.Traits(id).Weight, rec.slots)
	rec.peak = max(rec.peak, rec.used)
}

func (rec *record) leave(ctx context.Context, id ID) {
	rec.mu.Lock()
	holds := rec.held[id]
	rec.interrupted[id] = ctx.Err() != nil
	rec.mu.Unlock()
	rec.take(id, -holds)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
