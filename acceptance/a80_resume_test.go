package acceptance

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// dockerKills is how often TestA80_Resume kills the tool at random moments; a
// run is left in peace after killsEach.
const (
	dockerKills = 20
	killsEach   = 7
)

func TestA80_Resume(t *testing.T) {
	t.Run("SIGKILL at random moments", testKilledRuns)
	t.Run("a node is lost", testLostNode)
	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		s.pass(s.resumeArgs("run", testdata(t, "resume.hcl"), "--var", "dir="+s.dir)...)
		s.want(wrongInput, "resume").says(t, "has passed")
		// A changed argument runs again, and what waits for it; the rest does not.
		s.pass(s.resumeArgs("resume", "--var", "text=changed", "--from", "step.last")...).says(t, "arguments, files or dependencies have changed")
		got, want := s.marks(), map[string]int{
			"step.keys": 1, "step.last": 2, "box-0 step.first same": 1, "box-0 step.first changed": 1, "box-1 step.first same": 1, "box-1 step.first changed": 1,
			"box-0 step.late.left": 2, "box-0 step.late.right": 2, "box-0 step.roll": 2, "box-1 step.roll": 2,
		}
		if !maps.Equal(got, want) {
			t.Errorf("marks: got %v, want %v", got, want)
		}
		s.pass("destroy")
	})
}

// resumeArgs adds what keeps the nodes for the next go.
func (s *sandbox) resumeArgs(args ...string) []string { return append(args, "--keep", "always") }

// testKilledRuns kills runs until they end: nothing that had finished is done
// again, and they end as one that nobody disturbed.
func testKilledRuns(t *testing.T) {
	calm := newSandbox(t)
	usual := calm.pass(calm.resumeArgs("run", testdata(t, "resume.hcl"), "--var", "dir="+calm.dir)...).took
	want := calm.runOutput()
	seed := rand.Uint64()
	t.Logf("seed %d, an undisturbed run takes %s", seed, usual)
	random := rand.New(rand.NewPCG(seed, 0))
	begun, runs := time.Now(), 0
	for left := dockerKills; left > 0; runs++ {
		s := newSandbox(t)
		left -= s.disturb(random, usual, min(left, killsEach))
		if got := s.runOutput(); got != want {
			t.Errorf("a disturbed run ended with %q, want %q", got, want)
		}
		s.pass("destroy")
	}
	t.Logf("%d kills in %d runs took %s", dockerKills, runs, time.Since(begun).Round(time.Second))
}

// disturb kills and resumes a run and returns how often it did.
func (s *sandbox) disturb(random *rand.Rand, usual time.Duration, most int) (killed int) {
	s.t.Helper()
	args := s.resumeArgs("run", testdata(s.t, "resume.hcl"), "--var", "dir="+s.dir)
	finished := map[string]int{}
	for killed < most {
		p := s.start(args...)
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(usual))), func() { _ = p.cmd.Process.Kill() })
		code := p.wait()
		if timer.Stop(); code == passed {
			break
		}
		if code >= 0 {
			s.t.Fatalf("got exit code %d: %s", code, p)
		}
		killed++
		if begun := s.remember(finished); begun {
			args = s.resumeArgs("resume")
		}
	}
	if killed == most {
		if r := s.dcosflow(args...); r.code != passed && !strings.Contains(r.stderr, "has passed") {
			s.t.Fatal(r)
		}
	}
	counts := s.marks()
	for mark, before := range finished {
		if counts[mark] != before {
			s.t.Errorf("%s had finished when it stood there %d times; now %d", mark, before, counts[mark])
		}
	}
	return killed
}

// markOf is what an instance of resume.hcl leaves.
var markOf = map[string]string{
	"step.keys": "step.keys", "step.last": "step.last",
	`step.first["box-0"]`: "box-0 step.first same", `step.first["box-1"]`: "box-1 step.first same",
	`step.roll["box-0"]`: "box-0 step.roll", `step.roll["box-1"]`: "box-1 step.roll",
	`step.late["left"]`: "box-0 step.late.left", `step.late["right"]`: "box-0 step.late.right",
}

