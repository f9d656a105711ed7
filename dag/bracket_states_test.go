package dag

import (
	"errors"
	"fmt"
	"time"
)

// checkEnd says whether a vertex may have ended as it did, given what became of
// those that it waited for.
func (m *bracketModel) checkEnd(id ID) error {
	got, seen := m.last[id]
	opening, closing := m.bracket(id)
	_, ran := m.began[id]
	switch {
	case !seen || got.State <= Running:
		return errors.New("it never settled")
	case got.State == Restored:
		return m.checkRestored(id)
	case got.State == Canceled && m.g.Traits(id).Final && m.Grace == 0 && m.abortAfter == 0:
		return errors.New("final vertices end only by grace or abort")
	case m.g.Traits(opening).Span && id == closing:
		return m.checkSpan(opening, closing)
	case id == closing && opening != closing && !ran && m.last[opening].State != Done:
		return m.wantSame(opening, closing)
	case m.cutOff(id, ran, got):
		return nil
	case ran:
		return m.checkRan(id, got)
	}
	return m.checkNotRun(id, got)
}

func (m *bracketModel) halted() bool { return m.sum.Stopped != nil }

func (m *bracketModel) checkRestored(id ID) error {
	_, closing := m.bracket(id)
	region := m.g.Traits(id).Region
	if !m.Restored[closing] && (region == "" || m.last[region].State != Restored) {
		return errors.New("it was not done before")
	}
	return nil
}

// wantSame looks whether a bracket that was not opened ended like its opening.
func (m *bracketModel) wantSame(opening, closing ID) error {
	a, b := m.last[opening], m.last[closing]
	if a.State != b.State || a.Cause != b.Cause || a.Reason != b.Reason || !errors.Is(b.Err, a.Err) {
		return fmt.Errorf("want it as %s, which is %s", opening, a.State)
	}
	return nil
}

func (m *bracketModel) checkSpan(opening, closing ID) error {
	if m.last[opening].State != Done {
		return m.wantSame(opening, closing)
	}
	a, got, want := m.g.Value(opening), m.last[closing], Done
	if _, early := m.early[closing]; early && m.visits[opening] <= a.fails {
		want = Failed
	}
	if got.State == Canceled && m.halted() || m.cutOff(closing, true, got) {
		return nil
	}
	return wantState(got, want)
}

// cutOff says whether a span that ended early or a limit explains an end.
func (m *bracketModel) cutOff(id ID, ran bool, got Transition) bool {
	var limit *LimitError
	switch {
	case ran && got.State == Failed && errors.As(got.Err, &limit):
		return m.within(id, limit.Region) && m.bounded(limit.Region)
	case ran != (got.State == Canceled) || !ran && got.State != Skipped || got.Roll:
		return false
	case m.bounded(got.Cause):
		return !ran && m.within(id, got.Cause)
	}
	k, early := m.early[got.Cause]
	return early && k.at <= m.place[id] && m.happensDuring(id, got.Cause)
}

// within says whether a vertex is in a region, or in one that is.
func (m *bracketModel) within(id, region ID) bool {
	for id = m.g.Traits(id).Region; id != ""; id = m.g.Traits(id).Region {
		if id == region {
			return true
		}
	}
	return false
}

// happensDuring says whether a vertex is inside a span, however deep.
func (m *bracketModel) happensDuring(id, span ID) bool {
	opening, _ := m.bracket(id)
	for _, e := range m.g.Dependencies(opening) {
		if t := m.g.Traits(e.To); t.Span && (t.Opens == span || m.happensDuring(e.To, span)) {
			return true
		}
	}
	region := m.g.Traits(id).Region
	return region != "" && m.happensDuring(region, span)
}

func (m *bracketModel) checkRan(id ID, got Transition) error {
	if got.State == Canceled && m.halted() {
		return nil
	}
	a, n := m.g.Value(id), m.visits[id]
	opening, closing := m.bracket(id)
	span := m.g.Traits(id).Span
	switch {
	case opening != closing && id == closing:
		return m.checkRegion(id, got)
	case opening != closing && !span:
		return wantState(got, Done)
	case span && a.disabled:
		return wantState(got, Disabled)
	case n <= a.fails && (!span || a.early == 0):
		return wantState(got, Failed)
	case span:
		return wantState(got, Done)
	case a.skips:
		return wantState(got, Skipped)
	case a.disabled:
		return wantState(got, Disabled)
	}
	return wantState(got, Done)
}

// checkRegion looks whether a region ended as its inside says.
func (m *bracketModel) checkRegion(id ID, got Transition) error {
	want := Done
	if m.limited(id) && m.trace[m.began[id]].At.Equal(m.timeOut(id)) {
		return nil // both are right at the last moment
	}
	if m.limited(id) {
		want = Failed
	}
	for _, inner := range m.g.IDs() {
		_, closing := m.bracket(inner)
		if m.g.Traits(inner).Region == id && m.last[inner].State == Failed && !m.g.Traits(closing).Tolerated {
			want = Failed
		}
	}
	if want == Failed && m.visits[id] <= m.g.Value(id).retries {
		return errors.New("want it repeated")
	}
	return wantState(got, want)
}

