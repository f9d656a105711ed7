// Package run is the step type that runs a command or a script.
package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

type config struct {
	Command   []string          `cty:"command"`
	Script    *string           `cty:"script"`
	Shell     []string          `cty:"shell"`
	Env       map[string]string `cty:"env"`
	User      *string           `cty:"user"`
	Sudo      bool              `cty:"sudo"`
	Cwd       *string           `cty:"cwd"`
	Stdin     *string           `cty:"stdin"`
	ExitCodes []int             `cty:"exit_codes"`
	Local     bool              `cty:"local"`
}

type step struct{ config }

var _ steps.Step = (*step)(nil)

func newStep(cfg cty.Value) (steps.Step, error) {
	s := &step{}
	return s, s.read(cfg)
}

func (s *step) read(cfg cty.Value) error {
	if err := schema.Decode(cfg, &s.config); err != nil {
		return fmt.Errorf("read the arguments of run: %w", err)
	}
	return nil
}

// Run runs the command and returns what it printed, also when it fails.
func (s *step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	transport, node, dir, err := s.place(env)
	if err != nil {
		return cty.NilVal, err
	}
	did := execution{stdout: steps.Capture{Pass: env.Stdout}, stderr: steps.Capture{Pass: env.Stderr}, node: node}
	cmd := s.command()
	cmd.Dir = dir
	did.run(ctx, transport, cmd)
	return did.outputs(env), s.verdict(did.err, node)
}

// execution is a command at work, and what came of it.
type execution struct {
	stdout, stderr steps.Capture
	node           cty.Value
	took           time.Duration
	err            error // of the transport
}

func (e *execution) run(ctx context.Context, transport backends.Transport, cmd backends.Command) {
	cmd.Stdout, cmd.Stderr = &e.stdout, &e.stderr
	begin := time.Now()
	e.err = transport.Run(ctx, cmd)
	e.took = time.Since(begin)
}

func (e *execution) outputs(env steps.Env) cty.Value {
	code := cty.NumberIntVal(0)
	var exit *backends.ExitError
	if errors.As(e.err, &exit) {
		code = cty.NumberIntVal(int64(exit.Code))
	} else if e.err != nil {
		code = cty.NullVal(cty.Number)
	}
	e.tellExcess(env)
	return cty.ObjectVal(map[string]cty.Value{
		"stdout": e.stdout.Value(), "stderr": e.stderr.Value(), "exit_code": code,
		"duration": cty.NumberFloatVal(e.took.Seconds()), "node": e.node,
	})
}

func (e *execution) tellExcess(env steps.Env) {
	if err := e.stdout.Excess(); err != nil {
		env.Progress(fmt.Sprintf("stdout: %v: the output is null, the whole is in the log", err))
	}
	if err := e.stderr.Excess(); err != nil {
		env.Progress(fmt.Sprintf("stderr: %v: the output is null, the whole is in the log", err))
	}
}

// place says where the command runs: on the tool's machine in the workflow's
// directory, or on the node.
func (s *step) place(env steps.Env) (backends.Transport, cty.Value, string, error) {
	dir := ""
	if s.Cwd != nil {
		dir = *s.Cwd
	}
	if s.Local {
		return env.Local, cty.NullVal(cty.String), cmp.Or(dir, env.WorkflowDir), nil
	}
	if env.Node == nil {
		return nil, cty.NilVal, "", errors.New("run has no node: write node, nodes, or local = true")
	}
	return env.Node.Transport, cty.StringVal(env.Node.Name), dir, nil
}

func (s *step) command() backends.Command {
	var cmd backends.Command
	var stdin io.Reader
	if s.Stdin != nil {
		stdin = strings.NewReader(*s.Stdin)
	}
	cmd.Args, cmd.Stdin, cmd.Env = s.Command, stdin, s.Env
	if s.Script != nil {
		cmd.Args, cmd.Stdin = steps.ScriptCommand(s.Shell, *s.Script, stdin)
	}
	if s.User != nil {
		cmd.User = *s.User
	}
	if s.Sudo {
		cmd.Args = withSudo(cmd.Args, s.Env)
	}
	return cmd
}

// asRoot needs no sudo on a machine where the user is root already. Only the
// names of variables are on its command line, never their values.
const asRoot = `if [ "$(id -u)" = 0 ]; then shift; exec "$@"; fi
names=$1
shift
exec sudo --non-interactive ${names:+--preserve-env="$names"} -- "$@"`

func withSudo(args []string, env map[string]string) []string {
	names := strings.Join(slices.Sorted(maps.Keys(env)), ",")
	return append([]string{"/bin/sh", "-c", asRoot, "sh", names}, args...)
}

// shown is the command as the user wrote it.
func (s *step) shown() []string {
	args := s.Command
	if s.Script != nil {
		args = append(slices.Clone(s.Shell), "(script)")
	}
	if s.Sudo {
		args = append([]string{"sudo"}, args...)
	}
	return args
}

// verdict decides by exit_codes. Errors that are no exit stay what they are.
func (s *step) verdict(err error, node cty.Value) error {
	var exit *backends.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if exit == nil {
		exit = &backends.ExitError{}
		if !node.IsNull() {
			exit.Node = node.AsString()
		}
	}
	if exit.Signal == "" && slices.Contains(s.ExitCodes, exit.Code) {
		return nil
	}
	failed := *exit
	failed.Args = s.shown()
	if slices.Equal(s.ExitCodes, []int{0}) {
		return &failed
	}
	return fmt.Errorf("%w, but exit_codes is %v", &failed, s.ExitCodes)
}
