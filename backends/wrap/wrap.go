// Package wrap puts a remote command into a small POSIX shell script, so that
// the transports can stop it with its whole process group and tell its failure
// from that of starting it. Any machine with sh and setsid will do.
package wrap

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dcosflow/dcosflow/backends"
)

// marker begins the first line of a wrapped command's stderr; the id of its
// process group follows.
const marker = "dcosflow-group "

// stop ends the group $1: TERM, KILL after $2 tenths of a second, and another
// ten seconds for the kernel to do it. "kill -TERM" would not do: dash takes
// the "--" that must follow for an illegal number.
const stop = `
kill -s TERM -- "-$1" 2>/dev/null
n=$2
while kill -s 0 -- "-$1" 2>/dev/null; do
  [ "$n" -gt 0 ] || kill -s KILL -- "-$1" 2>/dev/null
  [ "$n" -gt -100 ] || exit 1
  n=$((n - 1))
  sleep 0.1 2>/dev/null || sleep 1
done
`

// watch waits for the end of its input, which comes when the tool dies or the
// command has ended; only in the first case there is something left to stop.
const watch = `while read -r line; do :; done; [ -d "/proc/$1" ] || exit 0` + stop

// begin is how a command starts. The shell becomes the command, so the group's
// id is the shell's own. $1 is the directory, $2 the names of variables that
// printf has to decode.
const begin = `
for name in $2; do
  eval "value=\$(printf '%b.' \"\$$name\"); export $name=\"\${value%.}\""
done
[ -z "$1" ] || cd -- "$1" || exit 126
shift 2
printf '` + marker + `%s\n' $$ >&2
exec "$@"
`

// watched is begin for a command without input: the shell's own input then
// belongs to the watchdog, which lives in a session of its own. A background
// job's input is /dev/null before its redirections, so it takes a copy.
const watched = `
exec 3<&0 </dev/null
setsid sh -c "$1" sh $$ "$2" <&3 3<&- >/dev/null 2>&1 &
shift 2
exec 3<&-
` + begin

// Args returns the command line that runs cmd. It must be started as the leader
// of a process group, with the variables of Env. Input is passed on; of a
// command without any, the input must stay open until it has ended: when it
// closes earlier, the process group is stopped.
func Args(cmd backends.Command) []string {
	args := []string{"sh", "-c", begin, "sh"}
	if cmd.Stdin == nil {
		args = []string{"sh", "-c", watched, "sh", watch, tenths(cmd.StopTimeout)}
	}
	var encoded []string
	for _, name := range slices.Sorted(maps.Keys(cmd.Env)) {
		if !utf8.ValidString(cmd.Env[name]) {
			encoded = append(encoded, name)
		}
	}
	return append(append(args, cmd.Dir, strings.Join(encoded, " ")), cmd.Args...)
}

// Env returns the variables to start Args with as "NAME=value", all of them
// valid UTF-8, so that they survive JSON. The script restores the others.
func Env(cmd backends.Command) []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(cmd.Env)) {
		value := cmd.Env[name]
		if !utf8.ValidString(value) {
			value = encode(value)
		}
		env = append(env, name+"="+value)
	}
	return env
}

// encode writes every byte as the escape sequence of printf's %b.
func encode(value string) string {
	var b strings.Builder
	for i := range len(value) {
		fmt.Fprintf(&b, `\0%03o`, value[i])
	}
	return b.String()
}

// Stop returns the command line that ends a process group: TERM first, KILL
// after the timeout. It ends when the group is gone, with code 1 when it does
// not go away.
func Stop(group int, timeout time.Duration) []string {
	return []string{"sh", "-c", stop, "sh", strconv.Itoa(group), tenths(timeout)}
}

func tenths(timeout time.Duration) string {
	if timeout == 0 {
		timeout = backends.DefaultStopTimeout
	}
	return strconv.FormatInt(int64(timeout/(100*time.Millisecond)), 10)
}
