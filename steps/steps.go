// Package steps holds the contracts of step types: what a plug-in declares
// (Type), what it does (Step), and what it is given (Env). Each type lives in a
// folder below; builtin lists those we ship.
package steps

import (
	"context"
	"io"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
)

// Placement says on which machine a step of a type runs.
type Placement int

// The placements.
const (
	// NoNode types refuse `node` and `nodes`.
	NoNode Placement = iota
	// MayHaveNode types run on a node or without one.
	MayHaveNode
	// NeedsNode types must have `node` or `nodes`.
	NeedsNode
	// EachNode types make one instance for every node of their `cluster`
	// argument, keyed by node name, and refuse `node`, `nodes`, `for_each`.
	EachNode
)

// Role says what a type means to the plan.
type Role int

// The roles. Provisions makes nodes: instances on a node wait for it.
// Destroys removes a cluster: it is a finaliser that waits for all other uses.
const (
	Ordinary Role = iota
	Provisions
	Destroys
)

// Type is a kind of step: a plug-in. The zero values of the flags are the
// cautious ones.
type Type struct {
	// Name is the first label of the block: "run".
	Name string
	// Doc is Markdown; its first sentence is the summary.
	Doc       string
	Schema    schema.Block
	Outputs   []schema.Output
	Placement Placement
	Role      Role
	// Idempotent types may be repeated after transport trouble.
	Idempotent bool
	// Polls says that the step mostly waits: it holds no slot.
	Polls bool
	// Check finds problems that depend on where the step runs. Values may be
	// unknown or null. It does no input or output. May be nil.
	Check func(cfg cty.Value, hasNode bool) []schema.Problem
	// New makes a step from a wholly known configuration; nil when the type is
	// always a span.
	New func(cfg cty.Value) (Step, error)
	// NewSpan makes a span, likewise. Types that have New too are spans only
	// with `background = true`; nil means never.
	NewSpan func(cfg cty.Value) (Span, error)
}

// Summary returns the first sentence of the documentation.
func (t *Type) Summary() string { return Summary(t.Doc) }

// Step is one instance at work. Run is called once per attempt on a new Step.
type Step interface {
	// Run does the work and returns the outputs as an object of the declared
	// types. With an error it may still return the outputs that there are.
	// *backends.ExitError, *AssertionError and *backends.TroubleError keep
	// their meaning when wrapped. Run returns soon after ctx ends.
	Run(ctx context.Context, env Env) (cty.Value, error)
}

// Span is an instance that holds something while other steps run: a fault, a
// command in the background.
type Span interface {
	// Start makes it hold. What it returns is journalled and given to End, also
	// by another process after a crash; a null when there is nothing to
	// remember. Start returns soon after ctx ends.
	Start(ctx context.Context, env Env) (started cty.Value, err error)
	// Wait returns when the span ends by itself: nil for success, or why it
	// failed. A span that does not end by itself waits for ctx and returns its
	// cause.
	Wait(ctx context.Context) error
	// End undoes what Start did and returns the outputs. It is called once for
	// every Start, also for one that failed, or on a new Span in another
	// process; started is cty.NilVal when it is not known. There may be nothing
	// to undo. It waits for everything that Start began.
	End(ctx context.Context, env Env, started cty.Value) (cty.Value, error)
}

// Env is what an instance is given.
type Env struct {
	// Address is the instance's address: step.version["agent-0"].
	Address string
	// Run is the run's id, Dir its directory (absolute), WorkflowDir the
	// workflow's.
	Run, Dir, WorkflowDir string
	// Node is where the step runs; nil without a node. For EachNode types it is
	// the node that the instance makes: data only, its Transport may be nil.
	Node *backends.Node
	// Local reaches the machine of the tool.
	Local backends.Transport
	// Machines are the clusters of the run.
	Machines Machines
	// Stdout and Stderr are the instance's log files, byte for byte but for
	// secrets.
	Stdout, Stderr io.Writer
	// StopTimeout is how long what a span began has between SIGTERM and SIGKILL;
	// zero means backends.DefaultStopTimeout.
	StopTimeout time.Duration
	// Progress tells a person what is going on, one line at a time; never nil.
	Progress func(line string)
}

// Machines gives steps the clusters of the run.
type Machines interface {
	// Node finds a provisioned node.
	Node(cluster, name string) (backends.Node, error)
	// Provision makes the node and waits until it has booted.
	Provision(ctx context.Context, cluster, node string) (backends.Boot, error)
	// Share returns a directory that all nodes of the cluster see read-only.
	Share(cluster string) (backends.Share, error)
	// Destroy removes all machines of a cluster.
	Destroy(ctx context.Context, cluster string) error
}

// ArgumentError is an argument that turned out to be wrong only at work: the
// message is shown at the place where it is written.
type ArgumentError struct {
	// Argument is its name, dotted in nested blocks.
	Argument string
	Err      error
}

func (e *ArgumentError) Error() string { return e.Argument + ": " + e.Err.Error() }

func (e *ArgumentError) Unwrap() error { return e.Err }

// AssertionError is a check that did not hold: the run's test failed, not its
// machinery.
type AssertionError struct {
	// Condition is the text of the condition, or what was waited for.
	Condition string
	// Message is the user's own error_message; may be empty.
	Message string
	// Operands are the values that the condition compared.
	Operands []schema.Operand
	// Observed are the last values that a probe saw, by name, in order.
	Observed []schema.Operand
	// Tries and Took say how often and how long it was tried.
	Tries int
	Took  time.Duration
	// Err is the error of the last try; may be nil.
	Err error
}

func (e *AssertionError) Error() string {
	if e.Message != "" {
		return e.Message
	}
	if e.Err != nil {
		return e.Condition + ": " + e.Err.Error()
	}
	return e.Condition + " is false"
}

func (e *AssertionError) Unwrap() error { return e.Err }
