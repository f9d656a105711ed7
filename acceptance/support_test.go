// Package acceptance has one test per row of rows.txt. The tests run only the
// built binary, on workflows in testdata, and look at the world with docker,
// ssh and curl. Each has a negative control: the same workflow with one fact
// broken must fail with the right exit code.
package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Exit codes of the tool.
const (
	passed      = 0
	stepFailed  = 1
	wrongInput  = 2
	trouble     = 3
	interrupted = 130
)

// scratch is what the tests of a process share: a directory that goes away with
// it, and the binary, which is built once unless DCOSFLOW_BIN names one.
var scratch struct{ dir, bin string }

// TestMain makes the scratch directory and the binary.
func TestMain(m *testing.M) {
	os.Exit(withScratch(m.Run))
}

func withScratch(run func() int) int {
	dir, err := os.MkdirTemp("", "dcosflow-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	scratch.dir, scratch.bin = dir, os.Getenv("DCOSFLOW_BIN")
	if scratch.bin == "" {
		scratch.bin = filepath.Join(dir, "dcosflow")
		if out, err := exec.Command("go", "build", "-o", scratch.bin, "../cmd/dcosflow").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, out)
			return 1
		}
	}
	defer forgetInstallers()
	return run()
}

// sandbox is an empty directory to run the tool in. Machines of its runs that
// are left at the end of the test are removed.
type sandbox struct {
	t   *testing.T
	dir string
	// bin is the tool; env is added to its environment.
	bin string
	env []string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	s := &sandbox{t: t, dir: t.TempDir(), bin: scratch.bin}
	t.Cleanup(func() {
		for _, id := range s.runs() {
			if labelled(t, "dcosflow.run="+id).empty() {
				continue
			}
			if r := s.dcosflow("destroy", "--force", id); r.code != 0 {
				t.Errorf("clean up run %s: %s", id, r)
			}
		}
	})
	return s
}

// path is a file in the sandbox.
func (s *sandbox) path(name string) string { return filepath.Join(s.dir, name) }

func (s *sandbox) write(name, text string) string {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return s.path(name)
}

// runs are the ids of the runs that have a directory, oldest first.
func (s *sandbox) runs() []string {
	s.t.Helper()
	entries, err := os.ReadDir(s.path(".dcosflow/runs"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() {
			ids = append(ids, e.Name())
		}
	}
	return ids
}

// lastRun is the id of the newest run.
func (s *sandbox) lastRun() string {
	s.t.Helper()
	ids := s.runs()
	if len(ids) == 0 {
		s.t.Fatal("no run has a directory")
	}
	return ids[len(ids)-1]
}

// command is the tool with its arguments, not started yet.
func (s *sandbox) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.bin, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "CI=true")
	cmd.Env = append(cmd.Env, s.env...)
	return cmd
}

// dcosflow runs the tool to its end, also during clean-up, when the test's own
// context has ended.
func (s *sandbox) dcosflow(args ...string) result {
	s.t.Helper()
	return finish(s.t, s.command(context.WithoutCancel(s.t.Context()), args...))
}

// pass runs the tool and wants exit code 0.
func (s *sandbox) pass(args ...string) result {
	s.t.Helper()
	return s.want(passed, args...)
}

// want runs the tool and wants an exit code.
func (s *sandbox) want(code int, args ...string) result {
	s.t.Helper()
	r := s.dcosflow(args...)
	if r.code != code {
		s.t.Fatalf("want exit code %d, got %s", code, r)
	}
	return r
}

// result is a command that ended.
type result struct {
	args           []string
	code           int
	stdout, stderr string
	took           time.Duration
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d of %s\n-- stdout\n%s-- stderr\n%s", r.code, strings.Join(r.args, " "), r.stdout, r.stderr)
}

// says wants all texts in what the tool printed.
func (r result) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("it does not say %q: %s", text, r)
		}
	}
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	return result{args: cmd.Args, code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String(), took: time.Since(start)}
}

// testdata is the absolute path of a file in testdata.
func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// docker runs Docker's command line and returns the lines that it prints.
func docker(t *testing.T, args ...string) []string {
	t.Helper()
	return strings.Split(dockerText(t, args...), "\n")
}

func dockerText(t *testing.T, args ...string) string {
	t.Helper()
	r := finish(t, command(t, "docker", args...))
	if r.code != 0 {
		t.Fatal(r)
	}
	return strings.TrimSpace(r.stdout)
}

// objects are names of what Docker has, sorted.
type objects struct{ containers, volumes, networks []string }

func (o objects) empty() bool { return len(o.containers)+len(o.volumes)+len(o.networks) == 0 }

// labelled lists what bears a label.
func labelled(t *testing.T, label string) objects {
	t.Helper()
	filter := "label=" + label
	return objects{
		containers: fields(dockerText(t, "ps", "--all", "--filter", filter, "--format", "{{.Names}}")),
		volumes:    fields(dockerText(t, "volume", "ls", "--filter", filter, "--format", "{{.Name}}")),
		networks:   fields(dockerText(t, "network", "ls", "--filter", filter, "--format", "{{.Name}}")),
	}
}

func fields(text string) []string {
	f := strings.Fields(text)
	slices.Sort(f)
	return f
}

// eventually polls what cannot be waited for in another way.
func eventually(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s", what, limit)
		case <-tick.C:
		}
	}
}

// command is another program, not started yet. It may run during clean-up.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
}

// record is a line of a run's journal.
type record struct {
	Time  time.Time       `json:"time"`
	Kind  string          `json:"kind"`
	Event json.RawMessage `json:"event"`
}

// log reads the output of the first attempt of an instance without key.
func (s *sandbox) log(address, stream string) string {
	s.t.Helper()
	return s.logFile(address, "1."+stream)
}

// attemptLog reads the standard output of an attempt.
func (s *sandbox) attemptLog(address string, attempt int) string {
	s.t.Helper()
	return s.logFile(address, fmt.Sprintf("%d.stdout", attempt))
}

func (s *sandbox) logFile(address, name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(".dcosflow/runs/" + s.lastRun() + "/logs/" + address + "/" + name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// journal reads what a run recorded.
func (s *sandbox) journal(run string) []record {
	s.t.Helper()
	text, err := os.ReadFile(s.path(".dcosflow/runs/" + run + "/journal.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	var records []record
	for line := range bytes.Lines(text) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			s.t.Fatalf("journal line %q: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

// outputs decodes the outputs of the newest run.
func (s *sandbox) outputs(into any) {
	s.t.Helper()
	for _, r := range s.journal(s.lastRun()) {
		var ended struct {
			Outputs json.RawMessage `json:"outputs"`
		}
		if r.Kind != "run_ended" {
			continue
		}
		if err := json.Unmarshal(r.Event, &ended); err != nil {
			s.t.Fatal(err)
		}
		if err := json.Unmarshal(ended.Outputs, into); err != nil {
			s.t.Fatalf("outputs %s: %v", ended.Outputs, err)
		}
		return
	}
	s.t.Fatal("the journal does not say that the run ended")
}
