package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/builtin"
)

// kills is how often TestKillAndResume kills the tool, in so many series side by
// side; a run is left in peace after so many.
const (
	kills     = 200
	series    = 2
	killsEach = 6
)

// killable is the tool with nodes that outlive it, for TestKillAndResume: they
// and the marks of its steps lie in the directory KILLABLE.
func killable() int {
	dir := os.Getenv("KILLABLE")
	m := marks(filepath.Join(dir, "marks"))
	cwd, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitTrouble
	}
	a := testApp(cwd, os.LookupEnv, os.Stdout, os.Stderr, lastingType(filepath.Join(dir, "nodes"), m))
	a.steps = append(slices.Clone[[]steps.Type](builtin.Types()), markType(m))
	return a.run(context.Background(), os.Args[1:])
}

// TestKillAndResume kills the tool at random moments of a run and resumes it
// until it ends: what had finished is never done again, and the run ends as one
// that nobody disturbed.
func TestKillAndResume(t *testing.T) {
	calm := newTrial(t)
	begun := time.Now()
	if !calm.start("run", "flow.hcl").wait() {
		t.Fatalf("undisturbed run: %s", calm.said())
	}
	usual := time.Since(begun)
	want := calm.ending()
	times := kills
	if racing {
		times /= 10 // the moments are tried without it too
	}
	seed := rand.Uint64()
	t.Logf("seed %d, an undisturbed run takes %s", seed, usual)
	for n := range series {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			goes := 0
			for killed := 0; killed < times/series; goes++ {
				killed += newTrial(t).disturb(random, usual, want)
			}
			t.Logf("%d kills in %d runs", times/series, goes)
		})
	}
}

// trial is one run, with its own directory.
type trial struct {
	t    *testing.T
	dir  string
	tool *exec.Cmd
	out  strings.Builder
	// finished is how often each address had been marked when it was known to
	// have succeeded.
	finished map[string]int
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	dir := t.TempDir()
	flow, err := os.ReadFile("testdata/kill.hcl")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "flow.hcl"), flow, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &trial{t: t, dir: dir, finished: map[string]int{}}
}

// disturb kills and resumes the run until it ends, and returns how often.
func (r *trial) disturb(random *rand.Rand, usual time.Duration, want ending) (killed int) {
	args := []string{"run", "flow.hcl"}
	for {
		moment := time.Duration(random.Int64N(int64(usual * 3 / 2)))
		if killed == killsEach {
			moment = time.Minute
		}
		if !r.start(args...).killAfter(moment) {
			break
		}
		killed++
		if earlier := r.load(); earlier != nil {
			r.remember(earlier)
			args = []string{"resume", earlier.Started.Run}
		}
		if earlier := r.load(); earlier != nil && earlier.Status == events.StatusPassed {
			break // killed after its last event
		}
	}
	r.wantNoProcess()
	if d := cmp.Diff(want, r.ending()); d != "" {
		r.t.Fatalf("a run killed %d times ended otherwise (-want +got):\n%s\n%s", killed, d, r.said())
	}
	counts := r.marks()
	for address, before := range r.finished {
		if counts[address] != before {
			r.t.Errorf("%s had finished after %d times and was done %d times\n%s", address, before, counts[address], r.said())
		}
	}
	return killed
}

// wantNoProcess looks for what the step in the background may have left.
func (r *trial) wantNoProcess() {
	r.t.Helper()
	mark := "DCOSFLOW_SPAN=" + r.load().Started.Run + "/"
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, path := range environments {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), mark) {
			r.t.Errorf("the process of %s is left", path)
		}
	}
}

func (r *trial) start(args ...string) *trial {
	r.t.Helper()
	r.tool = exec.Command("killable", append(args, "--keep", "always")...)
	r.tool.Dir = r.dir
	r.tool.Env = append(os.Environ(), "KILLABLE="+r.dir)
	r.tool.Stdout, r.tool.Stderr = &r.out, &r.out
	if err := r.tool.Start(); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// wait returns whether the tool ended with success.
func (r *trial) wait() bool { return r.tool.Wait() == nil }

// killAfter returns whether the tool was killed, rather than faster. Any other
// end than success fails the test.
func (r *trial) killAfter(d time.Duration) bool {
	timer := time.AfterFunc(d, func() { _ = r.tool.Process.Kill() })
	defer timer.Stop()
	err := r.tool.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return true
	}
	if err != nil {
		r.t.Fatalf("%v: %v\n%s", r.tool.Args, err, r.said())
	}
	return false
}

// load folds the journal, which must always load; nil when the run had not
// begun.
func (r *trial) load() *events.Run {
	r.t.Helper()
	list, err := journal.Runs(filepath.Join(r.dir, defaultRunDir))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range slices.Backward(list) { // one killed before it began is not the run
		run, err := journal.Load(s.Dir)
		if err != nil {
			r.t.Fatalf("the journal does not load: %v", err)
		}
		if run.Started.Run != "" {
			return run
		}
	}
	return nil
}

// remember counts what the journal says to have succeeded.
func (r *trial) remember(run *events.Run) {
	counts := r.marks()
	for _, i := range run.Instances {
		if _, known := r.finished[i.Address]; !known && succeededOnce(i) {
			r.finished[i.Address] = counts[i.Address]
		}
	}
}

func succeededOnce(i *events.Instance) bool {
	return (i.State == events.Succeeded || i.State == events.Reused) && !i.Finaliser
}

func (r *trial) marks() map[string]int {
	counts := map[string]int{}
	content, err := os.ReadFile(filepath.Join(r.dir, "marks"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		counts[strings.TrimSpace(line)]++
	}
	return counts
}

// ending is what must be the same for every run.
type ending struct {
	Exit    int
	Outputs map[string]json.RawMessage
	Done    []string
	States  map[string]bool
}

func (r *trial) ending() ending {
	r.t.Helper()
	run := r.load()
	if run == nil || run.Ended == nil {
		r.t.Fatalf("the run has not ended\n%s", r.said())
	}
	e := ending{Exit: run.Ended.Exit, Outputs: run.Ended.Outputs, States: map[string]bool{}}
	e.Done = slices.Sorted(maps.Keys(r.marks()))
	for _, i := range run.Instances {
		e.States[i.Address] = i.State == events.Succeeded || i.State == events.Reused
	}
	return e
}

func (r *trial) said() string { return r.out.String() }
