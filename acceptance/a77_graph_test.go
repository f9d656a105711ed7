package acceptance

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestA77_Graph(t *testing.T) {
	t.Parallel()
	t.Run("order", func(t *testing.T) {
		s := newSandbox(t)
		s.pass("run", testdata(t, "graph.hcl"), "--var", "dir="+s.dir)
		spans := s.spans("left", "right", "after_left", "after_right", "after_both", "cleanup")
		for _, pair := range [][2]string{{"left", "right"}, {"after_left", "after_right"}} {
			if a, b := spans[pair[0]], spans[pair[1]]; !a.overlaps(b) {
				t.Errorf("%s %v and %s %v are independent and do not overlap", pair[0], a, pair[1], b)
			}
		}
		for _, edge := range [][2]string{{"left", "after_left"}, {"right", "after_right"}, {"after_left", "after_both"}, {"after_right", "after_both"}, {"after_both", "cleanup"}} {
			if a, b := spans[edge[0]], spans[edge[1]]; a.end > b.start {
				t.Errorf("%s %v depends on %s %v and did not wait for it", edge[1], b, edge[0], a)
			}
		}
		s.didNotRun("rescue")
	})

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		s.want(stepFailed, "run", testdata(t, "graph.hcl"), "--var", "dir="+s.dir, "--var", "fail=left").
			says(t, "step.left", "step.after_left", "because step.left failed")
		s.spans("left", "right", "after_right", "cleanup", "rescue")
		s.didNotRun("after_left")
		s.didNotRun("after_both")
	})

	t.Run("nodes", testNodes)
}

// Six nodes side by side, one by one, and a roll that stops.
func testNodes(t *testing.T) {
	s := newSandbox(t)
	s.want(stepFailed, "run", testdata(t, "timing.hcl")).says(t, `step.roll["box-1"]`, `roll stopped by step.roll["box-1"]`)

	instances := s.instances()
	for _, c := range []struct {
		step        string
		least, most time.Duration
	}{{"together", 2 * time.Second, 4 * time.Second}, {"one_by_one", 12 * time.Second, time.Minute}} {
		if took := elapsed(t, instances, c.step, 6); took < c.least || took >= c.most {
			t.Errorf("2 s on each of 6 nodes, step.%s: took %s, want %s to %s", c.step, took, c.least, c.most)
		}
	}
	for i, want := range []string{"succeeded", "failed", "skipped", "skipped", "skipped", "skipped"} {
		address := fmt.Sprintf(`step.roll["box-%d"]`, i)
		got := instances[address]
		if got.state != want || got.started.IsZero() != (want == "skipped") {
			t.Errorf("%s: got %s, started %v; want %s", address, got.state, got.started, want)
		}
	}
}

// span is when a step of graph.hcl worked, in nanoseconds.
type span struct{ start, end int64 }

func (a span) overlaps(b span) bool { return a.start < b.end && b.start < a.end }

// spans reads what the steps of graph.hcl wrote; all of them must have run.
func (s *sandbox) spans(names ...string) map[string]span {
	s.t.Helper()
	spans := map[string]span{}
	for _, name := range names {
		text, err := os.ReadFile(s.path(name))
		if err != nil {
			s.t.Errorf("step.%s did not run: %v", name, err)
			continue
		}
		var sp span
		if _, err := fmt.Sscan(string(text), &sp.start, &sp.end); err != nil {
			s.t.Errorf("step.%s wrote %q: %v", name, text, err)
		}
		spans[name] = sp
	}
	return spans
}

func (s *sandbox) didNotRun(name string) {
	s.t.Helper()
	if _, err := os.Stat(s.path(name)); !os.IsNotExist(err) {
		s.t.Errorf("step.%s ran: %v", name, err)
	}
}

// instance is what the journal says of one.
type instance struct {
	started, ended time.Time
	state          string
}

func (s *sandbox) instances() map[string]instance {
	s.t.Helper()
	found := map[string]instance{}
	for _, r := range s.journal(s.lastRun()) {
		var e struct{ Address, State string }
		if !slices.Contains([]string{"instance_started", "instance_ended"}, r.Kind) {
			continue
		}
		if err := json.Unmarshal(r.Event, &e); err != nil {
			s.t.Fatal(err)
		}
		i := found[e.Address]
		if r.Kind == "instance_started" {
			i.started = r.Time
		} else {
			i.ended, i.state = r.Time, e.State
		}
		found[e.Address] = i
	}
	return found
}

// elapsed is the time from the first start to the last end of a step's
// instances, of which there must be n.
func elapsed(t *testing.T, instances map[string]instance, step string, n int) time.Duration {
	t.Helper()
	var first, last time.Time
	for address, i := range instances {
		if !strings.HasPrefix(address, "step."+step+"[") {
			continue
		}
		n--
		if first.IsZero() || i.started.Before(first) {
			first = i.started
		}
		if i.ended.After(last) {
			last = i.ended
		}
	}
	if n != 0 {
		t.Errorf("step.%s: %d instances are missing", step, n)
	}
	return last.Sub(first)
}
