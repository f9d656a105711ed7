package dag

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestRandomBrackets plays random graphs with spans and regions and holds each
// against a model. A failure names the seed, which repeats it. A run that hangs
// is a panic of synctest.
func TestRandomBrackets(t *testing.T) {
	for seed := range uint64(1000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		b := &builder{script: newScript(t), rng: rng, scarce: seed%2 == 1}
		b.fill("", 3+rng.IntN(10))
		b.finish()
		e := Executor[*act]{Slots: rng.IntN(4), FailFast: rng.IntN(8) == 0, Restored: map[ID]bool{}}
		if rng.IntN(4) == 0 {
			e.Grace = time.Duration(1+rng.IntN(5)) * time.Second
		}
		for _, id := range b.g.IDs() {
			if rng.IntN(15) == 0 && !b.g.Traits(id).Final && !e.hasUnrestored(b.g, id) {
				e.Restored[id] = true
			}
		}
		if rng.IntN(10) == 0 {
			b.abortAfter = time.Duration(1 + rng.IntN(25))
		}
		_, sum := b.play(e, time.Duration(rng.IntN(3)/2*(1+rng.IntN(25))))
		if err := newBracketModel(b.script, e, sum).check(b.scarce); err != nil {
			for i, line := range b.log {
				t.Log(i, line)
			}
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// hasUnrestored says whether a vertex waits for one that is not restored: then
// neither is it.
func (e Executor[T]) hasUnrestored(g *Graph[T], id ID) bool {
	return g.Traits(id).Opens != "" || slices.ContainsFunc(g.Dependencies(id), func(edge Edge) bool {
		return g.Traits(edge.To).Opens == "" && !e.Restored[edge.To]
	})
}

// builder makes a random script.
type builder struct {
	*script
	rng    *rand.Rand
	scarce bool // there are locks and rolls
	n      int
	depth  int
}

// fill adds things to a region, or outside of all.
func (b *builder) fill(region ID, n int) {
	var things, spans []ID
	roll := fmt.Sprint("roll in ", region)
	must(b.t, b.g.SetRoll(Roll{Name: roll, Limit: 1 + b.rng.IntN(2), Continue: b.rng.IntN(3) == 0}))
	for range n {
		b.n++
		id, kind := ID(fmt.Sprint("v", b.n)), b.rng.IntN(10)
		var in []string
		if region != "" {
			in = append(in, "<"+string(region))
		}
		first := id
		switch traits := (Traits{Tolerated: b.rng.IntN(8) == 0}); {
		case kind < 4:
			traits.Lazy = true
			b.span(id, b.act(), traits, in...)
			first = id + ":start"
		case kind < 6 && b.depth < 2:
			traits.Limit = time.Duration(b.rng.IntN(2)*(2+b.rng.IntN(20))) * time.Second
			traits.Deadline = time.Duration(b.rng.IntN(2)*(2+b.rng.IntN(40))) * time.Second
			b.region(id, b.act(), traits, in...)
			b.depth++
			b.fill(id, 1+b.rng.IntN(4))
			b.depth--
			first = id + ":begin"
		default:
			traits.Weight = b.rng.IntN(3)
			b.add(id, b.act(), traits, in...)
		}
		for range min(3, len(spans)) {
			if on := spans[b.rng.IntN(len(spans))]; b.rng.IntN(3) > 0 {
				b.try(func() { b.link(first, id, []string{"~" + string(on)}) })
			}
		}
		for range min(2, len(things)) {
			if on := things[b.rng.IntN(len(things))]; b.rng.IntN(3) == 0 {
				b.try(func() { b.wait(first, on, Trigger(b.rng.IntN(2))) })
			}
		}
		if b.scarce {
			b.restrict(first, roll)
		}
		things = append(things, id)
		if kind < 4 {
			spans = append(spans, id)
		}
	}
}

// finish adds final vertices after what there is.
func (b *builder) finish() {
	things := b.g.IDs()
	for n := range b.rng.IntN(3) {
		id := ID(fmt.Sprint("final", n))
		b.add(id, b.act(), Traits{Final: true, Weight: b.rng.IntN(3)})
		for range 1 + b.rng.IntN(4) {
			on := things[b.rng.IntN(len(things))]
			b.try(func() { b.wait(id, on, Trigger(b.rng.IntN(2))) })
		}
	}
}

// restrict gives a vertex locks and a roll.
func (b *builder) restrict(id ID, roll string) {
	b.try(func() { b.g.vertices[b.g.index[id]].Traits.Locks = randomLocks(b.rng) })
	if b.rng.IntN(4) == 0 {
		b.try(func() { b.g.vertices[b.g.index[id]].Traits.Roll = roll })
	}
}

// try changes the graph unless that makes it invalid.
func (b *builder) try(change func()) {
	before := b.g.clone()
	change()
	_, err := b.g.order()
	if errors.Join(err, b.g.checkBrackets()) != nil {
		b.g = before
	}
}

func (b *builder) act() act {
	seconds := func(n int) time.Duration { return time.Duration(b.rng.IntN(n)) }
	a := act{takes: seconds(6), lasts: seconds(2) * seconds(12), delay: seconds(3), retries: b.rng.IntN(3)}
	switch b.rng.IntN(8) {
	case 0:
		a.fails, a.panics = 1+b.rng.IntN(3), b.rng.IntN(4) == 0
	case 1:
		a.disabled = b.rng.IntN(2) == 0
	case 2:
		a.skips = b.rng.IntN(2) == 0
	}
	if b.rng.IntN(3) == 0 {
		a.idles = 1 + seconds(4)
	}
	if b.rng.IntN(4) == 0 {
		a.early = 1 + seconds(6)
	}
	return a
}
