package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/steps"
)

// execute runs a command and keeps what it did.
func execute(ctx context.Context, at place, cmd backends.Command) Result {
	var stdout, stderr steps.Capture
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if at.tool {
		cmd.Dir = at.dir
	}
	err := at.transport.Run(ctx, cmd)
	r := Result{Err: err, stdout: string(stdout.Bytes()), stderr: string(stderr.Bytes())}
	var exit *backends.ExitError
	switch {
	case err == nil:
		r.code = new(int)
	case errors.As(err, &exit):
		r.code = &exit.Code
	}
	return r
}

// exitText is the short reason of a command that failed.
func exitText(err error) string {
	var exit *backends.ExitError
	if errors.As(err, &exit) && exit.Signal == "" {
		return fmt.Sprintf("exit code %d", exit.Code)
	}
	return err.Error()
}

type commandKind struct{ args []string }

func (k commandKind) describe() string {
	return fmt.Sprintf("command %q succeeds", strings.Join(k.args, " "))
}

func (k commandKind) try(ctx context.Context, at place) Result {
	return execute(ctx, at, backends.Command{Args: k.args})
}

type scriptKind struct{ text string }

func (k scriptKind) describe() string { return "the script succeeds" }

func (k scriptKind) try(ctx context.Context, at place) Result {
	args, stdin := steps.ScriptCommand([]string{"/bin/sh", "-e"}, k.text, nil)
	r := execute(ctx, at, backends.Command{Args: args, Stdin: stdin})
	if r.code != nil && *r.code != 0 {
		r.Err = errors.New(exitText(r.Err))
	}
	return r
}

type unitKind struct{ unit string }

func (k unitKind) describe() string { return fmt.Sprintf("unit %q is active", k.unit) }

func (k unitKind) try(ctx context.Context, at place) Result {
	r := execute(ctx, at, backends.Command{Args: []string{"systemctl", "is-active", "--", k.unit}})
	if state := strings.TrimSpace(r.stdout); r.Err != nil && state != "" {
		r.Err = fmt.Errorf("it is %s", state)
	}
	return r
}

type fileKind struct{ path string }

func (k fileKind) describe() string { return fmt.Sprintf("file %q exists", k.path) }

const lookAtFile = `[ -e "$1" ] || exit 1; [ ! -f "$1" ] || exec head -c 65536 -- "$1"`

func (k fileKind) try(ctx context.Context, at place) Result {
	r := execute(ctx, at, backends.Command{Args: []string{"/bin/sh", "-c", lookAtFile, "sh", k.path}})
	if r.code != nil && *r.code != 0 && r.stderr == "" {
		r.Err = errors.New("it does not exist")
	}
	return r
}

// logKind searches the journal of a unit, or a file. The command's exit code is
// that of grep: 0 found, 1 not found, more for trouble.
type logKind struct{ match, source, script, name string }

const (
	searchFile    = `found=$(grep -E -e "$1" -- "$2") || exit; printf '%s\n' "$found" | tail -n 20`
	searchJournal = `found=$(journalctl --boot --quiet --no-pager --output cat --unit "$2" | grep -E -e "$1") || exit; printf '%s\n' "$found" | tail -n 20`
)

func newLog(c *logConfig) kind {
	if c.File != nil {
		return logKind{match: c.Match, source: fmt.Sprintf("file %q", *c.File), script: searchFile, name: *c.File}
	}
	k := logKind{match: c.Match, script: searchJournal}
	if c.Unit != nil {
		k.source, k.name = fmt.Sprintf("the journal of unit %q", *c.Unit), *c.Unit
	}
	return k
}

func (k logKind) describe() string {
	return fmt.Sprintf("%s has a line that matches %q", k.source, k.match)
}

func (k logKind) try(ctx context.Context, at place) Result {
	r := execute(ctx, at, backends.Command{Args: []string{"/bin/sh", "-c", k.script, "sh", k.match, k.name}})
	if r.code != nil && *r.code == 1 {
		r.Err = errors.New("no line matches")
	}
	return r
}

type tcpKind struct{ host, port string }

func (k tcpKind) address() string { return net.JoinHostPort(k.host, k.port) }

func (k tcpKind) describe() string { return fmt.Sprintf("tcp %s accepts connections", k.address()) }

// try connects from the tool's own process, or with the node's bash.
func (k tcpKind) try(ctx context.Context, at place) Result {
	if at.tool {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", k.address())
		if err != nil {
			return Result{Err: err}
		}
		return Result{Err: conn.Close()}
	}
	r := execute(ctx, at, backends.Command{Args: []string{"bash", "-c", `exec 3<>"/dev/tcp/$1/$2"`, "bash", k.host, k.port}})
	if reason := lastPart(r.stderr); r.code != nil && *r.code == 1 && reason != "" {
		r.Err = fmt.Errorf("connect to %s: %s", k.address(), reason)
	}
	r.code = nil
	return r
}

// lastPart is what a shell's message says after its last colon.
func lastPart(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return strings.ToLower(strings.TrimSpace(line[strings.LastIndex(line, ":")+1:]))
}
