package plan

import (
	"slices"
	"time"

	"github.com/dcosflow/dcosflow/dag"
)

// History is how long instances took in earlier runs, as medians. The zero
// value knows nothing.
type History struct {
	// Addresses and Types are the medians of instances and of all instances of a
	// type.
	Addresses, Types map[string]time.Duration
	// Runs is how many runs they come from.
	Runs int
}

// Basis says where an expected duration comes from.
type Basis string

// The bases; the zero value means that nothing is known, and the duration is a
// guess which only serves the order of starts.
const (
	ByAddress Basis = "address"
	ByType    Basis = "type"
)

// guess is how long an instance counts of which nothing is known.
const guess = time.Second

// expect says how long an instance will take.
func (h History) expect(inst *Instance) (time.Duration, Basis) {
	if !inst.works() {
		return 0, ""
	}
	if d, known := h.Addresses[string(inst.ID)]; known {
		return d, ByAddress
	}
	if inst.Type != nil {
		if d, known := h.Types[inst.Type.Name]; known {
			return d, ByType
		}
	}
	return guess, ""
}

// Forecast is what earlier runs let one expect of this one.
type Forecast struct {
	// Expected is how long the run takes when all goes well: the critical path,
	// or more when the slots or a lock cannot do all the work in that time. It
	// is zero when of no instance anything is known.
	Expected time.Duration
	// Path is the critical path: the longest chain of instances that wait for
	// each other, by dependencies or by max_parallel.
	Path []dag.ID
	// Length is how long the path takes.
	Length time.Duration
	// Guessed is how many instances nothing is known of.
	Guessed int
	// Runs is how many earlier runs were looked at.
	Runs int
}

// forecast finds out how long everything takes, and ranks the instances.
func (b *builder) forecast() {
	g := b.plan.Graph
	result := Forecast{Runs: b.in.History.Runs}
	known := false
	for _, v := range b.graph.vertices {
		inst := v.Value
		if !inst.works() {
			continue
		}
		inst.Expected, inst.Basis = b.in.History.expect(inst)
		known = known || inst.Basis != ""
		if inst.Basis == "" {
			result.Guessed++
		}
	}
	f, err := g.Forecast(func(_ dag.ID, inst *Instance) time.Duration { return inst.passing() })
	if err != nil {
		return // a cycle, and a plan has none
	}
	for _, v := range b.graph.vertices {
		v.Value.Rank = f.Rank[v.ID]
	}
	result.Length = f.Length
	result.Path = slices.DeleteFunc(f.Path, func(id dag.ID) bool { return g.Value(id).passing() == 0 })
	if known {
		result.Expected = max(f.Length, b.congestion())
	}
	b.plan.Forecast = result
}

// passing is how long an instance takes in a run that passes. A span with
// something during it takes as long as that.
func (i *Instance) passing() time.Duration {
	if i.Off || i.When == OnFailure || i.Kind == Start || i.Span != nil && !i.Span.Alone {
		return 0
	}
	return i.Expected
}

// congestion is how long the slots, and each lock, are busy at least.
func (b *builder) congestion() time.Duration {
	var work, longest time.Duration
	locked := map[string]time.Duration{}
	for _, v := range b.graph.vertices {
		length := v.Value.passing()
		work += time.Duration(v.Traits.Weight) * length
		for _, name := range v.Traits.Locks {
			locked[name] += length
			longest = max(longest, locked[name])
		}
	}
	if slots := b.plan.Settings.MaxParallel; slots > 0 {
		longest = max(longest, work/time.Duration(slots))
	}
	return longest
}

// works says whether an instance takes time: whether it is no mere joint of the
// graph. An Expander stands for the instances to come.
func (i *Instance) works() bool { return i.Kind == Work || i.Kind == Expander }
