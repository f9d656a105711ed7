// Package local is the transport to the machine of the tool itself.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dcosflow/dcosflow/backends"
)

// Transport runs commands on this machine. The zero value is ready to use; the
// Node of its errors is empty.
type Transport struct {
	// Began is told the process group of every command that starts, and returns
	// what is to be called at its end. May be nil.
	Began func(group int) (ended func())
}

var _ backends.Transport = Transport{}

// drain is how long output is awaited from children that a command left behind.
const drain = 500 * time.Millisecond

// Run runs a command in a process group of its own. Running it as another user
// needs root. See backends.Transport.
func (t Transport) Run(ctx context.Context, cmd backends.Command) error {
	if len(cmd.Args) == 0 {
		return errors.New("run a command: it has no arguments")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	tail := &tail{limit: 64 << 10}
	c, err := prepare(cmd, tail)
	if err != nil {
		return err
	}
	feed, err := feeder(c, cmd.Stdin)
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return unstartable(cmd, err)
	}
	if t.Began != nil {
		defer t.Began(c.Process.Pid)()
	}
	fed := feed()
	stopped := make(chan struct{})
	keep := context.AfterFunc(ctx, func() {
		defer close(stopped)
		StopGroup(c.Process.Pid, cmd.StopTimeout)
	})
	err = c.Wait()
	unread := fed()
	if !keep() {
		<-stopped
		return context.Cause(ctx)
	}
	if unread != nil {
		return fmt.Errorf("read the input of %s: %w", cmd.Args[0], unread)
	}
	return outcome(cmd, err, tail)
}

func prepare(cmd backends.Command, tail *tail) (*exec.Cmd, error) {
	c := exec.Command(cmd.Args[0], cmd.Args[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.WaitDelay = drain
	c.Dir = cmd.Dir
	c.Env = Environ()
	if cmd.User != "" {
		if err := become(c, cmd.User); err != nil {
			return nil, err
		}
	}
	for name, value := range cmd.Env {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stdout, c.Stderr = cmd.Stdout, io.Writer(tail)
	if cmd.Stderr != nil {
		c.Stderr = io.MultiWriter(cmd.Stderr, tail)
	}
	return c, nil
}

// VariablePrefix begins the names of environment variables that give a workflow
// its values, secrets among them.
const VariablePrefix = "DCOSFLOW_VAR_"

// Environ is the environment of the tool for the processes that it starts,
// without the values of the workflow.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, VariablePrefix) })
}

// feeder connects standard input. The first function begins to copy, the second
// awaits the end of the copy, but not for long: a reader may block for ever,
// which exec.Cmd's own copy would wait for.
func feeder(c *exec.Cmd, stdin io.Reader) (func() func() error, error) {
	if stdin == nil {
		return func() func() error { return func() error { return nil } }, nil
	}
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	return func() func() error {
		copied := make(chan error, 1)
		go func() {
			_, err := io.Copy(in, stdin)
			copied <- errors.Join(err, in.Close())
		}()
		return func() error { return awaitCopy(copied) }
	}, nil
}

// awaitCopy reports what went wrong with the reader; a command need not read
// its input to the end.
func awaitCopy(copied <-chan error) error {
	select {
	case err := <-copied:
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		return err
	case <-time.After(drain):
		return nil
	}
}

// unstartable gives a program that cannot be started the exit code that a shell
// would.
func unstartable(cmd backends.Command, err error) error {
	exit := &backends.ExitError{Args: cmd.Args, Stderr: err.Error() + "\n"}
	switch {
	case dirMissing(cmd.Dir):
		return err
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		exit.Code = 127
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.ENOEXEC):
		exit.Code = 126
	default:
		return err
	}
	return exit
}

func dirMissing(dir string) bool {
	if dir == "" {
		return false
	}
	info, err := os.Stat(dir)
	return err != nil || !info.IsDir()
}

func outcome(cmd backends.Command, err error, tail *tail) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if errors.Is(err, exec.ErrWaitDelay) {
			return nil
		}
		return err
	}
	failed := &backends.ExitError{Args: cmd.Args, Code: exit.ExitCode(), Stderr: string(tail.data)}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		failed.Code = 128 + int(status.Signal())
		failed.Signal = signalName(status.Signal())
	}
	return failed
}

// tail keeps the last bytes that are written to it.
type tail struct {
	limit int
	data  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if extra := len(t.data) - t.limit; extra > 0 {
		t.data = append(t.data[:0], t.data[extra:]...)
	}
	return len(p), nil
}
