// Package backendtest holds the contracts of backends and transports as test
// suites. Every implementation runs them: the fake, the local machine, Docker
// and SSH.
package backendtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/backends"
)

// Options say what the machine behind a transport is like. The zero value
// suits any machine with a POSIX shell.
type Options struct {
	// Node is the name that *backends.ExitError must carry.
	Node string
	// Users are accounts, besides the transport's own, that it can run
	// commands as.
	Users []string
	// Owners says that the transport may give files away (it is root).
	Owners bool
	// Dir is where the suite may write; empty means /tmp. Give a directory in
	// tmpfs too where the transport has one.
	Dir string
}

// TestTransport checks the whole contract of a transport to a machine that has
// a POSIX shell and the usual small programs.
func TestTransport(t *testing.T, tr backends.Transport, opts Options) {
	t.Run("commands", func(t *testing.T) { TestCommands(t, tr, opts) })
	t.Run("stop", func(t *testing.T) { TestStop(t, tr, opts) })
	t.Run("files", func(t *testing.T) { TestFiles(t, tr, opts) })
	t.Run("files on the machine", func(t *testing.T) { testFilesOnMachine(t, tr, opts) })
}

// patience bounds everything in the suites that should take far less.
const patience = 60 * time.Second

// outcome is what a command did.
type outcome struct {
	stdout, stderr string
	err            error
}

func run(t *testing.T, tr backends.Transport, cmd backends.Command) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := tr.Run(ctx, cmd)
	return outcome{stdout.String(), stderr.String(), err}
}

func shell(script string, args ...string) []string {
	return append([]string{"sh", "-c", script, "sh"}, args...)
}

// mustRun runs a command that has to succeed and returns its output.
func mustRun(t *testing.T, tr backends.Transport, args ...string) string {
	t.Helper()
	got := run(t, tr, backends.Command{Args: args})
	if got.err != nil {
		t.Fatalf("%q: got %v, want success; stderr %q", args, got.err, got.stderr)
	}
	return got.stdout
}

// scratch names a new directory on the machine and removes it afterwards.
func scratch(t *testing.T, tr backends.Transport, opts Options) string {
	t.Helper()
	base := opts.Dir
	if base == "" {
		base = "/tmp"
	}
	dir := path.Join(base, "dcosflow-test-"+strings.ToLower(rand.Text()[:10]))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		// A transport without programs keeps its files in memory.
		_ = tr.Run(ctx, backends.Command{Args: []string{"rm", "-rf", dir}})
	})
	return dir
}

// show shortens a text for a message.
func show(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%q... (%d bytes)", s[:200], len(s))
	}
	return fmt.Sprintf("%q", s)
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %s, want %s", what, show(got), show(want))
	}
}

// pattern is n bytes in which every byte value occurs and no part repeats soon.
func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return data
}

// lines calls send for every line that is written to it.
type lines struct {
	rest []byte
	send func(string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := slices.Index(l.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		l.send(string(l.rest[:i]))
		l.rest = l.rest[i+1:]
	}
}

var _ io.Writer = (*lines)(nil)
