package acceptance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestA78_RetriesAndTimeouts(t *testing.T) {
	t.Parallel()
	t.Run("attempts", func(t *testing.T) {
		s := newSandbox(t)
		s.pass("run", testdata(t, "retries.hcl"), "--keep", "always")
		for address, want := range map[string]attempts{
			"step.flaky":     {ended: 3, state: "succeeded", failed: []string{"exit_code 200ms", "exit_code 600ms"}},
			"step.picky":     {ended: 1, state: "failed"},
			"step.hung":      {ended: 2, state: "succeeded", failed: []string{"timeout 1ms"}},
			"step.hung_here": {ended: 1, state: "failed"},
		} {
			if got := s.attempts(address); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: got %+v, want %+v", address, got, want)
			}
		}
		// Each attempt has a log of its own.
		for n := 1; n <= 3; n++ {
			if got, want := s.attemptLog("step.flaky", n), fmt.Sprintf("attempt %d\n", n); got != want {
				t.Errorf("log of attempt %d: got %q, want %q", n, got, want)
			}
		}
		if got := s.attempts("step.deadline"); got.ended < 2 || got.ended > 6 || got.state != "failed" {
			t.Errorf("within a deadline of 2s: got %+v, want 2 to 6 attempts", got)
		}
		if took := s.took("step.deadline"); took > 3*time.Second {
			t.Errorf("a deadline of 2s took %s", took)
		}
		s.nothingHangs()
	})
	t.Run("control fails too often", func(t *testing.T) {
		s := newSandbox(t)
		s.want(stepFailed, "run", testdata(t, "retries.hcl"), "--var", "fails=3").
			says(t, "FAILED step.flaky", "attempt 3 of 3", "exit code 5", "attempt 1 failed: exit code 5; again in 200ms")
	})
	t.Run("control hangs too often", func(t *testing.T) {
		s := newSandbox(t)
		s.want(stepFailed, "run", testdata(t, "retries.hcl"), "--var", "hangs=2", "--keep", "always").
			says(t, "FAILED step.hung", "attempt 2 of 2", `timed out: timeout = "1s" is over`)
		s.nothingHangs()
	})
}

// attempts is what the journal says of those of an instance: how many, the end,
// and the class of each failure that was repeated, with the pause after it.
type attempts struct {
	ended  int
	state  string
	failed []string
}

func (s *sandbox) attempts(address string) attempts {
	s.t.Helper()
	var a attempts
	for _, r := range s.journal(s.lastRun()) {
		var e struct {
			Address, State string
			Attempts       int
			Wait           time.Duration `json:"wait_ns"`
			Failure        struct{ Class string }
		}
		if err := json.Unmarshal(r.Event, &e); err != nil {
			s.t.Fatal(err)
		}
		switch {
		case e.Address != address:
		case r.Kind == "attempt_failed":
			a.failed = append(a.failed, fmt.Sprintf("%s %s", e.Failure.Class, e.Wait))
		case r.Kind == "instance_ended":
			a.ended, a.state = e.Attempts, e.State
		}
	}
	return a
}

// nothingHangs wants no process of a step that was stopped, neither on the node
// nor on this machine.
func (s *sandbox) nothingHangs() {
	s.t.Helper()
	node := containers(s.t, s.lastRun())["box-0"]
	for what, r := range map[string]result{
		"the node":     onNode(s.t, node, "pgrep -af '[s]leep 86417'"),
		"this machine": finish(s.t, command(s.t, "pgrep", "-af", "[s]leep 8641[78]")),
	} {
		if r.code != 1 || strings.TrimSpace(r.stdout) != "" {
			s.t.Errorf("on %s still runs: %s", what, r)
		}
	}
}
