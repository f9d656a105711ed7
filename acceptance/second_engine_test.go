package acceptance

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A second, newer engine, that is stopped and started in the middle of a run: the
// run ends with the cause, and removes its machines once the engine is back.
func TestEngineIsRestarted(t *testing.T) {
	engine := newSecondEngine(t)
	s := newSandbox(t)
	s.env = []string{"DOCKER_HOST=" + engine.host}

	s.pass("run", testdata(t, "interrupt.hcl"), "--var", "hang=false", "--var", "marker="+s.path("marker"))

	p := s.start("run", testdata(t, "interrupt.hcl"), "--var", "marker="+s.path("marker"))
	eventually(t, "both nodes are at work", time.Minute, func() bool {
		p.mustLive()
		return strings.Count(p.String(), "start    step.hang[") == 2
	})
	begin := time.Now()
	engine.pass("exec", "engine-0", "--", "systemctl", "stop", "docker.service", "docker.socket")
	eventually(t, "the clean-up lacks the engine", patience, func() bool {
		p.mustLive()
		return strings.Contains(p.String(), "cannot be removed yet")
	})
	engine.pass("exec", "engine-0", "--", "systemctl", "start", "docker.service")
	if code := p.wait(); code != trouble {
		t.Errorf("got exit code %d, want %d: %s", code, trouble, p)
	}
	if took := time.Since(begin); took > patience {
		t.Errorf("it took %s to end, want at most %s", took, patience)
	}
	if text := p.String(); !strings.Contains(text, "Cannot connect to the Docker daemon at "+engine.host) {
		t.Errorf("it does not name the cause: %s", text)
	}
	left := finish(t, engine.docker("ps", "--all", "--quiet", "--filter", "label=dcosflow.run"))
	if left.code != 0 || left.stdout != "" {
		t.Errorf("machines are left on the engine, or it does not answer: %s", left)
	}
}

// secondEngine is a Docker engine on a node, which goes away with its sandbox.
type secondEngine struct {
	*sandbox
	host string
}

// newSecondEngine starts one that has the node image of interrupt.hcl.
func newSecondEngine(t *testing.T) *secondEngine {
	t.Helper()
	e := &secondEngine{sandbox: newSandbox(t)}
	e.pass("run", testdata(t, "engine.hcl"), "--keep", "always")
	var outputs struct{ Host string }
	e.outputs(&outputs)
	e.host = outputs.Host
	version := finish(t, e.docker("info", "--format", "{{.ServerVersion}} {{.Driver}}"))
	t.Logf("the second engine is %s", version.stdout)
	if !strings.HasPrefix(version.stdout, "26.") || !strings.Contains(version.stdout, "overlay2") {
		t.Errorf("the second engine is another one than expected: %s", version)
	}

	built := e.pass("image", "build", "debian-12").stdout
	image := strings.TrimSpace(built[strings.LastIndex(strings.TrimSpace(built), "\n")+1:])
	loaded := finish(t, command(t, "sh", "-c", `docker save "$1" | docker --host "$2" load`, "sh", image, e.host))
	if !strings.Contains(loaded.stdout, image) {
		t.Fatalf("load %s into the second engine: %s", image, loaded)
	}
	return e
}

// docker is Docker's command line for the engine, not started yet.
func (e *secondEngine) docker(args ...string) *exec.Cmd {
	return command(e.t, "docker", append([]string{"--host", e.host}, args...)...)
}
