package wrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/backends"
)

// shells are the ones that are looked for on this machine; sh is always there.
var shells = []string{"sh", "dash", "bash", "busybox"}

// start runs a wrapped command the way a transport does, with a shell of
// choice, and returns what stops its input.
func start(t *testing.T, shell string, cmd backends.Command, streams *Streams) (*exec.Cmd, io.Closer) {
	t.Helper()
	args := Args(cmd)
	if shell == "busybox" {
		args = append([]string{"busybox"}, args...)
	} else {
		args[0] = shell
	}
	c := exec.Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), Env(cmd)...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Stdout, c.Stderr = streams.Stdout(), streams.Stderr()
	// Not c.StdinPipe, which Wait closes.
	input, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin = input
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	input.Close()
	t.Cleanup(func() { stdin.Close() })
	if cmd.Stdin != nil {
		if _, err := io.Copy(stdin, cmd.Stdin); err != nil {
			t.Fatal(err)
		}
		stdin.Close()
	}
	return c, stdin
}

func eachShell(t *testing.T, test func(t *testing.T, shell string)) {
	for _, shell := range shells {
		if _, err := exec.LookPath(shell); err == nil {
			t.Run(shell, func(t *testing.T) { test(t, shell) })
		}
	}
}

func TestArgs(t *testing.T) {
	raw := "\xff\xfe\\n%s$HOME\n\n"
	tests := []struct {
		name           string
		cmd            backends.Command
		stdout, stderr string
		code           int
	}{
		{"streams", backends.Command{Args: []string{"sh", "-c", "echo out; echo err >&2"}}, "out\n", "err\n", 0},
		{"literal arguments", backends.Command{Args: []string{"printf", "%s|", "", "a b", "$HOME", "-n", "'"}}, "|a b|$HOME|-n|'|", "", 0},
		{"exit code", backends.Command{Args: []string{"sh", "-c", "exit 42"}}, "", "", 42},
		{"directory", backends.Command{Args: []string{"pwd"}, Dir: "/usr"}, "/usr\n", "", 0},
		{"no input", backends.Command{Args: []string{"cat"}}, "", "", 0},
		{"input", backends.Command{Args: []string{"cat"}, Stdin: strings.NewReader("a\x00b")}, "a\x00b", "", 0},
		{"variable", backends.Command{Args: []string{"sh", "-c", `printf %s "$V"`}, Env: map[string]string{"V": "a b\n"}}, "a b\n", "", 0},
		{"variable that is no text", backends.Command{Args: []string{"sh", "-c", `printf %s "$V"`}, Env: map[string]string{"V": raw}}, raw, "", 0},
	}
	eachShell(t, func(t *testing.T, shell string) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if r, ok := tt.cmd.Stdin.(*strings.Reader); ok {
					_, _ = r.Seek(0, io.SeekStart)
				}
				var out, stderr bytes.Buffer
				streams := NewStreams(&out, &stderr)
				c, stdin := start(t, shell, tt.cmd, streams)
				_ = c.Wait()
				stdin.Close()
				if code := c.ProcessState.ExitCode(); code != tt.code || out.String() != tt.stdout || stderr.String() != tt.stderr {
					t.Errorf("got code %d, stdout %q, stderr %q, want %d, %q, %q", code, out.String(), stderr.String(), tt.code, tt.stdout, tt.stderr)
				}
				if streams.Group() != c.Process.Pid {
					t.Errorf("group: got %d, want %d", streams.Group(), c.Process.Pid)
				}
			})
		}
	})
}

func TestUnstartable(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		streams := NewStreams(nil, nil)
		c, stdin := start(t, shell, backends.Command{Args: []string{"true"}, Dir: "/nonexistent"}, streams)
		defer stdin.Close()
		_ = c.Wait()
		if streams.Group() != 0 || !strings.Contains(streams.Refusal(), "/nonexistent") || c.ProcessState.ExitCode() != 126 {
			t.Errorf("missing directory: got group %d, refusal %q, %v, want 0, the directory's name, exit status 126", streams.Group(), streams.Refusal(), c.ProcessState)
		}
	})
}

// stubborn ignores TERM, and so does its child.
const stubborn = `trap "" TERM; sh -c 'trap "" TERM; while :; do sleep 0.05; done' & echo ready; while :; do sleep 0.05; done`

// polite ends at TERM, but its child does not.
const polite = `sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done' & wait`

