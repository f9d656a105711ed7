package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/dcosflow/dcosflow/backends"
)

// missing is the exit code of a look at a path that does not exist; tar's own
// codes are 1 and 2.
const missing = 44

// Put unpacks a tar stream with the node's tar. The engine's own way to copy
// would lose files whose directory is in tmpfs, without a word.
func (t *transport) Put(ctx context.Context, archive io.Reader, dir string) error {
	op := fmt.Sprintf("copy to %s on %s", dir, t.node)
	script := `mkdir -p -- "$1" && exec tar -x -p -f - -C "$1"`
	err := t.Run(ctx, backends.Command{Args: []string{"sh", "-c", script, "sh", dir}, Stdin: archive})
	return explain(err, op)
}

// Get writes a tar stream made by the node's tar.
func (t *transport) Get(ctx context.Context, name string, w io.Writer) error {
	name = path.Clean(name)
	script := `[ -e "$1/$2" ] || [ -L "$1/$2" ] || exit 44; exec tar -c -f - -C "$1" -- "$2"`
	err := t.Run(ctx, backends.Command{Args: []string{"sh", "-c", script, "sh", path.Dir(name), path.Base(name)}, Stdout: w})
	op := fmt.Sprintf("copy %s from %s", name, t.node)
	var exit *backends.ExitError
	if errors.As(err, &exit) && exit.Code == missing {
		return fmt.Errorf("%s: %w", op, fs.ErrNotExist)
	}
	return explain(err, op)
}

// explain says what a failed tar was for and what it said. A full disk is
// trouble with the machine, anything else a failure.
func explain(err error, op string) error {
	var exit *backends.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	err = fmt.Errorf("%w: %s", err, lastLine(exit.Stderr))
	// The second is what tar says of the file during which the space ended.
	if strings.Contains(exit.Stderr, "No space left on device") || strings.Contains(exit.Stderr, ": Wrote only ") {
		return &backends.TroubleError{Op: op, Err: err, Hint: "the file system on the node is full: `df -h` there shows which; /run and /tmp are in memory"}
	}
	return fmt.Errorf("%s: %w", op, err)
}
