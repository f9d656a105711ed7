// Package plan turns a workflow and the step types into a graph of instances:
// it evaluates what is known, checks everything else by type, and leaves one
// function per instance for what is known only later. HCL stops here. It does
// no input or output of its own: files, environment and values are passed in.
package plan

import (
	"io/fs"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/steps"
)

// Input is everything that a plan depends on.
type Input struct {
	Workflow *dsl.Workflow
	Steps    []steps.Type
	Backends []backends.Type
	// Values are the given variable values, the winners only.
	Values map[string]Given
	// Files is rooted at "/"; WorkingDir is where the tool was started.
	Files      fs.FS
	WorkingDir string
	Env        func(name string) (string, bool)
	Run        Run
	// History is what earlier runs of the workflow took.
	History History
	// Static plans without variable values: those that miss are unknown. That
	// is what `validate` does.
	Static bool
	// Cache is what plans of the same files share; nil means nothing.
	Cache *Cache
	// Variant is the combination of the workflow's matrix; nil makes its values
	// unknown: such a plan shows mistakes and cannot run.
	Variant *Variant
}

// Variant is one combination of a matrix.
type Variant struct {
	// Name is "debian-12,3": the values' labels in the order of the axes.
	Name string
	// Labels and Values are by axis.
	Labels map[string]string
	Values map[string]cty.Value
}

// Run is what expressions see as `run`.
type Run struct {
	ID   string
	Seed int64
	Dir  string
}

// Given is a variable's value and where it came from.
type Given struct {
	// Text is the raw text of --var or of the environment; Value that of a
	// file. Exactly one is set.
	Text  *string
	Value cty.Value
	// Origin is for people: "--var", "DCOSFLOW_VAR_x", "FILE:LINE".
	Origin string
	// Outside says that the value is not in the workflow's directory: a resumed
	// run cannot read it again.
	Outside bool
	Range   hcl.Range
}

// Plan is a checked graph, ready to run.
type Plan struct {
	Name        string
	Description string
	// Dir is the directory of the workflow.
	Dir string
	Run Run
	// Variant is that of Input.
	Variant   *Variant
	Settings  Settings
	Variables []Variable
	Backends  []Backend
	Clusters  []Cluster
	Graph     *dag.Graph[*Instance]
	Forecast  Forecast
	// Outputs evaluates the workflow's outputs.
	Outputs func(Facts) ([]OutputValue, error)
	// Files are for the snippets of late diagnostics.
	Files map[string]*hcl.File

	secrets *secrets
	digests *digests
	// later is what the instances that an Expander makes may wait for.
	later map[dag.ID][]dag.ID
}

// Settings bound a whole run; zero means no bound.
type Settings struct {
	Timeout     time.Duration
	MaxParallel int
	FailFast    bool
}

// Variable is the value that a variable has and why.
type Variable struct {
	Name      string
	Value     cty.Value
	Sensitive bool
	Origin    string
	// Outside is that of Given.
	Outside bool
}

// Backend is a configured backend.
type Backend struct {
	Name   string
	Type   *backends.Type
	Config backends.Config
}

// Cluster is a declared cluster.
type Cluster struct {
	Name    string
	Backend string
	Roles   []backends.RoleCount
	// Nodes are in index order of the roles; addresses are unknown.
	Nodes []backends.Node
}

// OutputValue is one output of the workflow.
type OutputValue struct {
	Name      string
	Value     cty.Value
	Sensitive bool
}

// Kind says what a vertex of the graph is.
type Kind int

// The kinds. An Expander makes the instances of a fan-out whose keys are known
// only at run time. A Join settles after all instances of a fan-out: what needs
// the whole step waits for that. Its ID is the step's address, step.x; that of
// an Expander is step.x[*]. The Barrier settles after all main instances;
// finalisers hang on it. A Start opens the span whose Work closes it; its ID is
// that one's with ":start". An Opening and a Region are the two ends of an
// instance of a group, or of a module that is rolled, repeated or bounded: the
// Region's ID is the address, group.g["k"], the Opening's that with ":begin". A
// Gate stands between very many instances of a span and what happens during all
// of them: it opens a span that does nothing, and that a Join closes. Its ID is
// step.x:all:start, the Join's step.x:all. Only Work has Configure; of the others, only a Region that fails does more
// than settle.
const (
	Work Kind = iota
	Expander
	Join
	Barrier
	Start
	Opening
	Region
	Gate
)

