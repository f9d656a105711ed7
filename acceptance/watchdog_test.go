package acceptance

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run that is killed has no machines left 30 seconds later, with no further
// command; its output has ended before.
func TestKilledRun(t *testing.T) {
	cases := map[string]func(*sandbox) *process{
		"while its nodes are made": func(s *sandbox) *process {
			p := s.start("run", testdata(t, "interrupt.hcl"), "--var", "marker="+s.path("marker"))
			eventually(s.t, "a node is in the making", time.Minute, func() bool {
				p.mustLive()
				return len(s.runs()) > 0 && !labelled(s.t, "dcosflow.run="+s.lastRun()).empty()
			})
			return p
		},
		"at work": func(s *sandbox) *process { return s.startHanging() },
	}
	for name, start := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			p := start(s)
			id := s.lastRun()
			begin := time.Now()
			p.signal(syscall.SIGKILL)
			p.wait()
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("the output of a killed run ended after %s: its watchdog holds it", took)
			}
			eventually(t, "the machines are gone", 30*time.Second-time.Since(begin), func() bool {
				return labelled(t, "dcosflow.run="+id).empty()
			})
			t.Logf("the machines were gone after %s", time.Since(begin))
			eventually(t, "the watchdog is gone", 30*time.Second, func() bool { return !s.watched() })
			if left := labelled(t, "dcosflow.run="+id); !left.empty() {
				t.Errorf("after the watchdog's end there are %v", left)
			}
		})
	}
}

// The watchdog of a run that ends by itself ends before it.
func TestWatchdogOfPassedRun(t *testing.T) {
	s := newSandbox(t)
	s.pass("run", testdata(t, "interrupt.hcl"), "--var", "hang=false", "--var", "marker="+s.path("marker"))
	if s.watched() {
		t.Error("the run has ended, and its watchdog has not")
	}
	if text, err := os.ReadFile(s.path(".dcosflow/runs/" + s.lastRun() + "/watchdog.log")); err == nil {
		t.Errorf("the watchdog of a run that passed says %q", text)
	}
}

// watched says whether a watchdog of the sandbox's runs is at work.
func (s *sandbox) watched() bool {
	s.t.Helper()
	r := finish(s.t, command(s.t, "ps", "-eo", "args"))
	return strings.Contains(r.stdout, "watchdog --run-dir "+s.path(".dcosflow/runs"))
}
