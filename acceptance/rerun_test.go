package acceptance

import (
	"strings"
	"testing"
)

// What failed runs again on the same node; the run is flaky, and leaves nothing.
func TestRerunFailed(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	r := s.pass("run", testdata(t, "rerun.hcl"), "--rerun-failed", "1")
	r.says(t, "FLAKY: step.check failed 1 of 2 times, then passed", "exit code 7", "flaky rerun in")
	if n := strings.Count(r.stdout, "start    provision.c"); n != 1 {
		t.Errorf("the node was made %d times, want once: %s", n, r)
	}
	if left := labelled(t, "dcosflow.run="+s.lastRun()); !left.empty() {
		t.Errorf("there still are %v", left)
	}

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		s.want(stepFailed, "run", testdata(t, "rerun.hcl")).says(t, "exit code 7", "1 skipped")
	})
}