// When says after which runs an instance works.
type When string

// The values of `when`.
const (
	OnSuccess When = "on_success"
	OnFailure When = "on_failure"
	Always    When = "always"
)

// Instance is the value of a vertex.
type Instance struct {
	// ID is the address: step.version["agent-0"].
	ID   dag.ID
	Kind Kind
	// Step is the step's name and Key the instance's; Keyed tells "" from none.
	Step  string
	Key   string
	Keyed bool
	Type  *steps.Type
	// Cluster and Node say where it runs; both empty without a node. For
	// EachNode types they name the node that the instance makes.
	Cluster, Node string
	// Subject is the cluster of a `cluster` argument.
	Subject  string
	When     When
	Timeout  time.Duration
	Deadline time.Duration
	// Locks are the names of which it is the only holder in the run while it
	// works.
	Locks       []string
	Retry       Retry
	Tolerated   bool
	Description string
	// Sensitive says that what the step prints is a secret: no log keeps it.
	// The Type's printed outputs are sensitive then.
	Sensitive bool
	// Verifies is what the step proves, for reports.
	Verifies string
	// Added says that the plan put it there, not the file.
	Added bool
	Range hcl.Range
	// Expected is how long it will take, which Basis is for; Rank how long the
	// run goes on from its start to the end.
	Expected time.Duration
	Basis    Basis
	Rank     time.Duration

	// Span says that the instance is one; nil for all others. A Start has the
	// Span of its Work, and Of is that.
	Span *Span
	Of   *Instance
	// During are the spans that must hold while it works: step.x stands for all
	// instances of one.
	During []dag.ID
	// Region is the address of the innermost region around it; empty for none.
	Region dag.ID

	// Off says that it is known before the run to be disabled.
	Off bool
	// Enabled evaluates `enabled`; nil means true. Errors are *Error. That of a
	// group is its Opening's: when it is false, nothing in the region runs. A
	// Start has none of its own, and that of its Work counts.
	Enabled func(Facts) (bool, error)
	// Configure evaluates the arguments for Type.New: wholly known, without
	// marks. Errors are *Error. It may be called again, and from several
	// goroutines.
	Configure func(Facts) (cty.Value, error)
	// Refuse makes the *Error of an argument that turned out to be wrong only at
	// work. Its name is dotted in nested blocks; the place is where it is
	// written, or else the step.
	Refuse func(argument string, err error) error
	// Expand makes the instances of an Expander, with their edges and their
	// roll. Errors are *Error. Nil for all other kinds.
	Expand func(Facts) (dag.Expansion[*Instance], error)
}

// Span says how long a span holds.
type Span struct {
	// Duration is how long at least; zero means as long as what is during it.
	Duration    time.Duration
	StopTimeout time.Duration
	// Alone says that nothing is during it: it ends by itself or after Duration.
	Alone bool
}

// Retry says how an instance is repeated. One attempt means no retry.
type Retry struct {
	Attempts int
	Delay    time.Duration
	Factor   float64
	MaxDelay time.Duration
	// Jitter is a fraction of the delay, 0 to 1.
	Jitter float64
	// On lists failure classes ("transport", "timeout", "exit_code", "assert",
	// "any").
	On []string
}

// Facts are what a run knows by now. It is asked only for what an instance's
// dependencies made known, from several goroutines. One that is a pointer is
// asked for its nodes once.
type Facts interface {
	// Nodes returns the nodes of a cluster with their addresses, in the order of
	// Cluster.Nodes. They do not change while the graph runs.
	Nodes(cluster string) []backends.Node
	// Output returns the outputs of an instance that settled: an object of the
	// type's outputs, or a null of that type when it was disabled or failed
	// without any. False when it has not settled.
	Output(id dag.ID) (cty.Value, bool)
	// Expanded returns what an Expander made, in order; false before that.
	Expanded(expander dag.ID) ([]*Instance, bool)
}
