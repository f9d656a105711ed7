// Package engine runs a plan: it makes the machines, works through the graph,
// publishes what happens as events, and leaves nothing behind that it was not
// told to keep. It is the only room that touches the world, through backends
// and steps.
package engine

import (
	"context"
	"time"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// Options say what to run and how.
type Options struct {
	// Plan is what to run; its Run holds the id, the seed and the run's folder
	// (absolute).
	Plan *plan.Plan
	Info RunInfo
	// Types are the step types that there are: a resumed run ends the spans that
	// were left open, also of steps that the plan does not have any more.
	Types []steps.Type
	// Backends makes a backend; nil means Type.New(Config).
	Backends func(plan.Backend) (backends.Backend, error)
	// Local reaches the machine of the tool.
	Local backends.Transport
	// Sinks receive the events; the first one is the journal.
	Sinks []events.Sink
	// Secrets lists what must not appear in events; it is asked again whenever
	// an instance is configured. Nil means Plan.Secrets.
	Secrets func() []string
	// Parallel is how many steps work at once; 0 means the workflow's
	// max_parallel, or else the larger of 16 and four times the CPUs.
	Parallel int
	Keep     Keep
	// FailFast cancels the run at the first failure; the workflow may also ask
	// for it.
	FailFast bool
	// Timeout overrides the workflow's when it is not zero.
	Timeout time.Duration
	// Pause is asked before an instance works; what it returns is waited for,
	// without a slot. Nil means not to wait, and so does what it returns.
	Pause func(dag.ID) func(context.Context) error
	// Grace is how long finalisers have after a cancellation; 0 means two
	// minutes.
	Grace time.Duration
	// Vault keeps what resume needs; without one nothing of the run can be
	// reused.
	Vault Vault
	// Resume makes the run go on where earlier ones stopped; it needs a Vault.
	// Nil begins a new run.
	Resume *Resume
	// Rerun is how often a run in which steps failed goes at those again, and at
	// what was skipped because of them; steps with `always` and the removal of
	// the machines come after the last go. It needs a Vault.
	Rerun int
	// Abort is the second Ctrl-C: when it is closed, Run ends at once, nothing
	// is removed, and the events say what is left. What does not heed the end of
	// its context is then left at work, for the process to end with. Nil means
	// never.
	Abort <-chan struct{}
}

// RunInfo is what the record of a run says besides the plan.
type RunInfo struct {
	// File is the workflow's file or folder, as the user gave it.
	File string
	// Path is the same, absolute.
	Path    string
	Version string
	Command []string
	Owner   events.Owner
}

// Keep says after which runs the clusters stay.
type Keep string

// The values of Keep; the zero value means KeepNever. An interrupted run keeps
// its clusters only under KeepAlways.
const (
	KeepNever     Keep = "never"
	KeepOnFailure Keep = "on-failure"
	KeepAlways    Keep = "always"
)

// Result is how a run ended.
type Result struct {
	// Exit is the process's exit code.
	Exit int
	// Run is the fold of all events.
	Run *events.Run
}
