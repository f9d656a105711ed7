package events

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// Run is what the events of a run add up to: a pure fold, so every prefix of a
// journal has one. Progress, summary and later commands read it.
type Run struct {
	// Started is the first event; its zero value means that there was none.
	Started   RunStarted
	StartedAt time.Time
	// Goes is how often it was started or resumed.
	Goes int
	// LastAt is the time of the last event, LastSeq its number. What is tidied up
	// after the end of the run does not change LastAt.
	LastAt  time.Time
	LastSeq int64
	Status  Status
	// CancelCause says why the run stops early; empty when it does not.
	CancelCause string
	// Ended is nil while the run goes on.
	Ended *RunEnded
	// Clusters are in the order of the plan, their nodes in index order.
	Clusters []*ClusterState
	// Instances are in the order of their first event.
	Instances []*Instance
	Warnings  []string
	// Cleanup holds what could not be removed.
	Cleanup []CleanupFailed
	Counts  Counts
	// Spans are those that were started and, as far as is known, not ended, in
	// the order of their starts.
	Spans []*OpenSpan
	// Regions are the instances of groups and modules that failed and began
	// anew, in the order of their first failure.
	Regions []*RegionState

	byAddress map[string]*Instance
	held      map[string]string
}

// Counts says how many instances are in which state.
type Counts struct {
	// Total is how many there are, including those not yet started.
	Total, Running                                                          int
	Succeeded, Failed, Skipped, Disabled, Kept, Reused, Canceled, Tolerated int
}

// Instance is what became of a step instance.
type Instance struct {
	Address, Type, Node, Description string
	// State is empty until the instance ended.
	State              State
	Attempt, Attempts  int
	StartedAt, EndedAt time.Time
	Took               time.Duration
	// Waiting says that an attempt failed and the next one has not begun.
	Waiting bool
	// Holding says that it is a span, and open.
	Holding bool
	// Rounds is how often it began anew because the group or module around it
	// did; Attempt counts from one again then.
	Rounds int
	Line   string // the last line of progress
	// Log is the folder of its log files, relative to the run's; Files are what
	// the names of those of each attempt begin with.
	Log       string
	Files     []string
	Outputs   json.RawMessage
	Failure   *Failure
	Cause     string
	Reason    string
	After     string
	Tolerated bool
	Finaliser bool
	// Fingerprint and Secret are those of InstanceEnded.
	Fingerprint string
	Secret      bool
}

// ClusterState is what exists of a cluster.
type ClusterState struct {
	Name, Backend string
	Nodes         []NodeState
	// Allocated says that the backend was asked for it, Deleted that it is gone.
	Allocated, Deleted bool
}

// NodeState is what is known of a node.
type NodeState struct {
	Node
	Booted      bool
	Boot        string
	FailedUnits []string
}

// Fold adds up records.
func Fold(records []Record) *Run {
	run := &Run{}
	for _, r := range records {
		run.Apply(r)
	}
	return run
}

// Apply adds the next record. Events that it does not know change nothing.
func (r *Run) Apply(rec Record) {
	r.LastSeq = rec.Seq
	if _, resumed := rec.Event.(RunResumed); r.Ended == nil || resumed {
		r.LastAt = rec.Time
	}
	switch e := rec.Event.(type) {
	case RunStarted:
		r.start(e, rec.Time)
	case RunResumed:
		r.resume(e, rec.Time)
	case ResumePlanned:
		r.replan(e)
	case NodesAllocated:
		r.allocate(e)
	case NodeBooted:
		r.boot(e)
	case ClusterDeleted:
		r.cluster(e.Cluster).Deleted = true
		r.closeSpans(func(s *OpenSpan) bool { return s.Cluster == e.Cluster })
	case InstancesAdded:
		r.Counts.Total += len(e.Addresses)
	case InstanceStarted:
		r.begin(e, rec.Time)
	case InstanceProgress:
		r.instance(e.Address).Line = e.Line
	case AttemptFailed:
		i := r.instance(e.Address)
		i.Waiting, i.Failure = true, &e.Failure
	case SpanStarting, SpanHeld, SpanEnded:
		r.span(e)
	case RegionFailed:
		r.again(e)
	case InstanceEnded:
		r.end(e, rec.Time)
	case Warning:
		r.Warnings = append(r.Warnings, e.Message)
	case RunCanceling:
		r.Status, r.CancelCause = StatusCanceling, e.Cause
	case CleanupFailed:
		r.Cleanup = append(r.Cleanup, e)
	case RunEnded:
		r.Status, r.Ended = e.Status, &e
	}
}

// Instance finds an instance by its address; nil when no event named it.
func (r *Run) Instance(address string) *Instance { return r.byAddress[address] }

// Failures lists the failed instances in the order of their first event.
func (r *Run) Failures() []*Instance {
	var failed []*Instance
	for _, i := range r.Instances {
		if i.State == Failed {
			failed = append(failed, i)
		}
	}
	return failed
}

// InProgress lists the instances that have started and not ended.
func (r *Run) InProgress() []*Instance {
	var running []*Instance
	for _, i := range r.Instances {
		if i.State == "" && i.Attempt > 0 {
			running = append(running, i)
		}
	}
	return running
}