// limited says whether the time of a region's last attempt was over before it
// was visited.
func (m *bracketModel) limited(id ID) bool {
	return m.bounded(id) && !m.trace[m.began[id]].At.Before(m.timeOut(id))
}

// timeOut is when the time of a region's last attempt was over.
func (m *bracketModel) timeOut(id ID) time.Time {
	start := m.place[id+":begin"]
	for at := start; at < m.began[id]; at++ {
		if m.trace[at].ID == id {
			start = at // pending again
		}
	}
	t := m.g.Traits(id + ":begin")
	end := m.trace[start].At.Add(t.Limit)
	if last := m.trace[m.place[id+":begin"]].At.Add(t.Deadline); t.Deadline > 0 && (t.Limit == 0 || last.Before(end)) {
		return last
	}
	return end
}

func (m *bracketModel) bounded(region ID) bool {
	t := m.g.Traits(region + ":begin")
	return t.bounded()
}

// succeeded says whether a dependency lets its dependants go on.
func (m *bracketModel) succeeded(id ID) bool {
	_, closing := m.bracket(id)
	switch m.last[id].State {
	case Done, Disabled, Restored:
		return true
	case Failed:
		return m.g.Traits(closing).Tolerated
	}
	return false
}

// checkNotRun looks for the reason of a vertex that did not run in its last
// attempt.
func (m *bracketModel) checkNotRun(id ID, got Transition) error {
	if region := m.g.Traits(id).Region; region != "" && m.last[region+":begin"].State == Disabled {
		return wantState(got, Disabled)
	}
	var blamed, canceled ID
	for _, e := range m.g.Dependencies(id) {
		dormant := m.g.Traits(e.To).Lazy && m.place[e.To] > m.place[id]
		if dormant || e.When == Settled || m.succeeded(e.To) {
			continue
		}
		if m.last[e.To].State == Canceled && canceled == "" {
			canceled = e.To
		} else if m.last[e.To].State != Canceled && blamed == "" {
			blamed = e.To
		}
	}
	halted := m.halted()
	switch {
	case blamed != "":
		return wantCause(got, m.root(blamed))
	case canceled != "" && (!halted || got.State == Skipped && !got.Roll):
		return wantCause(got, m.root(canceled))
	case got.State == Canceled && halted:
		return nil
	case got.Roll:
		return m.checkRoll(id, got)
	case errors.Is(got.Err, errStuck):
		return nil // checked when it happened
	case got.State == Skipped && m.g.Traits(id).Lazy:
		return m.checkUndemanded(id, got)
	}
	return errors.New("nothing kept it from running")
}

// root is whom dependants blame.
func (m *bracketModel) root(id ID) ID {
	_, closing := m.bracket(id)
	tr := m.last[id]
	if tr.Cause != "" {
		return tr.Cause
	}
	if m.g.Has(closing+":begin") && id == closing && tr.State == Failed {
		return m.firstFailure(closing)
	}
	return closing
}

// firstFailure is what failed first in the last attempt of a region.
func (m *bracketModel) firstFailure(region ID) ID {
	if begun, ran := m.began[region]; ran {
		return m.failuresBefore(region, begun)
	}
	return region
}

func (m *bracketModel) checkRoll(id ID, got Transition) error {
	culprit, _ := m.bracket(got.Cause)
	roll, _ := m.g.Roll(m.g.Traits(id).Roll)
	if m.g.Traits(culprit).Roll != roll.Name || roll.Continue || m.last[got.Cause].State != Failed || m.g.Traits(got.Cause).Tolerated {
		return errors.New("its roll did not stop")
	}
	return nil
}

func (m *bracketModel) checkUndemanded(id ID, got Transition) error {
	closing := m.g.Traits(id).Opens
	for _, e := range m.g.Dependencies(closing) {
		_, ran := m.began[e.To]
		if e.To != id && (ran || m.place[e.To] > m.place[id] || m.last[e.To].State == Restored) {
			return fmt.Errorf("%s is %s, and happens during it", e.To, m.last[e.To].State)
		}
	}
	if got.Reason == "" {
		return errors.New("want a reason")
	}
	return nil
}

// failuresBefore names the first failure inside a region, as its visit saw it.
func (m *bracketModel) failuresBefore(region ID, begun int) ID {
	first, place, when := region, begun, m.trace[begun].At
	for _, inner := range m.g.IDs() {
		opening, closing := m.bracket(inner)
		tr := m.last[inner]
		if m.g.Traits(inner).Region != region || tr.State != Failed || m.g.Traits(closing).Tolerated {
			continue
		}
		at, then := m.place[inner], tr.At
		if early, ended := m.early[closing]; ended && inner != opening {
			at, then = early.at, early.when
		}
		var limit *LimitError
		outer := errors.As(tr.Err, &limit) && (limit.Region == region || m.within(region, limit.Region))
		if at < place && !outer {
			first, place, when = m.root(inner), at, then
		}
	}
	if m.limited(region) && !when.Before(m.timeOut(region)) {
		return region
	}
	return first
}
