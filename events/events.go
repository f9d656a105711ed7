// Package events is the vocabulary of a run: everything that happened is an
// event, and whatever wants to know reads events. Run folds them.
package events

import (
	"encoding/json"
	"time"
)

// Record is an event with its number and time: what the journal holds and what
// sinks receive. Numbers start at 1 and have no gaps.
type Record struct {
	Seq   int64
	Time  time.Time
	Event Event
}

// Event is one of the structs of this package.
type Event interface {
	// Kind is the event's name in the journal: "instance_started".
	Kind() string
	sealed()
}

// Sink receives every record once, in order, from one goroutine at a time.
type Sink interface {
	// Write takes one record. An error of the journal ends the run; any other
	// sink gets nothing more after its first error.
	Write(Record) error
}

// Owner is the process that runs a run.
type Owner struct {
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	Start string `json:"start"`
}

// RunStarted is the first event of a run.
type RunStarted struct {
	Run      string `json:"run"`
	Workflow string `json:"workflow"`
	// Variant is the run's combination of the matrix; nil without one.
	Variant *Variant `json:"variant,omitempty"`
	File    string   `json:"file"`
	Dir     string   `json:"dir"`
	Version string   `json:"version"`
	Command []string `json:"command"`
	Owner   Owner    `json:"owner"`
	Seed    int64    `json:"seed"`
	Keep    string   `json:"keep"`
	// Backends are what later commands need to find the machines.
	Backends []Backend `json:"backends,omitempty"`
	Clusters []Cluster `json:"clusters,omitempty"`
	// Instances is how many there are at the start; expansions add to it.
	Instances int `json:"instances"`
	// Path is File, absolute, so that the run can be resumed from anywhere.
	Path string `json:"path,omitempty"`
	// Variables are the values that were given from outside the workflow's
	// directory, for resume; secret ones are elsewhere.
	Variables []Variable `json:"variables,omitempty"`
	// Rerun says, in RunResumed, which go of a run that has not ended this is,
	// as "1 of 2": what failed runs again.
	Rerun string `json:"rerun,omitempty"`
}

// Title is the workflow's name with that of the variant: upgrade[debian-12,3].
func (e RunStarted) Title() string {
	if e.Variant == nil {
		return e.Workflow
	}
	return e.Workflow + "[" + e.Variant.Name + "]"
}

// Variant is a combination of a matrix: the name of each value by axis.
type Variant struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

// Variable is a given value as JSON with type.
type Variable struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// RunResumed begins another go at a run that ended or died: all that
// RunStarted says, as it is from now on.
type RunResumed RunStarted

// ResumePlanned says what a resumed run makes of the earlier ones. Finalisers
// are in no list: they always run.
type ResumePlanned struct {
	// Reused instances do not run: their outputs are those of the journal.
	Reused []string `json:"reused"`
	// Disabled instances had nothing to do, and still have not: they are asked
	// once more.
	Disabled []string `json:"disabled,omitempty"`
	// Again are those that ran before and run again.
	Again []Rerun `json:"again"`
	// New are those that run for the first time.
	New []string `json:"new"`
	// Instances is how many there are at the start, as in RunStarted.
	Instances int `json:"instances"`
}

// Rerun is an instance that runs again, and why.
type Rerun struct {
	Address string `json:"address"`
	Reason  string `json:"reason"`
}

// Backend is a configured backend; Config is its value as JSON with type.
type Backend struct {
	Name   string                     `json:"name"`
	Type   string                     `json:"type"`
	Config json.RawMessage            `json:"config"`
	Roles  map[string]json.RawMessage `json:"roles,omitempty"`
}

// Cluster says which backend has which nodes.
type Cluster struct {
	Name    string   `json:"name"`
	Backend string   `json:"backend"`
	Nodes   []string `json:"nodes"`
}

// BackendProgress is one line about the preparation of a backend.
type BackendProgress struct {
	Backend string `json:"backend"`
	Line    string `json:"line"`
}

// NodesAllocated says that a cluster's addresses are known.
type NodesAllocated struct {
	Cluster string `json:"cluster"`
	Nodes   []Node `json:"nodes"`
}

// Node is a node as later commands need it.
type Node struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Index    int    `json:"index"`
	IP       string `json:"ip"`
	PublicIP string `json:"public_ip"`
	Hostname string `json:"hostname"`
}

// NodeBooted says that a node exists and has booted.
type NodeBooted struct {
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	// State is "running" or "degraded"; then FailedUnits says why.
	State       string        `json:"state,omitempty"`
	FailedUnits []string      `json:"failed_units,omitempty"`
	Took        time.Duration `json:"took_ns"`
}

// ClusterDeleted says that nothing is left of a cluster.
type ClusterDeleted struct {
	Cluster string        `json:"cluster"`
	Took    time.Duration `json:"took_ns"`
}

// InstanceStarted begins an attempt. Log is the folder of its log files,
// relative to the run's.
type InstanceStarted struct {
	Address string `json:"address"`
	Type    string `json:"type"`
	Node    string `json:"node,omitempty"`
	Attempt int    `json:"attempt"`
	// Attempts is how many there may be.
	Attempts    int    `json:"attempts"`
	Description string `json:"description,omitempty"`
	Log         string `json:"log,omitempty"`
	// File is what the names of this attempt's log files begin with.
	File string `json:"file,omitempty"`
}

// InstanceProgress is a line for a person.
type InstanceProgress struct {
	Address string `json:"address"`
	Line    string `json:"line"`
}

// AttemptFailed says that another attempt follows after Wait.
type AttemptFailed struct {
	Address string        `json:"address"`
	Attempt int           `json:"attempt"`
	Failure Failure       `json:"failure"`
	Wait    time.Duration `json:"wait_ns"`
}

