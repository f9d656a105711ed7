package dag

import (
	"errors"
	"fmt"
	"slices"
)

// bracketModel replays what was seen of a script: it knows who holds what and
// says, one vertex after the other and without any notion of time, what may
// have become of each. What time decides, it takes from the record: who was
// caught by a cancellation, by the early end of a span, by a limit or by the
// stop of a roll.
type bracketModel struct {
	*script
	Executor[*act]
	sum    Summary
	last   map[ID]Transition
	place  map[ID]int // of the last transition
	began  map[ID]int // of the Running one of the last attempt
	visits map[ID]int
	holder map[string]ID
	ticket map[string]int
	slots  int
	early  map[ID]mark // of spans that ended early in their last attempt
	ends   map[ID]int
	idle   map[ID]bool // without slots
	has    map[ID]bool // its locks and ticket
}

func newBracketModel(s *script, e Executor[*act], sum Summary) *bracketModel {
	return &bracketModel{
		script: s, Executor: e, sum: sum, last: map[ID]Transition{}, place: map[ID]int{}, began: map[ID]int{},
		visits: map[ID]int{}, holder: map[string]ID{}, ticket: map[string]int{}, early: map[ID]mark{}, ends: map[ID]int{}, idle: map[ID]bool{}, has: map[ID]bool{},
	}
}

func (m *bracketModel) check(scarce bool) error {
	marks := m.marks
	for at, tr := range m.trace {
		for ; len(marks) > 0 && marks[0].at <= at; marks = marks[1:] {
			if err := m.replayMark(marks[0]); err != nil {
				return fmt.Errorf("line %d: %w", at, err)
			}
		}
		if err := m.replay(at, tr, scarce); err != nil {
			return fmt.Errorf("transition %d: %w", at, err)
		}
	}
	for _, k := range marks { // of visits that were given up
		if err := m.replayMark(k); err != nil {
			return err
		}
	}
	for _, id := range m.g.IDs() {
		if err := m.checkEnd(id); err != nil {
			got := m.last[id]
			return fmt.Errorf("%s is %s (cause %q, roll %t, err %v): %w", id, got.State, got.Cause, got.Roll, got.Err, err)
		}
	}
	return m.checkSummary()
}

// bracket returns the ends by which a vertex holds things: both are it unless
// it opens or closes something.
func (m *bracketModel) bracket(id ID) (opening, closing ID) {
	switch opens := m.g.Traits(id).Opens; {
	case opens != "":
		return id, opens
	case m.g.Has(id + ":start"):
		return id + ":start", id
	case m.g.Has(id + ":begin"):
		return id + ":begin", id
	}
	return id, id
}

func (m *bracketModel) settled(id ID) bool { return m.last[id].State > Running }

// replayMark looks whether a span ended after its children, and whether there
// were slots for a vertex that comes back. The marks of that one stand between
// what they tell of: it may have had no slots a little longer.
func (m *bracketModel) replayMark(k mark) error {
	switch k.what {
	case idles:
		m.idle[k.id] = true
		m.slots -= m.weight(k.id)
		return nil
	case isBack:
		delete(m.idle, k.id)
		if m.slots += m.weight(k.id); m.slots > m.Slots && m.Slots > 0 {
			return fmt.Errorf("%s is back, and %d slots are taken of %d", k.id, m.slots, m.Slots)
		}
		return nil
	}
	m.ends[k.id]++
	if k.what == endedEarly {
		m.early[m.g.Traits(k.id).Opens] = k
		return nil
	}
	_, closing := m.bracket(k.id)
	for _, e := range m.g.Dependencies(closing) {
		if m.last[k.id].State == Done && !m.settled(e.To) {
			return fmt.Errorf("%s ends while %s is %s", closing, e.To, m.last[e.To].State)
		}
	}
	return nil
}

