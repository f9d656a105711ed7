package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"golang.org/x/sys/unix"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/wrap"
)

// transport reaches a node by `docker exec` through the engine's API.
type transport struct {
	api   *client.Client
	vigil *vigil
	id    string // of the container
	node  string
}

var _ backends.Transport = (*transport)(nil)

// Run runs a command. See backends.Transport.
func (t *transport) Run(ctx context.Context, cmd backends.Command) error {
	if len(cmd.Args) == 0 {
		return fmt.Errorf("run a command on %s: it has no arguments", t.node)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, over := t.vigil.attend(ctx)
	defer over()
	exec, stream, err := t.start(ctx, cmd)
	if err != nil {
		return t.lost(ctx, cmd, err)
	}
	defer stream.Close()
	streams := wrap.NewStreams(cmd.Stdout, cmd.Stderr)
	var lost error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, lost = stdcopy.StdCopy(streams.Stdout(), streams.Stderr(), stream.Reader)
		if streams.Failed() != nil {
			// While nobody reads, the engine does not notice the command's end.
			_, _ = io.Copy(io.Discard, stream.Reader)
		}
	}()
	input := &input{Reader: cmd.Stdin}
	if cmd.Stdin != nil {
		// Nobody waits for this one: a read from the user's terminal cannot be
		// interrupted. It ends with its next read or write.
		go func() {
			_, _ = io.Copy(stream.Conn, input)
			_ = stream.CloseWrite()
		}()
	}
	select {
	case <-ended:
		err = lost
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), errSilent) {
			return t.lost(ctx, cmd, nil) // it would not stop anything either
		}
		return errors.Join(context.Cause(ctx), t.stop(context.WithoutCancel(ctx), cmd, streams, ended))
	case <-streams.Broken():
		err = t.stop(context.WithoutCancel(ctx), cmd, streams, ended)
	}
	if failed := streams.Failed(); failed != nil {
		return errors.Join(fmt.Errorf("pass on the output of %s: %w", cmd.Args[0], failed), err)
	}
	if failed := input.failed.Load(); failed != nil {
		return fmt.Errorf("read the input of %s: %w", cmd.Args[0], *failed)
	}
	if err != nil {
		return t.lost(ctx, cmd, err)
	}
	return t.outcome(context.WithoutCancel(ctx), cmd, exec, streams)
}

// input remembers why it could not be read: the command only sees it end.
type input struct {
	io.Reader
	failed atomic.Pointer[error]
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		i.failed.Store(&err)
	}
	return n, err
}

// settle is how long the engine has for what takes it milliseconds: to begin
// what was asked for, or to notice what happened to a command.
const settle = 15 * time.Second

// start begins a command. The stream outlives ctx: it tells when the command
// is dead.
func (t *transport) start(ctx context.Context, cmd backends.Command) (id string, stream types.HijackedResponse, err error) {
	created, err := t.api.ContainerExecCreate(ctx, t.id, container.ExecOptions{
		User: cmd.User, Env: wrap.Env(cmd), Cmd: wrap.Args(cmd),
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return "", stream, err
	}
	// A command whose start was given up might still begin: it goes on when ctx
	// ends.
	work, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), settle, errSilent)
	defer cancel()
	stream, err = t.attach(work, created.ID)
	return created.ID, stream, err
}

var errSilent = errors.New("the Docker engine does not answer")

// attach starts what was created. The client itself would wait for an engine
// that hangs without an end; then the goroutine stays behind until the engine
// goes on or dies.
func (t *transport) attach(ctx context.Context, exec string) (types.HijackedResponse, error) {
	type answer struct {
		stream types.HijackedResponse
		err    error
	}
	answers := make(chan answer)
	go func() {
		stream, err := t.api.ContainerExecAttach(ctx, exec, container.ExecAttachOptions{})
		select {
		case answers <- answer{stream, err}:
		case <-ctx.Done():
			if err == nil {
				stream.Close()
			}
		}
	}()
	select {
	case a := <-answers:
		return a.stream, a.err
	case <-ctx.Done():
		return types.HijackedResponse{}, context.Cause(ctx)
	}
}

