package acceptance

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestA37_InterruptedRun(t *testing.T) {
	t.Run("SIGINT", func(t *testing.T) {
		s := newSandbox(t)
		p := s.startHanging()
		id := s.lastRun()
		p.signal(os.Interrupt)
		if code := p.wait(); code != interrupted {
			t.Errorf("got exit code %d, want %d: %s", code, interrupted, p)
		}
		if left := labelled(t, "dcosflow.run="+id); !left.empty() {
			t.Errorf("after SIGINT there still are %v", left)
		}
		if _, err := os.Stat(s.path("marker")); err != nil {
			t.Errorf("the finaliser did not run: %v", err)
		}
	})

	t.Run("SIGINT, kept", func(t *testing.T) {
		s := newSandbox(t)
		p := s.startHanging("--keep", "always")
		p.signal(os.Interrupt)
		if code := p.wait(); code != interrupted {
			t.Errorf("got exit code %d, want %d: %s", code, interrupted, p)
		}
		nodes := containers(t, s.lastRun())
		if len(nodes) != 2 {
			t.Errorf("got the nodes %v, want both to stay", nodes)
		}
		for _, container := range nodes {
			if s.hangs(container) {
				t.Errorf("the processes of the step live on %s", container)
			}
		}
	})

	t.Run("SIGINT twice", func(t *testing.T) {
		s := newSandbox(t)
		p := s.startHanging("--var", "linger=86414")
		id := s.lastRun()
		p.signal(os.Interrupt)
		eventually(t, "the finaliser runs", time.Minute, func() bool {
			_, err := os.Stat(s.path("marker"))
			return err == nil
		})
		begin := time.Now()
		p.signal(os.Interrupt)
		if code := p.wait(); code != interrupted {
			t.Errorf("got exit code %d, want %d: %s", code, interrupted, p)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("it took %s to stop at once", took)
		}
		if want := "dcosflow destroy " + id; !strings.Contains(p.String(), want) {
			t.Errorf("it does not say %q: %s", want, p)
		}
		if left := containers(t, id); len(left) != 2 {
			t.Errorf("got the nodes %v, want both to be left", left)
		}
		s.pass("destroy", id)
		if left := labelled(t, "dcosflow.run="+id); !left.empty() {
			t.Errorf("after destroy there still are %v", left)
		}
	})

	t.Run("SIGKILL", func(t *testing.T) {
		s := newSandbox(t)
		killed := s.startHanging("--keep", "on-failure")
		dead := s.lastRun()
		killed.signal(syscall.SIGKILL)
		killed.wait()
		left := labelled(t, "dcosflow.run="+dead)
		if len(left.containers) != 2 {
			t.Fatalf("a killed run should leave its two nodes, got %v", left)
		}

		foreign := left.containers[0] + "-foreign"
		dockerText(t, "create", "--name", foreign, "--label", "dcosflow-like=yes", dockerText(t, "inspect", "--format", "{{.Image}}", left.containers[0]))
		t.Cleanup(func() { dockerText(t, "rm", "--force", "--volumes", foreign) })
		alive := newSandbox(t)
		living := alive.start("run", testdata(t, "wait-for-file.hcl"), "--var", "file="+alive.path("go"))
		alive.untilContainers(1, living)

		s.pass("clean").says(t, dead)
		if left := labelled(t, "dcosflow.run="+dead); !left.empty() {
			t.Errorf("after clean there still are %v", left)
		}
		if runs := s.runs(); len(runs) != 0 {
			t.Errorf("after clean there still are the directories of %v", runs)
		}
		if got := dockerText(t, "ps", "--all", "--filter", "name="+foreign, "--format", "{{.Names}}"); got != foreign {
			t.Errorf("clean removed the foreign container %s", foreign)
		}

		// clean from any directory leaves a run alone whose owner lives.
		alive.write("go", "")
		if code := living.wait(); code != passed {
			t.Errorf("the run that lived got exit code %d, want 0: %s", code, living)
		}
	})

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		s.pass("run", testdata(t, "interrupt.hcl"), "--var", "hang=false", "--var", "marker="+s.path("marker"))
	})
}

// startHanging starts a run and returns when its step hangs on both nodes.
func (s *sandbox) startHanging(flags ...string) *process {
	s.t.Helper()
	p := s.start(append([]string{"run", testdata(s.t, "interrupt.hcl"), "--var", "marker=" + s.path("marker")}, flags...)...)
	for _, container := range s.untilContainers(2, p) {
		eventually(s.t, "the step hangs on "+container, 2*time.Minute, func() bool {
			p.mustLive()
			return s.hangs(container)
		})
	}
	return p
}

// hangs says whether the hanging step has a process on a node.
func (s *sandbox) hangs(container string) bool {
	s.t.Helper()
	return finish(s.t, command(s.t, "docker", "exec", container, "pgrep", "-f", "sleep 86413")).code == 0
}

// untilContainers waits for the nodes of the newest run.
func (s *sandbox) untilContainers(n int, p *process) map[string]string {
	s.t.Helper()
	var nodes map[string]string
	eventually(s.t, "the nodes exist", 5*time.Minute, func() bool {
		p.mustLive()
		if len(s.runs()) == 0 {
			return false
		}
		nodes = containers(s.t, s.lastRun())
		return len(nodes) == n
	})
	return nodes
}

// process is the tool at work.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *lockedBuffer
	done chan struct{}
}

func (s *sandbox) start(args ...string) *process {
	s.t.Helper()
	p := &process{t: s.t, cmd: s.command(s.t.Context(), args...), out: &lockedBuffer{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		// The exit code is asked for later, in wait.
		_ = p.cmd.Wait()
	}()
	s.t.Cleanup(func() { <-p.done })
	return p
}

func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("%v: %s", err, p)
	}
}

// wait returns the exit code; -1 when a signal ended the process.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(2 * time.Minute):
		p.t.Fatalf("the tool does not end: %s", p)
		return 0
	}
}

func (p *process) mustLive() {
	p.t.Helper()
	select {
	case <-p.done:
		p.t.Fatalf("the tool ended too early: %s", p)
	default:
	}
}

func (p *process) String() string { return strings.Join(p.cmd.Args, " ") + "\n" + p.out.String() }

// lockedBuffer is written by the process and read by the test.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