// InstanceEnded is the last event of an instance.
type InstanceEnded struct {
	Address  string        `json:"address"`
	Type     string        `json:"type"`
	Node     string        `json:"node,omitempty"`
	State    State         `json:"state"`
	Attempts int           `json:"attempts"`
	Took     time.Duration `json:"took_ns"`
	// Outputs is the value as JSON with type; sensitive parts are left out.
	Outputs json.RawMessage `json:"outputs,omitempty"`
	Failure *Failure        `json:"failure,omitempty"`
	// Cause is the address of the failed instance behind a skip.
	Cause string `json:"cause,omitempty"`
	// Reason says why in words: "because step.x failed", "roll stopped by ...".
	Reason string `json:"reason,omitempty"`
	// After is the instance that it waited for last: the last to end of its
	// dependencies, of its roll when that was full, and of the holders of its
	// locks. Empty when it waited for none.
	After string `json:"after,omitempty"`
	// Tolerated failures do not fail the run.
	Tolerated bool `json:"tolerated,omitempty"`
	// Finaliser says that the step ran after the main ones.
	Finaliser bool `json:"finaliser,omitempty"`
	// Fingerprint digests all that the result depends on; without one the
	// instance is never reused.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Secret says that the outputs as they were are with the run's secrets,
	// because Outputs leaves something out.
	Secret bool `json:"secret,omitempty"`
}

// State is how an instance ended.
type State string

// The states of instances.
const (
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Skipped   State = "skipped"
	Disabled  State = "disabled"
	Kept      State = "kept"
	Reused    State = "reused"
	Canceled  State = "canceled"
)

// FailureClass tells infrastructure trouble from a failed test.
type FailureClass string

// The classes, which are also the words of `retry { on = [...] }`.
const (
	ClassExitCode  FailureClass = "exit_code"
	ClassAssert    FailureClass = "assert"
	ClassTimeout   FailureClass = "timeout"
	ClassTransport FailureClass = "transport"
	ClassInput     FailureClass = "input"
	ClassPanic     FailureClass = "panic"
	ClassOther     FailureClass = "other"
)

// Failure is everything that a report says about a failure.
type Failure struct {
	Class   FailureClass `json:"class"`
	Message string       `json:"message"`
	// Hint says what to do.
	Hint string `json:"hint,omitempty"`
	// Command, ExitCode and Signal are those of a failed command.
	Command  []string `json:"command,omitempty"`
	ExitCode int      `json:"exit_code,omitempty"`
	Signal   string   `json:"signal,omitempty"`
	// Tail is the last 20 lines of the instance's output.
	Tail []string `json:"tail,omitempty"`
	// Log is the log file that says most, relative to the run's folder.
	Log string `json:"log,omitempty"`
	// Condition, Operands and Observed are those of a failed assertion.
	Condition string    `json:"condition,omitempty"`
	Operands  []Operand `json:"operands,omitempty"`
	Observed  []Operand `json:"observed,omitempty"`
	Tries     int       `json:"tries,omitempty"`
	// Repeatable says that the step's `retry` is for failures of this class.
	Repeatable bool `json:"repeatable,omitempty"`
	// Took is how long this attempt took.
	Took time.Duration `json:"took_ns,omitempty"`
	// Source is "FILE:LINE", Snippet the rendered diagnostic when the failure
	// came from an expression.
	Source  string `json:"source,omitempty"`
	Snippet string `json:"snippet,omitempty"`
}

// Operand is a part of a condition and its value.
type Operand struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// InstancesAdded says that a fan-out got its keys.
type InstancesAdded struct {
	Placeholder string   `json:"placeholder"`
	Addresses   []string `json:"addresses"`
}

// Warning is something that the user should know and that stops nothing.
type Warning struct {
	Message string `json:"message"`
}

// RunCanceling says that the run stops early; finalisers follow.
type RunCanceling struct {
	Cause string `json:"cause"`
}

// CleanupFailed says what could not be removed and how to remove it.
type CleanupFailed struct {
	Cluster string `json:"cluster"`
	Message string `json:"message"`
	Command string `json:"command"`
}

// RunEnded is the last event of a run, unless it is resumed.
type RunEnded struct {
	// Exit is the process's exit code: 0 passed, 1 failed, 3 trouble, 4 clean-up
	// failed, 124 timed out, 130 interrupted.
	Exit   int    `json:"exit"`
	Status Status `json:"status"`
	// Message says why, when no instance's failure does; Hint what to do.
	Message string        `json:"message,omitempty"`
	Hint    string        `json:"hint,omitempty"`
	Took    time.Duration `json:"took_ns"`
	// Outputs are the workflow's outputs, JSON values; sensitive ones are null.
	Outputs map[string]json.RawMessage `json:"outputs,omitempty"`
	// Kept are the clusters that were left running.
	Kept []string `json:"kept,omitempty"`
	// Flaky are the instances that failed first and passed when they ran again.
	Flaky []Flaky `json:"flaky,omitempty"`
}

// Flaky is an instance that failed some of the times that it ran, and passed the
// last time.
type Flaky struct {
	Address string `json:"address"`
	Failed  int    `json:"failed"`
	Runs    int    `json:"runs"`
}

// Status is how a run ended, or that it has not.
type Status string

// The statuses; the first two are those of a run that has not ended.
const (
	StatusRunning       Status = "running"
	StatusCanceling     Status = "canceling"
	StatusPassed        Status = "passed"
	StatusFlaky         Status = "flaky"
	StatusFailed        Status = "failed"
	StatusCanceled      Status = "canceled"
	StatusTimedOut      Status = "timed out"
	StatusTrouble       Status = "trouble"
	StatusCleanupFailed Status = "cleanup failed"
)
