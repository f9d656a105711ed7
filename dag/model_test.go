package dag

import (
	"errors"
	"fmt"
	"slices"
)

// The model says, one vertex after the other and without any notion of time,
// what may have become of each, given what became of those that it waits for.
// What time decides, it takes from the record: who was caught by a cancellation
// or by the stop of a roll. The replay then checks those against the order of
// the transitions.
type model struct {
	*scenario
	*record
	last  map[ID]Transition
	place map[ID]int // of the last transition in the trace
	began map[ID]int // of the Running one
}

func newModel(s *scenario, rec *record) (*model, error) {
	m := &model{s, rec, map[ID]Transition{}, map[ID]int{}, map[ID]int{}}
	for at, tr := range rec.trace {
		_, began := m.began[tr.ID]
		if last, seen := m.last[tr.ID]; seen && (last.State != Running || tr.State == Running) {
			return nil, fmt.Errorf("%s is %s after it was %s", tr.ID, tr.State, last.State)
		}
		if slices.Contains([]State{Done, Disabled, Failed}, tr.State) && !began {
			return nil, fmt.Errorf("%s is %s and never ran", tr.ID, tr.State)
		}
		if tr.State == Running {
			m.began[tr.ID] = at
		}
		m.last[tr.ID], m.place[tr.ID] = tr, at
	}
	return m, nil
}

func (m *model) check() error {
	order, err := m.whole.Order()
	if err != nil {
		return err
	}
	for _, id := range order {
		got := m.last[id]
		if err := m.checkEnd(id, got); err != nil {
			return fmt.Errorf("%s is %s (cause %q, roll %t, err %v): %w", id, got.State, got.Cause, got.Roll, got.Err, err)
		}
	}
	return nil
}

func (m *model) checkEnd(id ID, got Transition) error {
	if m.executor.Restored[id] {
		return wantState(got, Restored)
	}
	for _, e := range m.whole.Dependencies(id) {
		if !m.executor.Restored[id] && m.place[e.To] > m.place[id] {
			return fmt.Errorf("it settled before %s, for which it waits", e.To)
		}
	}
	_, ran := m.began[id]
	failed, canceled := m.blame(id)
	final := m.whole.Traits(id).Final
	switch {
	case ran && failed+canceled != "":
		return fmt.Errorf("it ran although %s did not succeed", failed+canceled)
	case ran:
		return m.checkRan(id, got)
	case failed != "":
		return wantCause(got, m.root(failed))
	case canceled != "" && final && got.State == Skipped && !got.Roll:
		return wantCause(got, m.root(canceled))
	case got.State == Skipped:
		return m.checkRollStop(id, got)
	}
	return m.checkCanceled(final, got)
}

// blame names the first Succeeded dependency that failed or was skipped, and
// the first one that was cancelled.
func (m *model) blame(id ID) (failed, canceled ID) {
	for _, e := range m.whole.Dependencies(id) {
		if e.When == Settled {
			continue
		}
		switch m.last[e.To].State {
		case Failed:
			if !m.whole.Traits(e.To).Tolerated && failed == "" {
				failed = e.To
			}
		case Skipped:
			if failed == "" {
				failed = e.To
			}
		case Canceled:
			if canceled == "" {
				canceled = e.To
			}
		}
	}
	if failed != "" {
		canceled = ""
	}
	return failed, canceled
}

// root is what a vertex that did not succeed has its dependants blame.
func (m *model) root(id ID) ID {
	if cause := m.last[id].Cause; cause != "" {
		return cause
	}
	return id
}

func (m *model) checkRan(id ID, got Transition) error {
	d := m.whole.Value(id)
	want := d.end
	if d.panics {
		want = Failed
	}
	switch {
	case got.State == Canceled && errors.Is(got.Err, errAborted) && m.abortAt > 0:
		return nil // given up
	case got.State == Canceled && m.interrupted[id] && !d.panics:
		return nil // its error is taken for a consequence
	case got.State == Failed && m.interrupted[id] && !d.panics:
		return errors.New("its context had ended when it failed")
	case want == Skipped && got.Reason != "as planned":
		return errors.New("want the visit's reason")
	case got.State == Canceled && m.summary.Stopped != nil && want == Failed:
		return nil // the cancellation came between its return and its report
	}
	var panicked *PanicError
	if errors.As(got.Err, &panicked) != d.panics {
		return fmt.Errorf("want a PanicError: %t", d.panics)
	}
	return wantState(got, want)
}

func (m *model) checkRollStop(id ID, got Transition) error {
	name := m.whole.Traits(id).Roll
	roll, _ := m.whole.Roll(name)
	culprit := m.last[got.Cause]
	stops := name != "" && !roll.Continue && m.whole.Traits(got.Cause).Roll == name &&
		culprit.State == Failed && !m.whole.Traits(got.Cause).Tolerated
	if !got.Roll || !stops || m.place[got.Cause] > m.place[id] {
		return errors.New("nothing that it waits for failed, and no roll stopped")
	}
	return nil
}

func (m *model) checkCanceled(final bool, got Transition) error {
	switch {
	case got.State != Canceled:
		return errors.New("want it run or cancelled")
	case m.summary.Stopped == nil:
		return errors.New("nothing was cancelled")
	case final && m.abortAt == 0 && m.executor.Grace == 0:
		return errors.New("final vertices end only by grace or abort")
	case got.Err == nil:
		return errors.New("want the cause of the cancellation")
	}
	return nil
}

func wantState(got Transition, want State) error {
	if got.State != want {
		return fmt.Errorf("want %s", want)
	}
	return nil
}

func wantCause(got Transition, cause ID) error {
	if got.State != Skipped || got.Cause != cause || got.Roll {
		return fmt.Errorf("want it skipped because of %s", cause)
	}
	return nil
}
