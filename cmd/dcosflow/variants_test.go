package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
)

// outcomes is a workflow whose variants end as they are called.
const outcomes = `
workflow "outcomes" {
  timeout = matrix.end == "late" ? "200ms" : "1m"
}
matrix {
  end = ["passed", "left", "failed", "trouble", "late"]
}
backend "fake" "sticky" {
  script {}
}
backend "fake" "box" {
  script {
    command = "lost"
    trouble = "the machine is gone"
  }
  script {
    command = "stuck"
    hang    = true
  }
  script { command = "true" }
  script {
    command   = "false"
    exit_code = 1
  }
}
cluster "c" {
  backend = backend[matrix.end == "left" ? "sticky" : "box"]
  roles   = { member = 1 }
}
step "run" "end" {
  node    = cluster.c.member[0]
  command = [{ failed = "false", trouble = "lost", late = "stuck", passed = "true", left = "true" }[matrix.end]]
}
`

func TestRule26_ExitCodeOverVariants(t *testing.T) {
	cases := []struct {
		name string
		ends string
		want int
	}{
		{"all passed", "passed", exitOK},
		{"passed, but clean-up failed", "passed left", exitCleanup},
		{"a failure is worse than that", "passed left failed", exitFailed},
		{"trouble is worse than a failure", "left trouble failed", exitTrouble},
		{"a time-out is worse than trouble", "passed late trouble failed left", exitTimedOut},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // a removal that fails is tried again for a while
			args := []string{"--variants", "3", "--keep", "never"}
			for _, end := range strings.Fields(c.ends) {
				args = append(args, "--matrix", "end="+end)
			}
			code, printed := runOutcomes(t, context.Background(), args...)
			if code != c.want {
				t.Errorf("the exit code is %d, want %d:\n%s", code, c.want, printed)
			}
		})
	}
	t.Run("an interrupt is worst", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		code, printed := runOutcomes(t, ctx)
		if code != exitInterrupted || !strings.Contains(printed, "5 variants: 5 not started") {
			t.Errorf("the exit code is %d, want %d and nothing started:\n%s", code, exitInterrupted, printed)
		}
	})
	t.Run("order", func(t *testing.T) {
		order := []int{exitInterrupted, exitTimedOut, exitTrouble, exitFailed, exitCleanup, exitOK}
		for i, bad := range order {
			for _, good := range order[i:] {
				if a, b := worse(bad, good), worse(good, bad); a != bad || b != bad {
					t.Errorf("the worse of %d and %d is %d and %d, want %d", bad, good, a, b, bad)
				}
			}
		}
	})
}

// stickyType is the type of the fake backend; of the backend called sticky,
// nothing can be removed.
func stickyType() backends.Type {
	typ := fake.Type()
	create := typ.New
	typ.New = func(cfg backends.Config) (backends.Backend, error) {
		b, err := create(cfg)
		if err == nil && cfg.Name == "sticky" {
			return sticky{b.(*fake.Backend)}, nil
		}
		return b, err
	}
	return typ
}

type sticky struct{ *fake.Backend }

func (sticky) Delete(context.Context, backends.Key) error { return errors.New("the engine holds on") }

func runOutcomes(t *testing.T, ctx context.Context, args ...string) (code int, printed string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "outcomes.hcl")
	if err := os.WriteFile(file, []byte(outcomes), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	both := &oneAtATime{w: &out}
	a := testApp(dir, func(string) (string, bool) { return "", false }, both, both, stickyType())
	code = a.run(ctx, append([]string{"run", file}, args...))
	return code, out.String()
}

// oneAtATime is a writer for several goroutines.
type oneAtATime struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (o *oneAtATime) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}

// Lines of several runs do not mix, however they are written.
func TestLines(t *testing.T) {
	var turn sync.Mutex
	var out bytes.Buffer
	a := &lines{turn: &turn, w: &out, prefix: "a | "}
	b := &lines{turn: &turn, w: &out, prefix: "b | "}
	for _, s := range []struct {
		w    *lines
		text string
	}{{a, "one "}, {b, "two\n\nthree\nfo"}, {a, "more\n"}, {b, "ur\n"}, {a, "  indented\n"}} {
		if n, err := s.w.Write([]byte(s.text)); n != len(s.text) || err != nil {
			t.Fatalf("write %q: %d, %v", s.text, n, err)
		}
	}
	want := "b | two\nb |\nb | three\na | one more\nb | four\na |   indented\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
