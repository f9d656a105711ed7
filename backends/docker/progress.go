package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// colours are what the engine puts around the error output of a build.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// tailLines is how many lines an error of a build shows.
const tailLines = 20

// followStream reads the engine's progress messages to their end. The error
// has the last lines of the output.
func followStream(r io.Reader, progress func(string)) error {
	var tail []string
	for messages := json.NewDecoder(r); ; {
		var m struct{ Stream, Error string }
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the engine's progress: %w", err)
		}
		if m.Error != "" {
			return withTail(errors.New(m.Error), tail)
		}
		for line := range strings.Lines(colours.ReplaceAllString(m.Stream, "")) {
			if line = strings.TrimSpace(line); line != "" {
				tail = appendTail(tail, line)
				progress(line)
			}
		}
	}
}

// stopTime is what a program has to clean up after itself when it is stopped.
const stopTime = 10 * time.Second

// runWithProgress runs a program whose output is progress. The error has the
// last lines of it. When ctx ends, the program and its children may clean up
// (debootstrap unmounts what it mounted) before they are killed.
func runWithProgress(ctx context.Context, args, env []string, progress func(string)) error {
	var tail []string
	out := &lines{each: func(line string) {
		tail = appendTail(tail, line)
		progress(line)
	}}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = stopTime
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	err := cmd.Run()
	out.flush()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		return context.Cause(ctx)
	}
	if err != nil {
		return withTail(err, tail)
	}
	return nil
}

// lines calls each with every line that is written to it.
type lines struct {
	rest []byte
	each func(string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.each(string(line))
		l.rest = rest
	}
}

// flush takes a last line that does not end.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.each(string(l.rest))
		l.rest = nil
	}
}

func appendTail(tail []string, line string) []string {
	tail = append(tail, line)
	return tail[max(0, len(tail)-tailLines):]
}

func withTail(err error, tail []string) error {
	if len(tail) == 0 {
		return err
	}
	return fmt.Errorf("%w; the last lines were:\n%s", err, strings.Join(tail, "\n"))
}