// stop ends the process group of a running command and waits for its output to
// end. Root does it: the group may have changed its user.
func (t *transport) stop(ctx context.Context, cmd backends.Command, streams *wrap.Streams, ended <-chan struct{}) error {
	timeout := cmd.StopTimeout
	if timeout == 0 {
		timeout = backends.DefaultStopTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout+15*time.Second)
	defer cancel()
	ctx, over := t.vigil.attend(ctx)
	defer over()
	select {
	case <-streams.Started():
	case <-ended: // it never began, or is over
		return nil
	case <-ctx.Done():
		return t.troubled(cmd, errors.New("it did not start, and could not be stopped"))
	}
	_, err := t.plain(ctx, wrap.Stop(streams.Group(), timeout))
	if err != nil {
		return t.troubled(cmd, fmt.Errorf("its processes could not be stopped: %w", err))
	}
	select {
	case <-ended:
	case <-ctx.Done():
		return t.troubled(cmd, errors.New("its output did not end after it was stopped"))
	}
	return nil
}

// outcome asks how a command ended whose output has ended.
func (t *transport) outcome(ctx context.Context, cmd backends.Command, exec string, streams *wrap.Streams) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settle, errSilent)
	defer cancel()
	code, err := t.exitCode(ctx, exec)
	if err != nil {
		return t.troubled(cmd, cause(ctx, err))
	}
	if streams.Group() == 0 {
		return t.refused(ctx, cmd, code, streams)
	}
	if code == 0 {
		return nil
	}
	exit := &backends.ExitError{Node: t.node, Args: slices.Clone(cmd.Args), Code: code, Stderr: streams.Tail()}
	if code > 128 {
		// Whoever kills a container kills the commands in it first.
		if err := t.alive(ctx, code == 128+int(unix.SIGKILL)); err != nil {
			return t.troubled(cmd, err)
		}
		exit.Signal = strings.TrimPrefix(unix.SignalName(syscall.Signal(code-128)), "SIG")
	}
	return exit
}

// refused is a command that did not begin: its directory is missing, which the
// script tells, or the engine did not even start that.
func (t *transport) refused(ctx context.Context, cmd backends.Command, code int, streams *wrap.Streams) error {
	if err := t.alive(ctx, false); err != nil {
		return t.troubled(cmd, err)
	}
	reason := streams.Refusal()
	if reason == "" {
		reason = fmt.Sprintf("exit code %d before it began", code)
	}
	return fmt.Errorf("run %s on %s: %s", cmd.Args[0], t.node, reason)
}

// exitCode waits until the engine has noticed the end of a command.
func (t *transport) exitCode(ctx context.Context, exec string) (int, error) {
	for wait := time.Millisecond; ; wait *= 2 {
		state, err := t.api.ContainerExecInspect(ctx, exec)
		if err != nil {
			return 0, err
		}
		if !state.Running {
			return state.ExitCode, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return 0, errors.New("its output ended, but it runs on")
		}
	}
}

// alive returns why the machine is none any more. A container that was just
// killed looks alive for a moment, so a doubtful one is looked at again.
func (t *transport) alive(ctx context.Context, doubtful bool) error {
	for try := 0; ; try++ {
		c, err := t.api.ContainerInspect(ctx, t.id)
		switch {
		case err != nil:
			return err
		case !c.State.Running:
			return fmt.Errorf("the node stopped with exit code %d%s", c.State.ExitCode, meaning(c.State.ExitCode, c.State.OOMKilled))
		case !doubtful || try > 0:
			return nil
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// lost turns an error of the engine into what the caller is told.
func (t *transport) lost(ctx context.Context, cmd backends.Command, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return t.troubled(cmd, err)
}

func (t *transport) troubled(cmd backends.Command, err error) error {
	op := fmt.Sprintf("run %s on %s", cmd.Args[0], t.node)
	if errdefs.IsNotFound(err) {
		return &backends.TroubleError{Op: op, Err: fmt.Errorf("the node does not exist any more: %w", err), Hint: "somebody removed its container, or the run was cleaned up; start the run again"}
	}
	return trouble(op, err)
}

// plain runs a small program as root, without the wrapper, and returns its
// output.
func (t *transport) plain(ctx context.Context, args []string) (string, error) {
	created, err := t.api.ContainerExecCreate(ctx, t.id, container.ExecOptions{User: "0", Cmd: args, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return "", err
	}
	stream, err := t.attach(ctx, created.ID)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	// Closing the connection is what ends the read when ctx does.
	defer context.AfterFunc(ctx, stream.Close)()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, io.Discard, stream.Reader); err != nil {
		return "", err
	}
	code, err := t.exitCode(ctx, created.ID)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	return out.String(), err
}
