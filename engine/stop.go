package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// stop is how and why a run ends early. Its zero value has not stopped.
type stop struct {
	now func(cause error)
	// cause is nil while the main steps may go on.
	cause  func() error
	notice sync.Once
}

// runTimeoutError is the cause of a run that took longer than it may.
type runTimeoutError struct{ limit time.Duration }

func (e *runTimeoutError) Error() string {
	return fmt.Sprintf("the run timed out after %s", e.limit)
}

// journalError is the cause of a run whose record cannot be written.
type journalError struct{ err error }

func (e *journalError) Error() string {
	return fmt.Sprintf("the journal cannot be written: %v", e.err)
}

func (e *journalError) Unwrap() error { return e.err }

// arm makes the context of the main steps. It ends with the user's, at the
// timeout, or when stop.now is called. Release it when the run is over.
func (s *stop) arm(user context.Context, timeout time.Duration) (main context.Context, release func()) {
	timed, stopTimer := user, context.CancelFunc(func() {})
	if timeout > 0 {
		timed, stopTimer = context.WithTimeoutCause(user, timeout, &runTimeoutError{timeout})
	}
	main, cancel := context.WithCancelCause(timed)
	s.now = cancel
	s.cause = func() error {
		if main.Err() == nil {
			return nil
		}
		return context.Cause(main)
	}
	return main, func() {
		cancel(nil)
		stopTimer()
	}
}

// notice draws the consequences of a stop, once; whoever needs them asks for
// it, so that none depends on who sees the end of a context first.
func (r *run) notice() {
	cause := r.stop.cause()
	if cause == nil {
		return
	}
	r.stop.notice.Do(func() {
		found := stopFinding(cause)
		r.verdict.add(found)
		r.announce(found.message)
	})
}

func (r *run) announce(cause string) {
	r.publish(events.RunCanceling{Cause: cause})
}

// roomHint is for files of the run that cannot be written.
const roomHint = "`df -h` shows which disk is full: make room, or choose another place with --run-dir"

func stopFinding(cause error) finding {
	var (
		timeout *runTimeoutError
		journal *journalError
	)
	switch {
	case errors.As(cause, &timeout):
		return finding{exit: exitTimedOut, message: cause.Error()}
	case errors.As(cause, &journal):
		return finding{
			exit: exitTrouble, message: cause.Error(),
			hint: roomHint,
		}
	case errors.Is(cause, context.Canceled):
		return finding{exit: exitInterrupted, message: "interrupted"}
	}
	return finding{exit: exitInterrupted, message: cause.Error()}
}

// forsaken says that nobody waits for the run any more, or that its record is
// lost: then its clusters are not kept for having failed.
func (r *run) forsaken() bool {
	cause := r.stop.cause()
	var timeout *runTimeoutError
	return cause != nil && !errors.As(cause, &timeout)
}
