package backends

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Transport reaches one machine. All methods may be called concurrently.
type Transport interface {
	// Run runs a command to its end. It returns *ExitError when the command
	// ended by itself with a code other than 0 or by a signal, *TroubleError
	// when the machine could not be reached or was lost, and the cause of ctx
	// when ctx ended; then the command's whole process group is dead before Run
	// returns.
	Run(ctx context.Context, cmd Command) error
	// Put unpacks a tar stream below dir on the machine and makes dir when it
	// is missing. Owners and modes are those of the stream. Works in tmpfs too.
	Put(ctx context.Context, archive io.Reader, dir string) error
	// Get writes a tar stream of the file or directory to w, its names relative
	// to the parent of path. A missing path is an error that wraps
	// fs.ErrNotExist.
	Get(ctx context.Context, path string, w io.Writer) error
}

// Command is what to run on a machine. Args are literal: no shell sees them.
type Command struct {
	Args []string
	// Env is added to the machine's own environment. It never appears on a
	// command line.
	Env map[string]string
	// Dir is the working directory; empty means the user's home or /.
	Dir string
	// User runs the command; empty means the transport's own user.
	User string
	// Stdin is read to its end; nil means empty input. When it cannot be read,
	// the command sees its end, and Run returns an error that wraps why.
	Stdin io.Reader
	// Stdout and Stderr receive the output as it comes, byte for byte; nil
	// discards. Each is written from one goroutine at a time.
	Stdout, Stderr io.Writer
	// StopTimeout is the time between SIGTERM and SIGKILL when ctx ends; zero
	// means DefaultStopTimeout.
	StopTimeout time.Duration
}

// DefaultStopTimeout is how long a command has between SIGTERM and SIGKILL.
const DefaultStopTimeout = 5 * time.Second

// ExitError is a command that ran and failed.
type ExitError struct {
	// Node is the node's name; empty on the machine of the tool.
	Node string
	Args []string
	// Code is the exit code; 128 + signal number when Signal is set.
	Code int
	// Signal is the name of the signal that ended the command, such as "KILL".
	Signal string
	// Stderr is the tail of the error output, at most 64 KiB.
	Stderr string
}

func (e *ExitError) Error() string {
	what := fmt.Sprintf("exit code %d", e.Code)
	if e.Signal != "" {
		what = "signal " + e.Signal
	}
	on := ""
	if e.Node != "" {
		on = " on " + e.Node
	}
	return fmt.Sprintf("%s%s: %s", e.Program(), on, what)
}

// Program returns the first argument, for short messages.
func (e *ExitError) Program() string {
	if len(e.Args) == 0 {
		return "command"
	}
	return e.Args[0]
}

// TroubleError is trouble with the infrastructure rather than with what is
// tested: an engine that does not answer, a machine that was lost, a full disk.
// A run that ends on one exits with 3.
type TroubleError struct {
	// Op says what was tried: "create node master-0".
	Op string
	// Err is the cause.
	Err error
	// Hint says what the user can do; may be empty.
	Hint string
}

func (e *TroubleError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("%s: %v", e.Op, e.Err), ": ")
}

func (e *TroubleError) Unwrap() error { return e.Err }
