package dag

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
)

// TestRandomRuns plays random scenarios and holds each against the model and
// the rules of starting. A failure names the seed, which repeats it.
func TestRandomRuns(t *testing.T) {
	for seed := range uint64(1000) {
		synctest.Test(t, func(t *testing.T) {
			s := randomScenario(rand.New(rand.NewPCG(seed, 1)))
			rec := s.play(t)
			m, err := newModel(s, rec)
			if err == nil {
				err = errors.Join(m.check(), m.checkStarts(), m.checkSummary())
			}
			if err != nil {
				for _, tr := range rec.trace {
					t.Log(tr.At.Format("05"), tr.ID, tr.State, tr.Cause, tr.Roll, tr.Err)
				}
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}

// checkStarts replays the transitions and looks at each start.
func (m *model) checkStarts() error {
	if m.executor.Slots > 0 && m.peak > m.executor.Slots {
		return fmt.Errorf("%d slots were taken of %d", m.peak, m.executor.Slots)
	}
	for at, tr := range m.trace {
		if tr.State != Running {
			continue
		}
		if at >= m.cancelAt && m.cancelAt > 0 && !m.whole.Traits(tr.ID).Final {
			return fmt.Errorf("%s started after the cancellation", tr.ID)
		}
		for _, e := range m.whole.Dependencies(tr.ID) {
			if m.place[e.To] > at {
				return fmt.Errorf("%s started before %s settled", tr.ID, e.To)
			}
		}
		err := errors.Join(m.checkRoll(at, tr.ID), m.checkLocks(at, tr.ID), m.checkPriority(at, tr.ID), m.checkAfter(at, tr.ID))
		if err != nil {
			return err
		}
	}
	return nil
}

// checkRoll looks whether a vertex of a roll was its first ready one, had a
// ticket, and came before the roll stopped.
func (m *model) checkRoll(at int, id ID) error {
	roll, inRoll := m.whole.Roll(m.whole.Traits(id).Roll)
	if !inRoll {
		return nil
	}
	running := 0
	for _, mate := range m.rollMates(roll.Name) {
		if m.isRunning(mate, at) {
			running++
		}
		stops := m.last[mate].State == Failed && !m.whole.Traits(mate).Tolerated && !roll.Continue
		if stops && m.place[mate] < at {
			return fmt.Errorf("%s started after %s stopped the roll", id, mate)
		}
		if m.isReady(mate, at) && m.position(mate) < m.position(id) {
			return fmt.Errorf("%s started before %s, which is first in the roll", id, mate)
		}
	}
	if running > roll.Limit {
		return fmt.Errorf("%d of roll %s run when %s starts, limit %d", running, roll.Name, id, roll.Limit)
	}
	return nil
}

// checkLocks looks whether a vertex that starts finds its locks free.
func (m *model) checkLocks(at int, id ID) error {
	for _, name := range m.whole.Traits(id).Locks {
		for _, holder := range m.holders(name) {
			if holder != id && m.isRunning(holder, at) {
				return fmt.Errorf("%s started while %s has the lock %s", id, holder, name)
			}
		}
	}
	return nil
}

// lacksLock says whether another vertex has a lock of this one.
func (m *model) lacksLock(id ID, at int) bool {
	return slices.ContainsFunc(m.whole.Traits(id).Locks, func(name string) bool {
		return slices.ContainsFunc(m.holders(name), func(holder ID) bool { return m.isRunning(holder, at) })
	})
}

func (m *model) holders(lock string) []ID {
	return slices.DeleteFunc(m.whole.IDs(), func(id ID) bool { return !slices.Contains(m.whole.Traits(id).Locks, lock) })
}

// checkAfter looks for the end that a vertex waited for last.
func (m *model) checkAfter(at int, id ID) error {
	var last ID
	consider := func(other ID) {
		if m.place[other] < at && m.ranBefore(last, other) {
			last = other
		}
	}
	for _, e := range m.whole.Dependencies(id) {
		consider(e.To)
		if _, ran := m.began[e.To]; !ran {
			consider(m.last[e.To].After)
		}
	}
	for _, name := range m.whole.Traits(id).Locks {
		for _, holder := range m.holders(name) {
			consider(holder)
		}
	}
	if name := m.whole.Traits(id).Roll; name != "" {
		for _, mate := range m.rollMates(name) {
			if m.wasFull(name, m.place[mate]) {
				consider(mate)
			}
		}
	}
	got := m.last[id].After
	if grown := !m.graph.Has(id) && got != last && m.whole.Value(got).grows != nil; got != last && !grown {
		return fmt.Errorf("%s started after the end of %q, want %q", id, got, last)
	}
	return nil
}

// ranBefore says whether a vertex ran that settled later than another.
func (m *model) ranBefore(earlier, id ID) bool {
	_, ran := m.began[id]
	return ran && (earlier == "" || m.place[id] > m.place[earlier])
}

// wasFull says whether a roll had no ticket left just before that place of the
// trace.
func (m *model) wasFull(name string, at int) bool {
	roll, _ := m.whole.Roll(name)
	running := 0
	for _, mate := range m.rollMates(name) {
		if began, ran := m.began[mate]; ran && began < at && m.place[mate] >= at {
			running++
		}
	}
	return running >= roll.Limit
}

// checkPriority looks whether a free vertex was passed over that ranks higher
// and lacks neither slots nor locks.
func (m *model) checkPriority(at int, id ID) error {
	weight, rank := m.whole.Traits(id).Weight, m.whole.Value(id).rank
	for _, other := range m.whole.IDs() {
		traits := m.whole.Traits(other)
		slots := traits.Weight > 0 && weight == 0 // it may have lacked them
		if traits.Roll != "" || slots || !m.isReady(other, at) || m.lacksLock(other, at) {
			continue
		}
		first := m.whole.Value(other).rank > rank ||
			m.whole.Value(other).rank == rank && m.position(other) < m.position(id)
		if first {
			return fmt.Errorf("%s started before %s, which ranks higher", id, other)
		}
	}
	return nil
}

func (m *model) rollMates(name string) []ID {
	return slices.DeleteFunc(m.whole.IDs(), func(id ID) bool { return m.whole.Traits(id).Roll != name })
}

func (m *model) isRunning(id ID, at int) bool {
	began, ran := m.began[id]
	return ran && began <= at && m.place[id] > at
}

// isReady says whether the vertex waits for nothing at that place of the trace
// and starts later.
func (m *model) isReady(id ID, at int) bool {
	began, ran := m.began[id]
	if !ran || began <= at || !m.isKnown(id, at) {
		return false
	}
	return !slices.ContainsFunc(m.whole.Dependencies(id), func(e Edge) bool { return m.place[e.To] > at })
}

// isKnown says whether the vertex was in the graph at that place of the trace:
// from the start, or because the one that adds it had been seen to end.
func (m *model) isKnown(id ID, at int) bool {
	if m.graph.Has(id) {
		return true
	}
	for _, parent := range m.graph.IDs() {
		grows := m.graph.Value(parent).grows
		if grows != nil && slices.ContainsFunc(grows.Vertices, func(v Vertex[deed]) bool { return v.ID == id }) {
			return m.place[parent] < at
		}
	}
	return false
}

// position is where the vertex stands in the order of additions. What the run
// adds comes in the order in which the vertices that add it were visited.
func (m *model) position(id ID) int { return slices.Index(m.whole.IDs(), id) }

func (m *model) checkSummary() error {
	var failed []ID
	for _, tr := range m.trace {
		if tr.State == Failed && !m.whole.Traits(tr.ID).Tolerated {
			failed = append(failed, tr.ID)
		}
	}
	if !slices.Equal(failed, m.summary.Failed) {
		return fmt.Errorf("summary: failed %v, want %v", m.summary.Failed, failed)
	}
	for _, id := range m.whole.IDs() {
		if _, settled := m.last[id]; !settled {
			return fmt.Errorf("%s never settled", id)
		}
	}
	stopped := m.summary.Stopped
	switch {
	case stopped == nil, errors.Is(stopped, errCancel), errors.Is(stopped, errAborted):
		return nil
	case m.executor.FailFast && len(failed) > 0 && !errors.Is(stopped, context.Canceled):
		return nil
	}
	return fmt.Errorf("summary: stopped because of %w", stopped)
}
