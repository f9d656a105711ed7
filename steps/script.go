package steps

import (
	"io"
	"strconv"
	"strings"
)

// runScript reads a script of the given length from standard input and hands it
// to a shell as a file that is already unlinked: nothing is left of it whatever
// happens, and the rest of standard input is the script's own.
const runScript = `f=$(mktemp) || exit
trap 'rm -f "$f"; exit 143' HUP INT TERM
head -c "$1" >"$f" || { rm -f "$f"; exit 1; }
exec 3<"$f"
rm -f "$f"
shift
exec "$@" /dev/fd/3`

// ScriptCommand returns the arguments and the standard input of a command that
// runs a script of any size with a shell, such as {"/bin/sh", "-e"}. The script
// is on no command line, so that it may hold secrets; stdin is what it reads,
// nil for nothing.
func ScriptCommand(shell []string, script string, stdin io.Reader) (args []string, input io.Reader) {
	args = append([]string{"/bin/sh", "-c", runScript, "sh", strconv.Itoa(len(script))}, shell...)
	input = strings.NewReader(script)
	if stdin != nil {
		input = io.MultiReader(input, stdin)
	}
	return args, input
}
