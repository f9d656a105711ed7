package events

import "slices"

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