// replay follows one transition.
func (m *bracketModel) replay(at int, tr Transition, scarce bool) error {
	before := m.last[tr.ID].State
	m.last[tr.ID], m.place[tr.ID] = tr, at
	opening, closing := m.bracket(tr.ID)
	switch {
	case tr.State == Pending:
		delete(m.began, tr.ID)
		delete(m.early, tr.ID)
		if before == Pending || before == Running && tr.ID == opening {
			return fmt.Errorf("%s is pending again after it was %s", tr.ID, before)
		}
		return nil
	case before > Running:
		return fmt.Errorf("%s is %s after it was %s", tr.ID, tr.State, before)
	case tr.State == Running:
		m.began[tr.ID] = at
		m.visits[tr.ID]++
		return m.checkStart(tr.ID)
	case tr.State == Failed && errors.Is(tr.Err, errStuck) && (opening == closing || tr.ID != closing):
		return m.checkStuck(tr.ID, scarce)
	}
	if before == Running && opening == closing && tr.State == Done && m.brokenBefore(tr) != "" {
		return fmt.Errorf("%s is done after %s failed", tr.ID, m.brokenBefore(tr))
	}
	if before == Running && !m.idle[tr.ID] {
		m.slots -= m.weight(tr.ID)
	}
	delete(m.idle, tr.ID)
	if tr.ID == closing || tr.ID == opening && tr.State != Done {
		m.free(opening)
	}
	return nil
}

func (m *bracketModel) weight(id ID) int {
	if m.Slots == 0 {
		return 0
	}
	return min(m.g.Traits(id).Weight, m.Slots)
}

// free gives back what the vertex has had since it began.
func (m *bracketModel) free(id ID) {
	if !m.has[id] {
		return
	}
	delete(m.has, id)
	t := m.g.Traits(id)
	if t.Roll != "" {
		m.ticket[t.Roll]--
	}
	for _, name := range t.Locks {
		delete(m.holder, name)
	}
}

// checkStart looks whether a vertex that starts may, and takes what it needs.
func (m *bracketModel) checkStart(id ID) error {
	if m.sum.Stopped != nil && !m.g.Traits(id).Final && m.caught(id) {
		return fmt.Errorf("%s starts after the cancellation", id)
	}
	for _, e := range m.g.Dependencies(id) {
		if !m.settled(e.To) || e.When == Succeeded && !m.succeeded(e.To) {
			return fmt.Errorf("%s starts, and waits for %s, which is %s", id, e.To, m.last[e.To].State)
		}
		if t := m.g.Traits(e.To); t.Span && m.settled(t.Opens) {
			return fmt.Errorf("%s starts after the end of %s", id, t.Opens)
		}
	}
	if m.g.Traits(id).Lazy && !m.demanded(id) {
		return fmt.Errorf("%s starts, and nothing demands it", id)
	}
	if span := m.brokenBefore(m.last[id]); span != "" {
		return fmt.Errorf("%s starts after %s failed", id, span)
	}
	t := m.g.Traits(id)
	m.has[id] = true
	for _, name := range t.Locks {
		if other, taken := m.holder[name]; taken {
			return fmt.Errorf("%s starts while %s holds the lock %s", id, other, name)
		}
		m.holder[name] = id
	}
	if roll, in := m.g.Roll(t.Roll); in {
		if mate := m.stopped(roll); mate != "" {
			return fmt.Errorf("%s starts after %s stopped %s", id, mate, t.Roll)
		}
		if m.ticket[t.Roll]++; m.ticket[t.Roll] > roll.Limit {
			return fmt.Errorf("%s starts as number %d of %s, limit %d", id, m.ticket[t.Roll], t.Roll, roll.Limit)
		}
	}
	if m.slots += m.weight(id); m.slots > m.Slots && m.Slots > 0 {
		return fmt.Errorf("%s starts, and %d slots are taken of %d", id, m.slots, m.Slots)
	}
	return nil
}

