package engine_test

import (
	"errors"
	"testing"
	"time"
)

// An engine that is down at the end of a run and comes back is still tidied up;
// one that stays away is given up.
func TestCleanUpPersists(t *testing.T) {
	cases := []struct {
		name  string
		down  time.Duration
		takes time.Duration
		exit  int
		left  []string
		after time.Duration
	}{
		{name: "back after a while", down: 15 * time.Second, after: 15 * time.Second},
		{name: "away", exit: 4, left: []string{"db"}, after: 20 * time.Second},
		{name: "silent", takes: 15 * time.Second, exit: 4, left: []string{"db"}, after: 15 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				s.provision("member-0")
				s.backend.deleteErr, s.backend.deleteFailsFor, s.backend.deleteTakes = errors.New("connection refused"), c.down, c.takes
				r := s.run(t.Context())
				s.wantExit(r, c.exit)
				s.wantLeft(c.left...)
				if took := time.Since(s.backend.begun).Round(time.Second); took != c.after {
					t.Errorf("it ended after %s, want %s", took, c.after)
				}
				if failed := len(r.Run.Cleanup) > 0; failed != (c.exit != 0) {
					t.Errorf("left behind: got %v", r.Run.Cleanup)
				}
			})
		})
	}
}
