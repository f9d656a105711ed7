package fake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/backends"
)

// Script is the answer to a command.
type Script struct {
	// Node is a pattern of path.Match on the node's name; empty means every node.
	Node string
	// Command must match the whole command line, its arguments joined by
	// spaces; nil matches every command.
	Command *regexp.Regexp
	// Times is how often the script answers before the next one has its turn;
	// zero means always.
	Times int
	// Delay comes before the output, Hang after it: until the command is
	// stopped.
	Delay time.Duration
	Hang  bool

	Stdout, Stderr string
	// Code and Signal end the command as in *backends.ExitError.
	Code   int
	Signal string
	// Err is returned as it is, such as *backends.TroubleError.
	Err error
	// Do answers instead of the fields above; stdin is in the command.
	Do func(ctx context.Context, node string, cmd backends.Command) error
}

// CommandPattern compiles a pattern for Script.Command; it panics when the
// pattern is wrong.
func CommandPattern(pattern string) *regexp.Regexp {
	return regexp.MustCompile(anchored(pattern))
}

func anchored(pattern string) string { return `(?s)^(?:` + pattern + `)$` }

func matchNode(pattern, node string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, node)
	return err == nil && ok
}

// NewTransport makes a single machine without a backend around it, and a
// function that returns its calls.
func NewTransport(node string, scripts ...Script) (backends.Transport, func() []Call) {
	b := New(Options{Scripts: scripts})
	return &transport{backend: b, node: node}, b.Calls
}

type transport struct {
	backend *Backend
	node    string

	mu    sync.Mutex
	files map[string]file
}

// errRefused is the answer to a command that no script names.
var errRefused = errors.New("no script answers this command")

// Run answers from the scripts. The command's input is read to its end first.
func (t *transport) Run(ctx context.Context, cmd backends.Command) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var stdin bytes.Buffer
	if cmd.Stdin != nil {
		if _, err := io.Copy(&stdin, cmd.Stdin); err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
	}
	call := Call{Op: "run", Node: t.node, Command: cmd, Stdin: stdin.String()}
	call.Command.Stdin, call.Command.Stdout, call.Command.Stderr = nil, nil, nil
	cmd.Stdin = &stdin
	call.Err = t.answer(ctx, cmd)
	return t.backend.record(call)
}

func (t *transport) answer(ctx context.Context, cmd backends.Command) error {
	s, ok := t.backend.script(t.node, strings.Join(cmd.Args, " "))
	if !ok {
		return fmt.Errorf("run %q on %s: %w", cmd.Args, t.node, errRefused)
	}
	if s.Do != nil {
		return s.Do(ctx, t.node, cmd)
	}
	if err := pause(ctx, s.Delay); err != nil {
		return err
	}
	for _, out := range []struct {
		w    io.Writer
		text string
	}{{cmd.Stdout, s.Stdout}, {cmd.Stderr, s.Stderr}} {
		if out.w == nil || out.text == "" {
			continue
		}
		if _, err := io.WriteString(out.w, out.text); err != nil {
			return err
		}
	}
	if s.Hang {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if s.Err == nil && (s.Code != 0 || s.Signal != "") {
		return &backends.ExitError{Node: t.node, Args: cmd.Args, Code: s.Code, Signal: s.Signal, Stderr: s.Stderr}
	}
	return s.Err
}

// script finds the answer to a command and counts it.
func (b *Backend) script(node, line string) (Script, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range b.options.Scripts {
		if !matchNode(s.Node, node) || s.Command != nil && !s.Command.MatchString(line) {
			continue
		}
		if s.Times > 0 && b.used[i] >= s.Times {
			continue
		}
		b.used[i]++
		return s, true
	}
	return Script{}, false
}
