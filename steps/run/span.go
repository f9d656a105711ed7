package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/steps"
)

// span is a command in the background.
type span struct {
	step
	stop   context.CancelCauseFunc
	worker sync.WaitGroup
	over   chan struct{} // closed when the command has ended; nil when none was begun
	did    execution     // belongs to the worker until then
}

var _ steps.Span = (*span)(nil)

func newSpan(cfg cty.Value) (steps.Span, error) {
	s := &span{}
	return s, s.read(cfg)
}

// errEnded stops the command: it is no failure.
var errEnded = errors.New("what happened during it is over")

// markName is the variable by which another process finds the command and its
// children.
const markName = "DCOSFLOW_SPAN"

func mark(env steps.Env) string { return env.Run + "/" + env.Address }

// Start begins the command and does not wait for it.
func (s *span) Start(ctx context.Context, env steps.Env) (cty.Value, error) {
	nothing := cty.NullVal(cty.DynamicPseudoType)
	transport, node, dir, err := s.place(env)
	if err != nil {
		return nothing, err
	}
	cmd := s.command()
	cmd.Dir, cmd.StopTimeout = dir, env.StopTimeout
	if cmd, err = withoutInput(ctx, transport, cmd); err != nil {
		return nothing, err
	}
	cmd.Env = maps.Clone(cmd.Env)
	if cmd.Env == nil {
		cmd.Env = map[string]string{}
	}
	cmd.Env[markName] = mark(env)
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	s.stop, s.over = stop, make(chan struct{})
	s.did = execution{stdout: steps.Capture{Pass: env.Stdout}, stderr: steps.Capture{Pass: env.Stderr}, node: node}
	s.worker.Go(func() {
		defer close(s.over)
		s.did.run(work, transport, cmd)
	})
	return nothing, nil
}

// Wait returns how the command ended, when it does so by itself.
func (s *span) Wait(ctx context.Context) error {
	select {
	case <-s.over:
		return s.verdict(s.did.err, s.did.node)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End stops the command with its process group, if it still runs.
func (s *span) End(ctx context.Context, env steps.Env, _ cty.Value) (cty.Value, error) {
	if s.over == nil {
		return cty.NilVal, s.sweep(ctx, env)
	}
	s.stop(errEnded)
	select {
	case <-s.over:
		s.worker.Wait()
	case <-ctx.Done():
		return cty.NilVal, context.Cause(ctx)
	}
	var trouble *backends.TroubleError
	if errors.Is(s.did.err, errEnded) && errors.As(s.did.err, &trouble) {
		return s.did.outputs(env), trouble
	}
	return s.did.outputs(env), nil
}

// sweep stops what another process has begun and could not end. The command is
// found by its mark: nothing else is known of it for sure. On a node that does
// not run there is none.
func (s *span) sweep(ctx context.Context, env steps.Env) error {
	if env.Node != nil && env.Node.Stopped {
		return nil
	}
	transport, _, _, err := s.place(env)
	if err != nil {
		return err
	}
	timeout := env.StopTimeout
	if timeout == 0 {
		timeout = backends.DefaultStopTimeout
	}
	tenths := strconv.FormatInt(int64(timeout/(100*time.Millisecond)), 10)
	err = transport.Run(ctx, backends.Command{Args: []string{"/bin/sh", "-c", sweep, "sh", markName + "=" + mark(env), tenths}})
	if err != nil {
		return fmt.Errorf("stop the processes that it left: %w", err)
	}
	return nil
}

// sweep ends the process groups of all processes with the variable $1: TERM,
// KILL after $2 tenths of a second, and another ten seconds for the kernel.
const sweep = `
groups() {
  for f in $(grep -lzxF -e "$1" /proc/[0-9]*/environ 2>/dev/null); do
    sed 's/.*) //' "${f%environ}stat" 2>/dev/null
  done | cut -d ' ' -f 3 | sort -u
}
end() {
  for g in $(groups "$2"); do kill -s "$1" -- "-$g" 2>/dev/null; done
}
end TERM "$1"
n=$2
while [ -n "$(groups "$1")" ]; do
  [ "$n" -gt 0 ] || end KILL "$1"
  [ "$n" -gt -100 ] || exit 1
  n=$((n - 1))
  sleep 0.1 2>/dev/null || sleep 1
done`

// withoutInput makes a command one that needs no input, by a file on its
// machine that it removes as it begins: only such a command ends when the
// connection to it does.
func withoutInput(ctx context.Context, transport backends.Transport, cmd backends.Command) (backends.Command, error) {
	if cmd.Stdin == nil {
		return cmd, nil
	}
	content, err := io.ReadAll(cmd.Stdin)
	if err != nil {
		return cmd, err
	}
	var name strings.Builder
	err = transport.Run(ctx, backends.Command{
		Args: []string{"/bin/sh", "-c", keepInput, "sh", strconv.Itoa(len(content))}, User: cmd.User,
		Stdin: strings.NewReader(string(content)), Stdout: &name,
	})
	if err != nil {
		return cmd, fmt.Errorf("give it its input: %w", err)
	}
	cmd.Stdin = nil
	cmd.Args = append([]string{"/bin/sh", "-c", `exec <"$1" && rm -f "$1" && shift && exec "$@"`, "sh", strings.TrimSpace(name.String())}, cmd.Args...)
	return cmd, nil
}

// keepInput stores $1 bytes where nobody else can read them, or nothing.
const keepInput = `f=$(mktemp) || exit
trap 'rm -f "$f"; exit 143' HUP INT TERM
cat >"$f" && [ "$(wc -c <"$f")" -eq "$1" ] && echo "$f" || { rm -f "$f"; exit 1; }`
