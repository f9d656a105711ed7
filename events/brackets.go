package events

import (
	"encoding/json"
	"slices"
	"time"
)

// SpanStarting says that a span is about to hold: it is on disk before anything
// is touched, so that whoever reads it later can end the span.
type SpanStarting struct {
	Address string `json:"address"`
	Type    string `json:"type"`
	Cluster string `json:"cluster,omitempty"`
	Node    string `json:"node,omitempty"`
	// Config is the span's configuration as JSON with type. Secret says that it
	// is with the run's secrets instead, because there is one in it.
	Config      json.RawMessage `json:"config,omitempty"`
	Secret      bool            `json:"secret,omitempty"`
	StopTimeout time.Duration   `json:"stop_timeout_ns,omitempty"`
}

// SpanHeld says that a span holds. Started is what its end needs, as JSON with
// type; Secret says that it is with the run's secrets instead. Fingerprint is
// that of InstanceEnded, for what happens during the span.
type SpanHeld struct {
	Address     string          `json:"address"`
	Started     json.RawMessage `json:"started,omitempty"`
	Secret      bool            `json:"secret,omitempty"`
	Fingerprint string          `json:"fingerprint,omitempty"`
}

// SpanEnded says that a span was ended: nothing of it is left unless there is a
// Message.
type SpanEnded struct {
	Address string `json:"address"`
	// Message says why it could not be ended; empty when it could.
	Message string `json:"message,omitempty"`
	// Orphan says that the process that had started it had died, and another one
	// ended it.
	Orphan bool `json:"orphan,omitempty"`
}

// RegionFailed says that an instance of a group or module failed and begins
// anew after Wait: its instances are as if they had not run.
type RegionFailed struct {
	Address string `json:"address"`
	Attempt int    `json:"attempt"`
	// Attempts is how many there may be.
	Attempts int `json:"attempts"`
	// Cause is the instance that failed first, or the region itself when that
	// took too long.
	Cause     string        `json:"cause"`
	Wait      time.Duration `json:"wait_ns"`
	Instances []string      `json:"instances"`
}

// OpenSpan is a span that was started and not ended: with what it says, another
// process can end it.
type OpenSpan struct {
	SpanStarting
	// Held is nil when nobody knows whether it held.
	Held *SpanHeld
	// Message says why it could not be ended; empty when nobody has tried.
	Message string
}

// RegionState is an instance of a group or module that failed and began anew.
type RegionState struct {
	Address string
	// Failed is how many of its attempts failed; the last one, when there is no
	// other, does not count. Attempts is how many there may be.
	Failed, Attempts int
	// Causes are the instances that failed first, of each of these attempts.
	Causes []string
}

// HeldFingerprint is that of the last SpanHeld of a span, also of an earlier go
// at the run; empty when there was none.
func (r *Run) HeldFingerprint(address string) string { return r.held[address] }

func (r *Run) span(e Event) {
	switch e := e.(type) {
	case SpanStarting:
		r.closeSpan(e.Address)
		r.Spans = append(r.Spans, &OpenSpan{SpanStarting: e})
	case SpanHeld:
		r.hold(e)
	case SpanEnded:
		if e.Message == "" {
			r.closeSpan(e.Address)
		} else if s := r.openSpan(e.Address); s != nil {
			s.Message = e.Message
		}
	}
}

func (r *Run) hold(e SpanHeld) {
	if s := r.openSpan(e.Address); s != nil {
		s.Held = &e
	}
	r.instance(e.Address).Holding = true
	if r.held == nil {
		r.held = map[string]string{}
	}
	r.held[e.Address] = e.Fingerprint
}

func (r *Run) openSpan(address string) *OpenSpan {
	i := slices.IndexFunc(r.Spans, func(s *OpenSpan) bool { return s.Address == address })
	if i < 0 {
		return nil
	}
	return r.Spans[i]
}

func (r *Run) closeSpan(address string) {
	r.closeSpans(func(s *OpenSpan) bool { return s.Address == address })
}

// closeSpans leaves the list alone: it may be that of another fold.
func (r *Run) closeSpans(over func(*OpenSpan) bool) {
	r.Spans = slices.DeleteFunc(slices.Clone(r.Spans), over)
}

// again makes the instances of a region as if they had not run; that they did
// is kept.
func (r *Run) again(e RegionFailed) {
	for _, address := range e.Instances {
		r.restart(r.instance(address))
		delete(r.held, address)
	}
	i := slices.IndexFunc(r.Regions, func(s *RegionState) bool { return s.Address == e.Address })
	if i < 0 {
		i = len(r.Regions)
		r.Regions = append(r.Regions, &RegionState{Address: e.Address})
	}
	region := r.Regions[i]
	region.Failed++
	region.Attempts, region.Causes = e.Attempts, append(region.Causes, e.Cause)
}

func (r *Run) restart(i *Instance) {
	if i.State != "" {
		r.Counts.add(i.State, i.Tolerated, -1)
	} else if i.Attempt > 0 {
		r.Counts.Running--
	}
	*i = Instance{
		Address: i.Address, Type: i.Type, Node: i.Node, Description: i.Description,
		Log: i.Log, Files: i.Files, Rounds: i.Rounds + 1,
	}
}
