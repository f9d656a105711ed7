package acceptance

import (
	"strings"
	"testing"
)

// The main job, and two ways to fail it.
func TestWorkflows_EtcdUpgrade(t *testing.T) {
	t.Parallel()
	file := project(t, "workflows/etcd/upgrade-test.hcl")

	t.Run("passes", func(t *testing.T) {
		s := newSandbox(t)
		s.pass("run", file)
		var out struct {
			Versions map[string]string
			Keys     struct {
				Keys   int
				SHA256 string
			}
		}
		s.outputs(&out)
		for node, version := range out.Versions {
			if version != "3.5.16" {
				t.Errorf("%s runs %q, want 3.5.16", node, version)
			}
		}
		if len(out.Versions) != 3 || out.Keys.Keys != 1000 || len(out.Keys.SHA256) != 64 {
			t.Errorf("want 3 members and the digest of 1000 keys, got %+v", out)
		}
	})
	t.Run("quorum lost", func(t *testing.T) {
		s := newSandbox(t)
		r := s.want(stepFailed, "run", file, "--var", "batch=2")
		r.says(t, "quorum lost: while member-0 is down", `step.upgrade["member-0"]`, `roll stopped by step.upgrade`)
		if strings.Contains(r.stdout+r.stderr, "member-2 goes down") {
			t.Errorf("the roll went on after it had failed: %s", r)
		}
	})
	t.Run("wrong version expected", func(t *testing.T) {
		newSandbox(t).want(stepFailed, "run", file, "--var", "expect=9.9.9").
			says(t, "member-0 runs etcd 3.5.16, not 9.9.9", `"9.9.9"`)
	})
}

// One run for each combination of distribution and size, all on machines of
// their own; only those fail whose distribution has another release.
func TestWorkflows_EtcdMatrix(t *testing.T) {
	t.Parallel()
	file := project(t, "workflows/etcd/matrix.hcl")

	t.Run("passes", func(t *testing.T) {
		s := newSandbox(t)
		r := s.pass("run", file)
		for _, variant := range []string{"debian-12,1", "debian-12,3", "debian-13,1", "debian-13,3"} {
			if !strings.Contains(r.stdout, "passed etcd-matrix["+variant+"] in ") {
				t.Errorf("the variant %s has not passed: %s", variant, r)
			}
		}
		if n := len(s.runs()); n != 4 || !strings.Contains(r.stdout, "4 variants: 4 passed") {
			t.Errorf("there are %d runs, want 4 that passed: %s", n, r)
		}
	})
	t.Run("one has another release", func(t *testing.T) {
		s := newSandbox(t)
		r := s.want(stepFailed, "run", file, "--matrix", "size=1", "--var", `expect={debian-12="3.4",debian-13="9.9"}`)
		r.says(t, "debian-13 has etcd 3.5", "2 variants: 1 passed, 1 failed")
		if left := s.remains(); len(left) > 0 {
			t.Errorf("the runs left %v", left)
		}
	})
}

// A client writes to etcd while its members are upgraded, and nothing is lost
// that was acknowledged. The two ways to fail it go on from the run that passed,
// with its machines.
func TestWorkflows_EtcdRollingUpgrade(t *testing.T) {
	t.Parallel()
	file := project(t, "workflows/etcd/rolling-upgrade.hcl")
	s := newSandbox(t)
	s.pass("run", file, "--keep", "always")
	var out struct {
		Writes   struct{ Acknowledged, Lost int }
		Versions map[string]struct{ Before, After string }
	}
	s.outputs(&out)
	if out.Writes.Acknowledged < 20 || out.Writes.Lost != 0 {
		t.Errorf("got %+v, want many writes and none lost", out.Writes)
	}
	for node, v := range out.Versions {
		if v.Before != "3.4.23" || v.After != "3.5.16" {
			t.Errorf("%s ran %s, then %s; want 3.4.23, then 3.5.16", node, v.Before, v.After)
		}
	}
	if len(out.Versions) != 3 {
		t.Errorf("got %d members, want 3", len(out.Versions))
	}

	s.want(stepFailed, "resume", "--keep", "always", "--from", "step.check", "--var", "forget=5").
		says(t, "acknowledged writes were lost", `"lost": 5`)
	s.want(stepFailed, "resume", "--keep", "never", "--from", `group.roll["member-1"]`, "--var", "wipe=member-1", "--var", "forget=0").
		says(t, `because group.roll["member-1"].healthy failed`, "timed out")
	if left := s.remains(); len(left) > 0 {
		t.Errorf("the runs left %v", left)
	}
}