// caught says whether a vertex was seen to be cancelled, by the run, before.
func (m *bracketModel) caught(id ID) bool {
	return slices.ContainsFunc(m.trace[:m.place[id]], func(tr Transition) bool {
		return tr.State == Canceled && tr.Cause == "" && tr.Err == m.sum.Stopped
	})
}

// demanded says whether something that is no lazy span lacks nothing but lazy
// spans, this one among them, or happened during it before the run.
func (m *bracketModel) demanded(opening ID) bool {
	for _, e := range m.g.Dependencies(m.g.Traits(opening).Opens) {
		if m.last[e.To].State == Restored {
			return true
		}
	}
	return slices.ContainsFunc(m.g.Dependants(opening), func(e Edge) bool {
		if e.From == m.g.Traits(opening).Opens || m.settled(e.From) {
			return false
		}
		for _, other := range m.g.Dependencies(e.From) {
			if !m.settled(other.To) && !m.g.Traits(other.To).Lazy {
				return false
			}
		}
		return !m.g.Traits(e.From).Lazy || m.demanded(e.From)
	})
}

// checkStuck looks whether nothing was at work when a vertex was given up.
func (m *bracketModel) checkStuck(id ID, scarce bool) error {
	if !scarce {
		return fmt.Errorf("%s is given up without locks and rolls", id)
	}
	for other, tr := range m.last {
		if tr.State == Running {
			return fmt.Errorf("%s is given up while %s runs", id, other)
		}
	}
	if !m.lacks(id) {
		return fmt.Errorf("%s is given up and lacks nothing", id)
	}
	return nil
}

// lacks says whether a lock or a ticket is missing for a vertex or a span that
// it demands, or its turn in its roll.
func (m *bracketModel) lacks(id ID) bool {
	t := m.g.Traits(id)
	taken := func(name string) bool { return m.holder[name] != "" }
	if roll, in := m.g.Roll(t.Roll); in && m.ticket[t.Roll] >= roll.Limit || slices.ContainsFunc(t.Locks, taken) {
		return true
	}
	for _, mate := range m.g.IDs() {
		if mate == id {
			break
		}
		if t.Roll != "" && m.g.Traits(mate).Roll == t.Roll && m.last[mate].State == Pending {
			return true
		}
	}
	return slices.ContainsFunc(m.g.Dependencies(id), func(e Edge) bool {
		return m.g.Traits(e.To).Lazy && m.last[e.To].State == Pending && m.lacks(e.To)
	})
}

// brokenBefore names a span that had failed early before, although the vertex
// happens during it.
func (m *bracketModel) brokenBefore(tr Transition) ID {
	for span, k := range m.early {
		failed := m.visits[k.id] <= m.g.Value(k.id).fails && !m.g.Traits(span).Tolerated
		if failed && k.when.Before(tr.At) && m.happensDuring(tr.ID, span) {
			return span
		}
	}
	return ""
}

// stopped names the vertex that stopped a roll.
func (m *bracketModel) stopped(roll Roll) ID {
	for _, mate := range m.g.IDs() {
		_, closing := m.bracket(mate)
		if m.g.Traits(mate).Roll == roll.Name && !roll.Continue && m.last[closing].State == Failed && !m.g.Traits(closing).Tolerated {
			return closing
		}
	}
	return ""
}

// checkSummary compares the failures, and counts the ends of spans.
func (m *bracketModel) checkSummary() error {
	for _, id := range m.g.IDs() {
		t, a := m.g.Traits(id), m.g.Value(id)
		opening, _ := m.bracket(id)
		failed := m.last[id].State == Failed && !t.Tolerated && t.Region == "" && t.Opens == ""
		if failed != slices.Contains(m.sum.Failed, id) {
			return fmt.Errorf("%s failed: %t; the summary has %v", id, failed, m.sum.Failed)
		}
		if want := m.visits[id]; t.Span && id == opening && !a.disabled && !a.panics && m.ends[id] != want {
			return fmt.Errorf("%s was started %d times and ended %d times", id, want, m.ends[id])
		}
	}
	return nil
}
