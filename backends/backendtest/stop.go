package backendtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/backends"
)

var errStop = errors.New("the test stops it")

// TestStop checks that the end of a context ends a command with its whole
// process group, and what Run returns then.
func TestStop(t *testing.T, tr backends.Transport, opts Options) {
	t.Run("kills the whole group", func(t *testing.T) { testKillsGroup(t, tr) })
	t.Run("deadline", func(t *testing.T) { testDeadline(t, tr) })
	t.Run("TERM comes first", func(t *testing.T) { testTermFirst(t, tr) })
	t.Run("KILL comes after the stop timeout", func(t *testing.T) { testKillLater(t, tr) })
	t.Run("before the start", func(t *testing.T) { testStoppedBefore(t, tr, opts) })
	t.Run("while stdin stays open", func(t *testing.T) { testStopOpenStdin(t, tr) })
}

// stopWhen runs a command and stops it at the line "ready". It returns the
// lines before it, all output, how long the stop took, and what Run returned.
func stopWhen(t *testing.T, tr backends.Transport, cmd backends.Command) (before []string, all string, took time.Duration, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	var begin time.Time
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, &lines{send: func(line string) {
		if line == "ready" {
			begin = time.Now()
			stop(errStop)
		} else if begin.IsZero() {
			before = append(before, line)
		}
	}})
	err = tr.Run(ctx, cmd)
	if begin.IsZero() {
		t.Fatalf("the command ended before its line \"ready\": %v, output %q", err, out.String())
	}
	return before, out.String(), time.Since(begin), err
}

// alive tells whether a process of the machine runs; a zombie does not.
func alive(t *testing.T, tr backends.Transport, pid string) bool {
	t.Helper()
	state := mustRun(t, tr, shell(`sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null || true`, pid)...)
	state = strings.TrimSpace(state)
	return state != "" && state != "Z" && state != "X"
}

func wantDead(t *testing.T, tr backends.Transport, pids []string) {
	t.Helper()
	for _, pid := range pids {
		if alive(t, tr, pid) {
			t.Errorf("process %s of the group lives after Run returned, want it dead", pid)
		}
	}
}

const family = `
sleep 600 & echo $!
sh -c 'sleep 600 & echo $!; wait' &
sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' </dev/null 2>/dev/null &
echo $$
sleep 0.5
echo ready
wait`

func testKillsGroup(t *testing.T, tr backends.Transport) {
	pids, _, _, err := stopWhen(t, tr, backends.Command{Args: shell(family), StopTimeout: time.Second})
	if !errors.Is(err, errStop) {
		t.Errorf("got %v, want the cause %v", err, errStop)
	}
	if len(pids) != 4 {
		t.Fatalf("got process ids %q, want 4", pids)
	}
	wantDead(t, tr, pids)
}

func testDeadline(t *testing.T, tr backends.Transport) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begin := time.Now()
	var out bytes.Buffer
	err := tr.Run(ctx, backends.Command{Args: shell(`echo $$; exec sleep 600`), Stdout: &out})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("took %v, want about a second", took)
	}
	wantDead(t, tr, strings.Fields(out.String()))
}

func testTermFirst(t *testing.T, tr backends.Transport) {
	script := `trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done`
	_, all, took, err := stopWhen(t, tr, backends.Command{Args: shell(script), StopTimeout: 30 * time.Second})
	if !errors.Is(err, errStop) {
		t.Errorf("got %v, want the cause %v", err, errStop)
	}
	wantText(t, "output with the trap's", all, "ready\nbye\n")
	if took > 20*time.Second {
		t.Errorf("took %v, want it to end with the trap, not with the stop timeout", took)
	}
}

func testKillLater(t *testing.T, tr backends.Transport) {
	script := `trap "" TERM; echo $$; echo ready; while :; do sleep 0.1; done`
	pids, _, took, err := stopWhen(t, tr, backends.Command{Args: shell(script), StopTimeout: 700 * time.Millisecond})
	if !errors.Is(err, errStop) {
		t.Errorf("got %v, want the cause %v", err, errStop)
	}
	if took < 500*time.Millisecond || took > 20*time.Second {
		t.Errorf("took %v, want about the stop timeout of 700ms", took)
	}
	wantDead(t, tr, pids)
}

func testStoppedBefore(t *testing.T, tr backends.Transport, opts Options) {
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errStop)
	marker := scratch(t, tr, opts)
	if err := tr.Run(ctx, backends.Command{Args: []string{"mkdir", marker}}); !errors.Is(err, errStop) {
		t.Errorf("got %v, want the cause %v", err, errStop)
	}
	if got := run(t, tr, backends.Command{Args: []string{"test", "-e", marker}}); got.err == nil {
		t.Error("the command ran, want it never started")
	}
}

func testStopOpenStdin(t *testing.T, tr backends.Transport) {
	stdin, keep := io.Pipe()
	defer keep.Close()
	pids, _, _, err := stopWhen(t, tr, backends.Command{
		Args: shell(`echo $$; echo ready; cat`), Stdin: stdin, StopTimeout: time.Second,
	})
	if !errors.Is(err, errStop) {
		t.Errorf("got %v, want the cause %v", err, errStop)
	}
	wantDead(t, tr, pids)
}
