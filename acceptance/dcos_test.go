package acceptance

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// The releases that the stand-in installers say they are.
const (
	oldRelease = "1.13.9"
	newRelease = "2.2.9"
)

// standins makes the installers once.
var standins = sync.OnceValues(func() (map[string]string, error) {
	paths := map[string]string{}
	for bundle, release := range map[string]string{"from": oldRelease, "to": newRelease} {
		dir := filepath.Join(scratch.dir, "standin", release)
		if err := makeStandin(release, dir); err != nil {
			return nil, err
		}
		paths[bundle] = filepath.Join(dir, "dcos_generate_config.sh")
	}
	return paths, nil
})

// enterprise makes an installer of the Enterprise variant once.
var enterprise = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch.dir, "standin", newRelease+"-ee")
	return filepath.Join(dir, "dcos_generate_config.ee.sh"), makeStandin(newRelease, dir, "-ee")
})

func makeStandin(release, dir string, flags ...string) error {
	args := append([]string{"run", "./standin", "-release", release, "-out", dir}, flags...)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("make the stand-in of %s: %w\n%s", release, err, out)
	}
	return nil
}

var imageOfInstaller = regexp.MustCompile(`mesosphere/dcos-genconf:\S+`)

// forgetInstallers removes the images that the installers loaded.
func forgetInstallers() {
	paths, err := filepath.Glob(filepath.Join(scratch.dir, "standin/*/dcos_generate_config*.sh"))
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err == nil {
			// Gone already is as good.
			_ = exec.Command("docker", "image", "rm", "--force", string(imageOfInstaller.Find(raw))).Run()
		}
	}
}

// installers is the variable that names both.
func installers(t *testing.T) string {
	t.Helper()
	paths, err := standins()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(paths)
	if err != nil {
		t.Fatal(err)
	}
	return "installers=" + string(raw)
}

// dcosRun is a sandbox whose installers write a journal, with the arguments to
// run a workflow.
func dcosRun(t *testing.T, workflow string, variables ...string) (*sandbox, []string) {
	t.Helper()
	s := newSandbox(t)
	return s.journaling(), append([]string{"run", workflow, "--var", installers(t)}, vars(variables)...)
}

func (s *sandbox) journaling() *sandbox {
	s.env = append(s.env, "DCOS_STANDIN_JOURNAL="+s.path("calls"))
	return s
}

// installSeconds is how long each node's install sleeps in the run of
// upgradedSix: much longer than what it really does, also on a busy machine.
const installSeconds = 20

// six is the result of that run.
var six struct {
	once   sync.Once
	result *result
}

// upgradedSix returns the sandbox in which the shipped workflow upgraded six
// nodes. It runs once for all tests.
func upgradedSix(t *testing.T) *sandbox {
	t.Helper()
	s := (&sandbox{t: t, dir: filepath.Join(scratch.dir, "six"), bin: scratch.bin}).journaling()
	six.once.Do(func() {
		if err := os.Mkdir(s.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		r := s.dcosflow("run", project(t, upgradeTest), "--var", installers(t),
			"--var", fmt.Sprintf("config={standin={install_seconds=%d}}", installSeconds))
		six.result = &r
	})
	if six.result == nil || six.result.code != passed {
		t.Fatalf("the shared run must pass, got %v", six.result)
	}
	return s
}

const upgradeTest = "workflows/dcos/upgrade-test.hcl"

// call is a line of the installers' journal.
type call struct {
	phase, bundle, container, args string
}

// calls reads the journal of the installers.
func (s *sandbox) calls() []call {
	s.t.Helper()
	text, err := os.ReadFile(s.path("calls"))
	if err != nil {
		s.t.Fatal(err)
	}
	var list []call
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			s.t.Fatalf("call %q: want five fields", line)
		}
		list = append(list, call{phase: f[1], bundle: filepath.Base(f[2]), container: f[3], args: f[4]})
	}
	return list
}

// count is how many calls there are of a phase with the arguments.
func count(calls []call, bundle, phase, args string) int {
	n := 0
	for _, c := range calls {
		if c.bundle == bundle && c.phase == phase && c.args == args {
			n++
		}
	}
	return n
}

// took is how long an instance worked.
func (s *sandbox) took(address string) time.Duration {
	s.t.Helper()
	i, ok := s.instances()[address]
	if !ok || i.ended.IsZero() {
		s.t.Fatalf("%s did not work: %v", address, i)
	}
	return i.ended.Sub(i.started)
}

// installerContainers are those that the installers of a run left.
func installerContainers(t *testing.T, calls []call) []string {
	t.Helper()
	var left []string
	for _, c := range calls {
		left = append(left, fields(dockerText(t, "ps", "--all", "--filter", "name="+c.container, "--format", "{{.Names}}"))...)
	}
	return left
}

// onNode runs a shell command on a node.
func onNode(t *testing.T, container, shell string) result {
	t.Helper()
	return finish(t, command(t, "docker", "exec", container, "/bin/bash", "-c", shell))
}

// lineOf is FILE:LINE of the first line with the text.
func lineOf(t *testing.T, file, text string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(raw), text)
	if !found {
		t.Fatalf("%s has no %q", file, text)
	}
	return fmt.Sprintf("%s:%d", filepath.Base(file), 1+strings.Count(before, "\n"))
}