// remember counts the marks of what the journal says to have succeeded, and
// says whether the run had begun.
func (s *sandbox) remember(finished map[string]int) (begun bool) {
	s.t.Helper()
	if len(s.runs()) == 0 {
		return false
	}
	text, err := os.ReadFile(s.path(".dcosflow/runs/" + s.lastRun() + "/journal.jsonl"))
	if os.IsNotExist(err) {
		return false
	}
	if err != nil {
		s.t.Fatal(err)
	}
	counts := s.marks()
	for line := range strings.Lines(string(text)) {
		var r record
		var ended struct{ Address, State string }
		if !strings.HasSuffix(line, "\n") || json.Unmarshal([]byte(line), &r) != nil {
			break
		}
		begun = true
		if r.Kind != "instance_ended" || json.Unmarshal(r.Event, &ended) != nil || ended.State != "succeeded" {
			continue
		}
		if mark, ok := markOf[ended.Address]; ok {
			if _, known := finished[mark]; !known {
				finished[mark] = counts[mark]
			}
		}
	}
	return begun
}

// marks counts the lines beside the workflow and on the nodes, these with the
// node's name before them.
func (s *sandbox) marks() map[string]int {
	s.t.Helper()
	counts := map[string]int{}
	count := func(prefix, text string) {
		for line := range strings.Lines(text) {
			counts[prefix+strings.TrimSpace(line)]++
		}
	}
	text, err := os.ReadFile(s.path("marks"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	count("", string(text))
	for _, container := range fields(dockerText(s.t, "ps", "--filter", "label=dcosflow.run="+s.lastRun(), "--format", "{{.Names}}")) {
		node := dockerText(s.t, "inspect", "--format", `{{index .Config.Labels "dcosflow.node"}}`, container)
		count(node+" ", finish(s.t, command(s.t, "docker", "exec", container, "cat", "/marks")).stdout)
	}
	return counts
}

// runOutput is the last output of the newest run.
func (s *sandbox) runOutput() string {
	s.t.Helper()
	var outputs struct{ All string }
	for _, r := range slices.Backward(s.journal(s.lastRun())) {
		var ended struct {
			Outputs json.RawMessage `json:"outputs"`
		}
		if r.Kind == "run_ended" && json.Unmarshal(r.Event, &ended) == nil && json.Unmarshal(ended.Outputs, &outputs) == nil {
			return outputs.All
		}
	}
	s.t.Fatal("the journal does not say that the run ended")
	return ""
}

// testLostNode removes one node and stops the other: both are made anew.
func testLostNode(t *testing.T) {
	s := newSandbox(t)
	s.pass(s.resumeArgs("run", testdata(t, "resume.hcl"), "--var", "dir="+s.dir)...)
	label := "label=dcosflow.run=" + s.lastRun()
	first := dockerText(t, "ps", "-q", "--filter", label, "--filter", "label=dcosflow.node=box-0")
	dockerText(t, "kill", dockerText(t, "ps", "-q", "--filter", label, "--filter", "label=dcosflow.node=box-1"))
	r := s.pass(s.resumeArgs("resume", "--from", "step.last")...)
	r.says(t, `provision.c["box-1"]: box-1 is gone or stopped`, `step.first["box-1"]: provision.c["box-1"] runs again`)
	if got := dockerText(t, "ps", "-q", "--filter", label, "--filter", "label=dcosflow.node=box-0"); got != first {
		t.Errorf("box-0 was made anew: got container %s, want %s", got, first)
	}
	marks := s.marks()
	for mark, want := range map[string]int{"step.keys": 1, "box-0 step.first same": 1, "box-1 step.first same": 1, "box-1 step.roll": 1, "step.last": 2} {
		if marks[mark] != want {
			t.Errorf("%s: got %d times, want %d (a new node has none of before)", mark, marks[mark], want)
		}
	}
	s.pass("destroy")
}
