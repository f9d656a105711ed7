package engine

import (
	"slices"
	"sync"

	"github.com/dcosflow/dcosflow/events"
)

// The exit codes of a run.
const (
	exitPassed      = 0
	exitFailed      = 1
	exitTrouble     = 3
	exitCleanup     = 4
	exitTimedOut    = 124
	exitInterrupted = 130
)

// severity orders the exit codes, the worst first.
var severity = []int{exitInterrupted, exitTimedOut, exitTrouble, exitFailed, exitCleanup, exitPassed}

var statuses = map[int]events.Status{
	exitPassed:      events.StatusPassed,
	exitFailed:      events.StatusFailed,
	exitTrouble:     events.StatusTrouble,
	exitCleanup:     events.StatusCleanupFailed,
	exitTimedOut:    events.StatusTimedOut,
	exitInterrupted: events.StatusCanceled,
}

// verdict is the worst of what went wrong. It is safe for concurrent use.
type verdict struct {
	mu    sync.Mutex
	worst finding
}

// finding is something that went wrong. The message is empty when the events
// of an instance say it.
type finding struct {
	exit          int
	message, hint string
}

// add takes a finding; of two equally bad ones the first counts.
func (v *verdict) add(f finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if slices.Index(severity, f.exit) < slices.Index(severity, v.worst.exit) {
		v.worst = f
	}
}

// forgive forgets what went wrong.
func (v *verdict) forgive() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.worst = finding{}
}

func (v *verdict) get() finding {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.worst
}

// failed says whether the run, as far as it went, is one that `on_failure`
// steps are for. A user who interrupts a run has not seen it fail.
func (v *verdict) failed() bool {
	switch v.get().exit {
	case exitFailed, exitTrouble, exitTimedOut:
		return true
	}
	return false
}