// running starts a script in a group of its own and waits for its "ready".
func running(t *testing.T, shell, script string, cmd backends.Command) (*exec.Cmd, io.Closer) {
	t.Helper()
	ready := make(chan struct{})
	cmd.Args = []string{"sh", "-c", script}
	streams := NewStreams(writerFunc(func(p []byte) (int, error) { close(ready); return len(p), nil }), nil)
	c, stdin := start(t, shell, cmd, streams)
	ended := make(chan struct{})
	go func() { // at once: a zombie would count as alive
		defer close(ended)
		_ = c.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		stdin.Close()
		<-ended
	})
	select {
	case <-ready:
	case <-time.After(10 * time.Second):
		t.Fatal("the command does not start")
	}
	return c, stdin
}

// eventually waits until done says so.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !done() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s does not happen", what)
		}
	}
}

// guarded says that a watchdog looks after the group.
func guarded(group int) bool {
	out, _ := exec.Command("ps", "-ww", "-eo", "args").Output()
	return strings.Contains(string(out), fmt.Sprintf(" sh %d %s\n", group, tenths(0)))
}

func alive(group int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-g", strconv.Itoa(group)).Output()
	for state := range strings.Lines(string(out)) {
		if !strings.HasPrefix(state, "Z") {
			return true
		}
	}
	return false
}

func TestStop(t *testing.T) {
	for name, script := range map[string]string{"stubborn": stubborn, "polite": polite} {
		t.Run(name, func(t *testing.T) {
			c, _ := running(t, "sh", script, backends.Command{})
			args := Stop(c.Process.Pid, 200*time.Millisecond)
			if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Errorf("stop: %v %s", err, out)
			}
			if alive(c.Process.Pid) {
				t.Error("the group is alive after stop, want it gone")
			}
		})
	}
}

// The end of its input, that is of the tool, stops a command with its group.
func TestWatchdog(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		for name, script := range map[string]string{"stubborn": stubborn, "polite": polite} {
			t.Run(name, func(t *testing.T) {
				c, stdin := running(t, shell, script, backends.Command{StopTimeout: 200 * time.Millisecond})
				stdin.Close()
				eventually(t, "the end of the group", func() bool { return !alive(c.Process.Pid) })
			})
		}
	})
}

// What a command leaves behind when it ends by itself is none of the watchdog's
// business.
func TestDaemonsStay(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		streams := NewStreams(nil, nil)
		c, stdin := start(t, shell, backends.Command{Args: []string{"sh", "-c", "sleep 60 >/dev/null 2>&1 &"}}, streams)
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		group := c.Process.Pid
		defer func() { _ = syscall.Kill(-group, syscall.SIGKILL) }()
		eventually(t, "the start of the watchdog", func() bool { return guarded(group) })
		stdin.Close()
		eventually(t, "the end of the watchdog", func() bool { return !guarded(group) })
		if !alive(group) {
			t.Error("the daemon is gone, want it alive")
		}
	})
}

func TestStreams(t *testing.T) {
	var out, stderr bytes.Buffer
	s := NewStreams(&out, &stderr)
	write := func(w io.Writer, text string) {
		t.Helper()
		if n, err := io.WriteString(w, text); n != len(text) || err != nil {
			t.Fatalf("write %q: got %d, %v", text, n, err)
		}
	}
	write(s.Stdout(), "early ")
	write(s.Stderr(), "dcosflow-gr")
	if out.Len() > 0 || s.Refusal() != "early dcosflow-gr" {
		t.Errorf("before the marker: got output %q, refusal %q, want none, all of it", out.String(), s.Refusal())
	}
	write(s.Stderr(), "oup 12\nerr")
	write(s.Stdout(), "late")
	if s.Group() != 12 || out.String() != "early late" || stderr.String() != "err" || s.Tail() != "err" {
		t.Errorf("got group %d, stdout %q, stderr %q, tail %q, want 12, %q, %q, %q", s.Group(), out.String(), stderr.String(), s.Tail(), "early late", "err", "err")
	}
	write(s.Stderr(), strings.Repeat("x", 3*tailLimit)+"end")
	if tail := s.Tail(); len(tail) != tailLimit || !strings.HasSuffix(tail, "xend") {
		t.Errorf("tail: got %d bytes, want the last %d", len(tail), tailLimit)
	}
	broken := errors.New("broken")
	s = NewStreams(writerFunc(func([]byte) (int, error) { return 0, broken }), nil)
	write(s.Stderr(), marker+"1\n")
	if _, err := io.WriteString(s.Stdout(), "x"); !errors.Is(err, broken) || !errors.Is(s.Failed(), broken) {
		t.Errorf("a writer that fails: got %v, %v, want %v", err, s.Failed(), broken)
	}
}
