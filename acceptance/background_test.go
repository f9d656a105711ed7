package acceptance

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command in the background ends with its run, also when that is interrupted
// or killed, on a node that stays.
func TestBackgroundCommandEnds(t *testing.T) {
	cases := []struct {
		name   string
		signal os.Signal
		log    string
	}{
		{"Ctrl-C", os.Interrupt, "bye\n"},
		{"SIGKILL", syscall.SIGKILL, "x\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSandbox(t)
			p := s.start("run", testdata(t, "background.hcl"), "--keep", "always")
			box := s.untilWriting(p)
			p.signal(c.signal)
			p.wait()
			eventually(t, "the command is gone", 20*time.Second, func() bool { return !s.writes(box) })
			if log := s.log("step.writer", "stdout"); !strings.HasSuffix(log, c.log) {
				t.Errorf("the log ends with %q, want %q", log[max(0, len(log)-20):], c.log)
			}
			eventually(t, "the span has ended in the journal", 20*time.Second, func() bool {
				return s.recorded("span_ended")
			})
			s.pass("destroy")
			if !s.recorded("cluster_deleted") {
				t.Error("the journal does not say that the cluster was removed")
			}
		})
	}
}

// Without --keep, the watchdog of a killed run removes the node with all on it.
func TestBackgroundCommandOfKilledRun(t *testing.T) {
	s := newSandbox(t)
	p := s.start("run", testdata(t, "background.hcl"), "--keep", "never")
	s.untilWriting(p)
	id := s.lastRun()
	p.signal(syscall.SIGKILL)
	p.wait()
	eventually(t, "the machines are gone", 30*time.Second, func() bool { return labelled(t, "dcosflow.run="+id).empty() })
	eventually(t, "the watchdog has recorded it", 30*time.Second, func() bool {
		return s.recorded("cluster_deleted") && !s.watched()
	})
}

// untilWriting waits until the child runs, and returns the container of the node.
func (s *sandbox) untilWriting(p *process) string {
	s.t.Helper()
	var box string
	for _, container := range s.untilContainers(1, p) {
		box = container
	}
	eventually(s.t, "the command writes", 2*time.Minute, func() bool {
		p.mustLive()
		_, err := os.Stat(s.path(".dcosflow/runs/" + s.lastRun() + "/logs/step.writer/1.stdout"))
		return s.recorded("span_held") && s.writes(box) && err == nil
	})
	return box
}

// writes says whether the background command has a process on a node.
func (s *sandbox) writes(container string) bool {
	s.t.Helper()
	r := finish(s.t, command(s.t, "docker", "exec", container, "sh", "-c", "grep -lz ^DCOSFLOW_SPAN= /proc/[0-9]*/environ 2>/dev/null"))
	return r.stdout != ""
}

// recorded says whether the journal of the last run has an event of a kind. The
// run may be writing it.
func (s *sandbox) recorded(kind string) bool {
	s.t.Helper()
	text, err := os.ReadFile(s.path(".dcosflow/runs/" + s.lastRun() + "/journal.jsonl"))
	return err == nil && strings.Contains(string(text), `"kind":"`+kind+`"`)
}