func (r *Run) start(e RunStarted, at time.Time) {
	r.Started, r.StartedAt, r.Status = e, at, StatusRunning
	r.Goes++
	r.Counts.Total += e.Instances
	r.declare(e.Clusters)
}

func (r *Run) declare(clusters []Cluster) {
	for _, c := range clusters {
		state := r.cluster(c.Name)
		state.Backend = c.Backend
		for _, n := range c.Nodes {
			state.node(n)
		}
	}
}

// resume begins anew with what the earlier runs left: the instances stay as
// they are until ResumePlanned says which of them count. Clusters that are
// declared differently now have been removed.
func (r *Run) resume(e RunResumed, at time.Time) {
	r.Started, r.Status = RunStarted(e), StatusRunning
	if e.Rerun == "" {
		r.StartedAt = at
	}
	r.Goes++
	r.Ended, r.CancelCause, r.Warnings, r.Cleanup = nil, "", nil, nil
	earlier := r.Clusters
	r.Clusters = nil
	r.declare(e.Clusters)
	for i, c := range r.Clusters {
		same := func(old *ClusterState) bool { return old.Name == c.Name && old.sameNodes(c) }
		if at := slices.IndexFunc(earlier, same); at >= 0 {
			r.Clusters[i] = earlier[at]
			r.Clusters[i].Backend = c.Backend
		}
	}
}

// replan forgets every instance but those that are as they were.
func (r *Run) replan(e ResumePlanned) {
	earlier := r.byAddress
	r.Instances, r.byAddress = nil, make(map[string]*Instance, len(e.Reused))
	r.Counts, r.Regions = Counts{Total: e.Instances}, nil
	for _, address := range slices.Concat(e.Reused, e.Disabled) {
		if i := earlier[address]; i != nil {
			r.Instances = append(r.Instances, i)
			r.byAddress[address] = i
		}
	}
}

func (r *Run) allocate(e NodesAllocated) {
	c := r.cluster(e.Cluster)
	for i := range c.Nodes {
		c.Nodes[i].Booted = c.Nodes[i].Booted && !c.Deleted
	}
	c.Allocated, c.Deleted = true, false
	for _, n := range e.Nodes {
		c.node(n.Name).Node = n
	}
}

func (r *Run) boot(e NodeBooted) {
	n := r.cluster(e.Cluster).node(e.Node)
	n.Booted, n.Boot, n.FailedUnits = true, e.State, e.FailedUnits
}

func (r *Run) begin(e InstanceStarted, at time.Time) {
	i := r.instance(e.Address)
	if i.Attempt == 0 {
		i.StartedAt = at
		r.Counts.Running++
	}
	i.Type, i.Node, i.Description = e.Type, e.Node, e.Description
	i.Attempt, i.Attempts, i.Waiting, i.Log = e.Attempt, e.Attempts, false, e.Log
	i.Files = append(i.Files, cmp.Or(e.File, strconv.Itoa(e.Attempt)))
}

func (r *Run) end(e InstanceEnded, at time.Time) {
	i := r.instance(e.Address)
	if i.Attempt > 0 && i.State == "" {
		r.Counts.Running--
	}
	i.Type, i.Node, i.State = e.Type, e.Node, e.State
	i.EndedAt, i.Took, i.Waiting, i.Holding = at, e.Took, false, false
	i.Outputs, i.Failure = e.Outputs, e.Failure
	i.Cause, i.Reason, i.After = e.Cause, e.Reason, e.After
	i.Tolerated, i.Finaliser = e.Tolerated, e.Finaliser
	i.Fingerprint, i.Secret = e.Fingerprint, e.Secret
	r.Counts.add(e.State, e.Tolerated, 1)
}

func (c *Counts) add(s State, tolerated bool, n int) {
	switch s {
	case Succeeded:
		c.Succeeded += n
	case Failed:
		c.Failed += n
		if tolerated {
			c.Tolerated += n
		}
	case Skipped:
		c.Skipped += n
	case Disabled:
		c.Disabled += n
	case Kept:
		c.Kept += n
	case Reused:
		c.Reused += n
	case Canceled:
		c.Canceled += n
	}
}

func (r *Run) instance(address string) *Instance {
	if i, ok := r.byAddress[address]; ok {
		return i
	}
	if r.byAddress == nil {
		r.byAddress = map[string]*Instance{}
	}
	i := &Instance{Address: address}
	r.byAddress[address] = i
	r.Instances = append(r.Instances, i)
	return i
}

func (r *Run) cluster(name string) *ClusterState {
	i := slices.IndexFunc(r.Clusters, func(c *ClusterState) bool { return c.Name == name })
	if i < 0 {
		i = len(r.Clusters)
		r.Clusters = append(r.Clusters, &ClusterState{Name: name})
	}
	return r.Clusters[i]
}

func (c *ClusterState) node(name string) *NodeState {
	i := slices.IndexFunc(c.Nodes, func(n NodeState) bool { return n.Name == name })
	if i < 0 {
		i = len(c.Nodes)
		c.Nodes = append(c.Nodes, NodeState{Node: Node{Name: name}})
	}
	return &c.Nodes[i]
}

func (c *ClusterState) sameNodes(o *ClusterState) bool {
	return slices.EqualFunc(c.Nodes, o.Nodes, func(a, b NodeState) bool { return a.Name == b.Name })
}
