package events

import "encoding/json"

// Unknown is an event of a newer version: its kind and content are kept as
// they were read, so that nothing is lost when it is written again.
type Unknown struct {
	Name string
	Raw  json.RawMessage
}

// Kind is the event's name in the journal.
func (RunStarted) Kind() string       { return "run_started" }
func (RunResumed) Kind() string       { return "run_resumed" }
func (ResumePlanned) Kind() string    { return "resume_planned" }
func (BackendProgress) Kind() string  { return "backend_progress" }
func (NodesAllocated) Kind() string   { return "nodes_allocated" }
func (NodeBooted) Kind() string       { return "node_booted" }
func (ClusterDeleted) Kind() string   { return "cluster_deleted" }
func (InstanceStarted) Kind() string  { return "instance_started" }
func (InstanceProgress) Kind() string { return "instance_progress" }
func (AttemptFailed) Kind() string    { return "attempt_failed" }
func (SpanStarting) Kind() string     { return "span_starting" }
func (SpanHeld) Kind() string         { return "span_held" }
func (SpanEnded) Kind() string        { return "span_ended" }
func (RegionFailed) Kind() string     { return "region_failed" }
func (InstanceEnded) Kind() string    { return "instance_ended" }
func (InstancesAdded) Kind() string   { return "instances_added" }
func (Warning) Kind() string          { return "warning" }
func (RunCanceling) Kind() string     { return "run_canceling" }
func (CleanupFailed) Kind() string    { return "cleanup_failed" }
func (RunEnded) Kind() string         { return "run_ended" }

// Kind is the name that was read.
func (u Unknown) Kind() string { return u.Name }

func (RunStarted) sealed()       {}
func (RunResumed) sealed()       {}
func (ResumePlanned) sealed()    {}
func (BackendProgress) sealed()  {}
func (NodesAllocated) sealed()   {}
func (NodeBooted) sealed()       {}
func (ClusterDeleted) sealed()   {}
func (InstanceStarted) sealed()  {}
func (InstanceProgress) sealed() {}
func (AttemptFailed) sealed()    {}
func (SpanStarting) sealed()     {}
func (SpanHeld) sealed()         {}
func (SpanEnded) sealed()        {}
func (RegionFailed) sealed()     {}
func (InstanceEnded) sealed()    {}
func (InstancesAdded) sealed()   {}
func (Warning) sealed()          {}
func (RunCanceling) sealed()     {}
func (CleanupFailed) sealed()    {}
func (RunEnded) sealed()         {}
func (Unknown) sealed()          {}

// decoders reads the content of an event by its kind.
var decoders = map[string]func(json.RawMessage) (Event, error){
	RunStarted{}.Kind():       decode[RunStarted],
	RunResumed{}.Kind():       decode[RunResumed],
	ResumePlanned{}.Kind():    decode[ResumePlanned],
	BackendProgress{}.Kind():  decode[BackendProgress],
	NodesAllocated{}.Kind():   decode[NodesAllocated],
	NodeBooted{}.Kind():       decode[NodeBooted],
	ClusterDeleted{}.Kind():   decode[ClusterDeleted],
	InstanceStarted{}.Kind():  decode[InstanceStarted],
	InstanceProgress{}.Kind(): decode[InstanceProgress],
	AttemptFailed{}.Kind():    decode[AttemptFailed],
	SpanStarting{}.Kind():     decode[SpanStarting],
	SpanHeld{}.Kind():         decode[SpanHeld],
	SpanEnded{}.Kind():        decode[SpanEnded],
	RegionFailed{}.Kind():     decode[RegionFailed],
	InstanceEnded{}.Kind():    decode[InstanceEnded],
	InstancesAdded{}.Kind():   decode[InstancesAdded],
	Warning{}.Kind():          decode[Warning],
	RunCanceling{}.Kind():     decode[RunCanceling],
	CleanupFailed{}.Kind():    decode[CleanupFailed],
	RunEnded{}.Kind():         decode[RunEnded],
}

func decode[E Event](raw json.RawMessage) (Event, error) {
	var e E
	err := json.Unmarshal(raw, &e)
	return e, err
}
