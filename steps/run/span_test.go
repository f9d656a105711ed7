package run_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/run"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

// background is a command in the background, on a node that is this machine.
type background struct {
	t    *testing.T
	span steps.Span
	env  steps.Env
	// said passes on what it prints.
	said *io.PipeReader
}

func newBackground(t *testing.T, a args) *background {
	t.Helper()
	b := &background{t: t, span: newSpan(t, a)}
	b.env = stepstest.NewWorld(local.Transport{}, stepstest.Node("box-0", local.Transport{})).Env
	b.env.Run, b.env.Address = "run-"+strings.ReplaceAll(t.Name(), "/", "-"), "step.load"
	said, stdout := io.Pipe()
	b.said, b.env.Stdout = said, stdout
	t.Cleanup(func() { _ = said.Close() })
	return b
}

func newSpan(t *testing.T, a args) steps.Span {
	t.Helper()
	typ := run.Type()
	s, err := typ.NewSpan(stepstest.Config(t, &typ.Schema, a))
	if err != nil {
		t.Fatalf("new span: %v", err)
	}
	return s
}

// start begins the command and waits for the first line that it prints.
func (b *background) start(first string) {
	b.t.Helper()
	if _, err := b.span.Start(b.t.Context(), b.env); err != nil {
		b.t.Fatalf("start: %v", err)
	}
	got := make([]byte, len(first))
	if _, err := io.ReadFull(b.said, got); err != nil || string(got) != first {
		b.t.Fatalf("it printed %q, %v, want %q", got, err, first)
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		_, _ = io.Copy(io.Discard, b.said)
	}()
	b.t.Cleanup(func() { _ = b.said.Close(); <-rest })
}

func (b *background) end() cty.Value {
	b.t.Helper()
	out, err := b.span.End(b.t.Context(), b.env, cty.NilVal)
	if err != nil {
		b.t.Fatalf("end: %v", err)
	}
	return out
}

func TestRule16_BackgroundIsStopped(t *testing.T) {
	tests := []struct {
		name, script, stdin, first, stdout string
		stopTimeout                        time.Duration
	}{
		{"at TERM", `trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done`, "", "ready\n", "ready\nbye\n", time.Minute},
		{"at KILL", `trap '' TERM; echo ready; while :; do sleep 0.05; done`, "", "ready\n", "ready\n", 300 * time.Millisecond},
		{"with input", `read -r a; echo "$a"; exec cat - /dev/zero >/dev/null`, "some input\nand more", "some input\n", "some input\n", time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBackground(t, args{"script": tt.script, "stdin": tt.stdin, "env": map[string]string{"A": "b"}})
			b.env.StopTimeout = tt.stopTimeout
			b.start(tt.first)
			begin := time.Now()
			out := b.end()
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("it took %s to end", took)
			}
			if got := out.GetAttr("stdout").AsString(); got != tt.stdout || !out.GetAttr("exit_code").IsNull() {
				t.Errorf("got %q, exit code %#v, want %q and none", got, out.GetAttr("exit_code"), tt.stdout)
			}
		})
	}
}

func TestRule16_BackgroundEndsByItself(t *testing.T) {
	tests := []struct {
		name, script, want string
		codes              []int
		code               int64
	}{
		{"success", "echo ready", "", []int{0}, 0},
		{"a code that is allowed", "echo ready; exit 3", "", []int{0, 3}, 3},
		{"failure", "echo ready; exit 3", "/bin/sh: exit code 3", []int{0}, 3},
		{"another code wanted", "echo ready", "/bin/sh on box-0: exit code 0, but exit_codes is [3]", []int{3}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBackground(t, args{"script": tt.script, "exit_codes": tt.codes})
			b.start("ready\n")
			err := b.span.Wait(t.Context())
			if got := message(err); got != tt.want {
				t.Errorf("wait: got %q, want %q", got, tt.want)
			}
			if tt.want != "" && !errors.As(err, new(*backends.ExitError)) {
				t.Errorf("wait: got %T, want *backends.ExitError in it", err)
			}
			if code, _ := b.end().GetAttr("exit_code").AsBigFloat().Int64(); code != tt.code {
				t.Errorf("exit code: got %d, want %d", code, tt.code)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBackgroundWaitsForTheContext(t *testing.T) {
	b := newBackground(t, args{"script": "echo ready; exec sleep 600"})
	b.start("ready\n")
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(over)
	if err := b.span.Wait(ctx); !errors.Is(err, over) {
		t.Errorf("wait: got %v, want %v", err, over)
	}
	b.end()
}

// What a process that died has left is found and stopped by another.
func TestBackgroundIsEndedByAnother(t *testing.T) {
	a := args{"script": "trap '' TERM; echo ready; while :; do sleep 0.05; done"}
	b := newBackground(t, a)
	b.env.StopTimeout = 200 * time.Millisecond
	b.start("ready\n")
	if _, err := newSpan(t, a).End(t.Context(), b.env, cty.NilVal); err != nil {
		t.Fatalf("end by another: %v", err)
	}
	err := b.span.Wait(t.Context())
	var exit *backends.ExitError
	if !errors.As(err, &exit) || exit.Signal != "KILL" {
		t.Errorf("wait: got %v, want the signal KILL", err)
	}
	b.end()
	if _, err := newSpan(t, a).End(t.Context(), b.env, cty.NilVal); err != nil {
		t.Errorf("end of nothing: got %v, want nothing", err)
	}
}

// Nothing runs on a node that is stopped; on one that does not answer, nobody
// knows.
func TestBackgroundOnALostNode(t *testing.T) {
	lost := &backends.TroubleError{Op: "run", Err: errors.New("machine lost")}
	tr, calls := fake.NewTransport("box-0", fake.Script{Err: lost})
	env := stepstest.NewWorld(local.Transport{}, stepstest.Node("box-0", tr)).Env
	if _, err := newSpan(t, args{"command": []string{"true"}}).End(t.Context(), env, cty.NilVal); !errors.Is(err, lost) {
		t.Errorf("end on a lost node: got %v, want %v", err, lost)
	}
	env.Node.Stopped = true
	if _, err := newSpan(t, args{"command": []string{"true"}}).End(t.Context(), env, cty.NilVal); err != nil || len(calls()) != 1 {
		t.Errorf("end on a stopped node: got %v after %d commands, want nothing more", err, len(calls()))
	}
}

func TestBackgroundWithoutPlace(t *testing.T) {
	w := stepstest.NewWorld(local.Transport{}, nil)
	s := newSpan(t, args{"command": []string{"true"}})
	if _, err := s.Start(t.Context(), w.Env); err == nil || !strings.Contains(err.Error(), "run has no node") {
		t.Errorf("start: got %v, want that it has no node", err)
	}
}
