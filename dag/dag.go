// Package dag holds a generic graph and its executor: stable order, cycles,
// ranks, slots, rolls, finalisers, expansion at run time. It knows nothing of
// workflows.
package dag

import (
	"context"
	"fmt"
	"time"
)

// ID names a vertex.
type ID string

// Trigger says when an edge lets its dependant go on.
type Trigger int

// Succeeded edges need success (or tolerated failure, or disabled); a failed or
// skipped dependency skips the dependant. Settled edges need any end.
const (
	Succeeded Trigger = iota
	Settled
)

// Edge says that From waits for To.
type Edge struct {
	From, To ID
	When     Trigger
}

// Traits are what the executor must know of a vertex.
type Traits struct {
	// Weight is how many slots the vertex holds while it runs. Zero holds none:
	// polls and barriers.
	Weight int
	// Roll names a list of vertices of which at most a number run at once, in
	// the order of their addition; see Graph.SetRoll. Empty means none.
	Roll string
	// Locks are names; at most one of the vertices with an equal name runs at
	// once. Slots, ticket and locks are taken together or not at all; Idle keeps
	// the locks.
	Locks []string
	// Tolerated failures count as success for dependants, for the roll and for
	// the run.
	Tolerated bool
	// Final vertices run on a context that the cancellation of the run does not
	// end at once, but only after the executor's Grace.
	Final bool
	// Opens names the vertex that closes what this one opens, a span or a
	// region. The locks and the ticket of the opening vertex are held until the
	// closing one has settled; a failure of the closing one stops the roll. The
	// closing one has neither, and its Tolerated counts for both. When the
	// opening one does not succeed, nothing is held any more, and the closing one
	// ends likewise, unvisited; what was to happen in between is skipped, and
	// disabled when a region is.
	Opens ID
	// Span says that what the vertex opens is a span: its visit calls
	// Control.Hold, which settles it, and goes on; when the visit returns, the
	// closing vertex settles, which is not visited. What happens during the span
	// waits for the opening vertex, and the closing one for all of that.
	// Otherwise it opens a region: see Region.
	Span bool
	// Lazy spans open just in time: when a vertex that is no lazy span lacks
	// nothing but the opening of lazy spans, and its slots, ticket and locks and
	// those of the spans can be taken together. A lazy span nobody demands is
	// skipped.
	Lazy bool
	// Region names the closing vertex of the innermost region that the vertex
	// is part of. All vertices of a region wait for its opening vertex and for
	// nothing outside, and the closing one waits for them (Settled), as does
	// nothing else outside. Failures in a region are its own affair: the closing
	// vertex is visited when all have settled, and decides. Rolls lie in one
	// region, or in none.
	Region ID
	// Limit bounds each attempt of the region that the vertex opens; zero means
	// no bound. What runs then fails with the *LimitError, the rest is skipped.
	Limit time.Duration
	// Deadline likewise bounds all attempts of that region together, with what
	// lies between them; zero means no bound.
	Deadline time.Duration
}

// LimitError says that an attempt of a region took longer than its Limit, or
// all of them longer than its Deadline.
type LimitError struct {
	Region ID
	Limit  time.Duration
}

// Error names the region and the limit.
func (e *LimitError) Error() string { return fmt.Sprintf("%s took longer than %s", e.Region, e.Limit) }

// State is what became of a vertex.
type State int

// The states. Restored vertices were done before the run started.
const (
	Pending State = iota
	Running
	Done
	Disabled
	Failed
	Skipped
	Canceled
	Restored
)

// String is the state's name in lower case.
func (s State) String() string {
	names := [...]string{"pending", "running", "done", "disabled", "failed", "skipped", "canceled", "restored"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Result is what a visit returns when it did not fail.
type Result struct {
	// Disabled says that there was nothing to do: dependants go on.
	Disabled bool
	// Skipped says that the vertex cannot do its work for the reason given in
	// Because: dependants are skipped. Empty means no.
	Skipped string
	// Again, from the visit of a region's closing vertex, makes it and all
	// vertices of the region pending again, those restored included, the opening
	// one excepted.
	Again bool
}

// Transition is one change of state, reported by the coordinator in order. Only
// what Result.Again repeats becomes Pending. The closing vertex of a span never
// runs: it settles when the visit of the opening one has returned.
type Transition struct {
	ID    ID
	State State
	// Err is why it failed, or the cause of the cancellation.
	Err error
	// Cause is the failed vertex because of which this one was skipped, or
	// cancelled while the run goes on; the first one, not the nearest. A bracket
	// is named by its closing vertex, a region that failed by its first failure.
	Cause ID
	// Roll says that it was skipped because its roll stopped at Cause.
	Roll bool
	// Reason is the text of Result.Skipped.
	Reason string
	// After is the vertex before whose end this one could not have started,
	// however many slots there were: the last to end of its dependencies, of its
	// roll when that was full, and of the holders of its locks. Of vertices that
	// did not run, the one that they waited for counts. Empty when there is none.
	After ID
	At    time.Time
}

// Expansion adds vertices and edges while the graph runs. The coordinator
// applies it before the vertex that asked for it settles. Dependants of that
// vertex can be made to wait for the new ones by edges.
type Expansion[T any] struct {
	Vertices []Vertex[T]
	Edges    []Edge
	Rolls    []Roll
}

// Vertex is an addition to a graph.
type Vertex[T any] struct {
	ID     ID
	Value  T
	Traits Traits
}

// Roll bounds how many vertices of a list run at once. When one fails, those
// not yet started are skipped unless Continue.
type Roll struct {
	Name     string
	Limit    int
	Continue bool
}

// Visit does the work of one vertex. It runs in a goroutine of the executor.
// A panic in it is the vertex's failure. expand may be called any number of
// times before it returns.
type Visit[T any] func(ctx context.Context, id ID, value T, control Control[T]) (Result, error)

// Control is how a running vertex talks to the coordinator.
type Control[T any] interface {
	// Expand applies an expansion; it returns an error for a duplicate or
	// unknown vertex or a cycle, and changes nothing then.
	Expand(e Expansion[T]) error
	// Idle gives the vertex's slots back while wait runs and takes them again
	// after it, queueing with the ready vertices: for back-off between attempts.
	// The roll's ticket is kept. When ctx ends first, the error is wait's or
	// ctx's cause and the vertex holds no slots any more. One call at a time.
	Idle(ctx context.Context, wait func(context.Context) error) error
	// Hold says that the span is open; only the visit of a Span calls it, once.
	// It returns what ends the span. When the visit returns an error before
	// that, what runs during the span is cancelled and the rest skipped, unless
	// the closing vertex is Tolerated. A visit that returns without a call of
	// Hold and without an error leaves a span that is over at once.
	Hold() (Holding, error)
	// Final is a context like that of Final vertices: for what must be undone
	// also after a cancellation.
	Final() context.Context
	// Failures are those of the region that the visited vertex closes, in order:
	// none when all of it succeeded or was tolerated.
	Failures() []Failure
}

// Holding is an open span.
type Holding struct {
	// Over is closed when everything during the span has settled, also after a
	// cancellation, and at an abort: it is to be ended.
	Over <-chan struct{}
}

// Failure is a vertex that failed, or a region whose limit was reached.
type Failure struct {
	ID  ID
	Err error
}
