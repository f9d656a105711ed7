package backendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
)

// TestCommands checks streams, exits, arguments, environment, directory, users,
// standard input, and that commands run side by side.
func TestCommands(t *testing.T, tr backends.Transport, opts Options) {
	t.Run("streams", func(t *testing.T) { testStreams(t, tr) })
	t.Run("exits", func(t *testing.T) { testExits(t, tr, opts) })
	t.Run("unstartable", func(t *testing.T) { testUnstartable(t, tr, opts) })
	t.Run("arguments", func(t *testing.T) { testArguments(t, tr) })
	t.Run("environment", func(t *testing.T) { testEnvironment(t, tr) })
	t.Run("directory", func(t *testing.T) { testDirectory(t, tr, opts) })
	t.Run("users", func(t *testing.T) { testUsers(t, tr, opts) })
	t.Run("stdin", func(t *testing.T) { testStdin(t, tr) })
	t.Run("concurrent", func(t *testing.T) { testConcurrent(t, tr) })
	t.Run("background child", func(t *testing.T) { testBackgroundChild(t, tr) })
}

func testStreams(t *testing.T, tr backends.Transport) {
	const many = 3 << 20
	var octal strings.Builder
	for i := range 256 {
		fmt.Fprintf(&octal, `\%03o`, i)
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	tests := []struct{ name, script, stdout, stderr string }{
		{"nothing", `:`, "", ""},
		{"separate", `echo out; echo err >&2`, "out\n", "err\n"},
		{"no trailing newline", `printf out; printf err >&2`, "out", "err"},
		{"carriage returns", `printf 'a\r\nb\r\n'`, "a\r\nb\r\n", ""},
		{"only newlines", `printf '\n\n'; printf '\n' >&2`, "\n\n", "\n"},
		{"binary", `printf '` + octal.String() + `'`, string(every), ""},
		{"megabytes on both", fmt.Sprintf(`head -c %d /dev/zero | tr '\0' o; head -c %d /dev/zero | tr '\0' e >&2`, many, many),
			strings.Repeat("o", many), strings.Repeat("e", many)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, tr, backends.Command{Args: shell(tt.script)})
			if got.err != nil {
				t.Errorf("got error %v, want none", got.err)
			}
			wantText(t, "stdout", got.stdout, tt.stdout)
			wantText(t, "stderr", got.stderr, tt.stderr)
		})
	}
	t.Run("discarded", func(t *testing.T) {
		err := tr.Run(t.Context(), backends.Command{Args: shell(`echo out; echo err >&2`)})
		if err != nil {
			t.Errorf("without writers: got %v, want none", err)
		}
	})
}

func testExits(t *testing.T, tr backends.Transport, opts Options) {
	tests := []struct {
		script string
		code   int
		signal string
	}{
		{`exit 1`, 1, ""},
		{`exit 2`, 2, ""},
		{`exit 42`, 42, ""},
		{`exit 125`, 125, ""},
		{`exit 126`, 126, ""},
		{`exit 127`, 127, ""},
		{`exit 255`, 255, ""},
		{`kill -s KILL $$`, 137, "KILL"},
		{`kill -s TERM $$`, 143, "TERM"},
		{`kill -s INT $$`, 130, "INT"},
	}
	for _, tt := range tests {
		t.Run(tt.script, func(t *testing.T) {
			args := shell("echo out; echo why >&2; " + tt.script)
			got := run(t, tr, backends.Command{Args: args})
			exit := wantExit(t, got.err, opts)
			if exit.Code != tt.code || exit.Signal != tt.signal {
				t.Errorf("got code %d signal %q, want code %d signal %q", exit.Code, exit.Signal, tt.code, tt.signal)
			}
			if got, want := fmt.Sprintf("%q", exit.Args), fmt.Sprintf("%q", args); got != want {
				t.Errorf("got args %s, want %s", got, want)
			}
			wantText(t, "stdout", got.stdout, "out\n")
			wantText(t, "stderr", got.stderr, "why\n")
			wantText(t, "ExitError.Stderr", exit.Stderr, "why\n")
		})
	}
	t.Run("the end of a long stderr is kept", func(t *testing.T) {
		got := run(t, tr, backends.Command{Args: shell(`head -c 300000 /dev/zero | tr '\0' x >&2; echo last >&2; exit 3`)})
		exit := wantExit(t, got.err, opts)
		if len(exit.Stderr) > 64<<10 || !strings.HasSuffix(exit.Stderr, "xlast\n") {
			t.Errorf("got %d bytes that end in %s, want at most 64 KiB that end in %q", len(exit.Stderr), show(exit.Stderr[max(0, len(exit.Stderr)-20):]), "xlast\n")
		}
	})
	t.Run("stderr is kept when it is discarded", func(t *testing.T) {
		exit := wantExit(t, tr.Run(t.Context(), backends.Command{Args: shell(`echo why >&2; exit 3`)}), opts)
		wantText(t, "ExitError.Stderr", exit.Stderr, "why\n")
	})
}

func wantExit(t *testing.T, err error, opts Options) *backends.ExitError {
	t.Helper()
	var exit *backends.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("got %v (%T), want *backends.ExitError", err, err)
	}
	if exit.Node != opts.Node {
		t.Errorf("ExitError.Node: got %q, want %q", exit.Node, opts.Node)
	}
	return exit
}

// A program that is missing is a failure of the command, as in a shell.
func testUnstartable(t *testing.T, tr backends.Transport, opts Options) {
	tests := []struct {
		name string
		args []string
		code int
	}{
		{"missing program", []string{"dcosflow-no-such-program"}, 127},
		{"missing file", []string{"/nonexistent/program"}, 127},
		{"not executable", []string{"/etc/passwd"}, 126},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exit := wantExit(t, run(t, tr, backends.Command{Args: tt.args}).err, opts)
			if exit.Code != tt.code || exit.Stderr == "" {
				t.Errorf("got code %d, stderr %q, want code %d and a reason in stderr", exit.Code, exit.Stderr, tt.code)
			}
		})
	}
	t.Run("no arguments", func(t *testing.T) {
		if got := run(t, tr, backends.Command{}); got.err == nil {
			t.Error("a command without arguments: got success, want an error")
		}
	})
}

func testArguments(t *testing.T, tr backends.Transport) {
	args := []string{
		"plain", "two words", "", " ", "$HOME", "${HOME}", "$(id)", "`id`", "*", "?", "~", "a;b", "a&&b", "a|b", ">x",
		"'single'", `"double"`, `back\slash`, `\n`, "new\nline", "tab\t", "-n", "--", "#x", "!x", "%s", "ünïcödé", "日本",
	}
	want := strings.Join(args, "\x01") + "\x01"
	got := mustRun(t, tr, append([]string{"printf", `%s\001`}, args...)...)
	wantText(t, "arguments", got, want)
	t.Run("long", func(t *testing.T) {
		long := strings.Repeat("x", 100_000)
		wantText(t, "argument", mustRun(t, tr, "printf", "%s", long), long)
	})
}

func testEnvironment(t *testing.T, tr backends.Transport) {
	env := map[string]string{
		"DCOSFLOW_PLAIN":   "value",
		"DCOSFLOW_SPACES":  "  two  words ",
		"DCOSFLOW_LINES":   "one\ntwo\n\nthree\n",
		"DCOSFLOW_QUOTES":  `'single' "double" back\slash` + "`tick`",
		"DCOSFLOW_DOLLAR":  "$HOME ${HOME} $(id) * ; & | < >",
		"DCOSFLOW_EMPTY":   "",
		"DCOSFLOW_EQUALS":  "a=b=c",
		"DCOSFLOW_UNICODE": "ünïcödé 日本",
		"DCOSFLOW_BYTES":   "\x01\x7f\xff\xfe",
		"DCOSFLOW_LONG":    strings.Repeat("long ", 10_000),
	}
	for name, want := range env {
		got := run(t, tr, backends.Command{Args: shell(`printf %s "$` + name + `"`), Env: env})
		if got.err != nil {
			t.Errorf("%s: got error %v, want none", name, got.err)
		}
		wantText(t, name, got.stdout, want)
	}
	t.Run("machine's own stays", func(t *testing.T) {
		got := run(t, tr, backends.Command{Args: shell(`printf %s "$PATH"`), Env: env})
		if got.stdout == "" {
			t.Error("PATH: got empty, want the machine's own")
		}
	})
	t.Run("does not leak into the next command", func(t *testing.T) {
		wantText(t, "next command", mustRun(t, tr, shell(`printf %s "${DCOSFLOW_PLAIN-unset}"`)...), "unset")
	})
	t.Run("never on a command line", func(t *testing.T) {
		secret := "s3cret-9b1f"
		got := run(t, tr, backends.Command{
			Args: shell(`for f in /proc/[0-9]*/cmdline; do tr '\0' ' ' <"$f"; echo; done 2>/dev/null`),
			Env:  map[string]string{"DCOSFLOW_SECRET": secret},
		})
		if got.stdout == "" || strings.Contains(got.stdout, secret) {
			t.Errorf("command lines of the machine: got %q, want them without the secret", got.stdout)
		}
	})
}

func testDirectory(t *testing.T, tr backends.Transport, opts Options) {
	dir := scratch(t, tr, opts) + "/with space and 'quote'"
	mustRun(t, tr, "mkdir", "-p", dir)
	got := run(t, tr, backends.Command{Args: []string{"pwd"}, Dir: dir})
	wantText(t, "pwd", got.stdout, dir+"\n")
	got = run(t, tr, backends.Command{Args: []string{"pwd"}})
	if got.err != nil || !strings.HasPrefix(got.stdout, "/") {
		t.Errorf("pwd without Dir: got %q, %v, want an absolute path", got.stdout, got.err)
	}
	if got := run(t, tr, backends.Command{Args: []string{"pwd"}, Dir: dir + "/missing"}); got.err == nil {
		t.Errorf("missing Dir: got %q, want an error", got.stdout)
	}
}

func testUsers(t *testing.T, tr backends.Transport, opts Options) {
	for _, user := range opts.Users {
		t.Run(user, func(t *testing.T) {
			got := run(t, tr, backends.Command{
				Args: shell(`id -un; printf %s "$V"; cat`), User: user,
				Env: map[string]string{"V": "a b\n"}, Stdin: strings.NewReader("in"),
			})
			if got.err != nil {
				t.Errorf("got %v, want none; stderr %q", got.err, got.stderr)
			}
			wantText(t, "id, environment, stdin", got.stdout, user+"\na b\nin")
		})
	}
	own := strings.TrimSpace(mustRun(t, tr, "id", "-un"))
	got := run(t, tr, backends.Command{Args: []string{"id", "-un"}, User: own})
	wantText(t, "the transport's own user by name", got.stdout, own+"\n")
	if got := run(t, tr, backends.Command{Args: []string{"echo", "ran"}, User: "dcosflow-nobody"}); got.err == nil || got.stdout != "" {
		t.Errorf("unknown user: got %q, %v, want an error and no output", got.stdout, got.err)
	}
}

func testStdin(t *testing.T, tr backends.Transport) {
	big := string(pattern(5 << 20))
	tests := []struct {
		name  string
		stdin io.Reader
		want  string
	}{
		{"none", nil, ""},
		{"empty", strings.NewReader(""), ""},
		{"text", strings.NewReader("no newline"), "no newline"},
		{"big and binary", strings.NewReader(big), big},
		{"one byte at a time", io.MultiReader(bytes.NewReader([]byte("a")), bytes.NewReader([]byte{0}), bytes.NewReader([]byte("b"))), "a\x00b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, tr, backends.Command{Args: []string{"cat"}, Stdin: tt.stdin})
			if got.err != nil {
				t.Errorf("got error %v, want none", got.err)
			}
			wantText(t, "cat", got.stdout, tt.want)
		})
	}
	t.Run("cannot be read", func(t *testing.T) {
		reading := errors.New("reading the input")
		for _, script := range []string{"cat >/dev/null", "cat >/dev/null; exit 3"} {
			stdin := io.MultiReader(strings.NewReader("begin"), failing{reading})
			if got := run(t, tr, backends.Command{Args: shell(script), Stdin: stdin}); !errors.Is(got.err, reading) {
				t.Errorf("%s: got %v, want it to wrap %v", script, got.err, reading)
			}
		}
	})
	t.Run("not read by the command", func(t *testing.T) {
		got := run(t, tr, backends.Command{Args: []string{"true"}, Stdin: strings.NewReader(big)})
		if got.err != nil {
			t.Errorf("got %v, want success", got.err)
		}
	})
}

func testConcurrent(t *testing.T, tr backends.Transport) {
	const n = 8
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begin := time.Now()
	var outs [n]bytes.Buffer
	var g errgroup.Group
	for i := range n {
		g.Go(func() error {
			return tr.Run(ctx, backends.Command{
				Args:  shell(`sleep 2; cat; printf %s "$V"`),
				Env:   map[string]string{"V": fmt.Sprint("env ", i)},
				Stdin: strings.NewReader(fmt.Sprint("in ", i, " ")), Stdout: &outs[i],
			})
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("got %v, want success", err)
	}
	if took := time.Since(begin); took >= n*time.Second {
		t.Errorf("%d commands of 2s each took %v, want them side by side", n, took)
	}
	for i := range outs {
		wantText(t, fmt.Sprint("command ", i), outs[i].String(), fmt.Sprintf("in %d env %d", i, i))
	}
}

// A daemon that the command leaves behind, with its output still open, must
// not hold the command.
func testBackgroundChild(t *testing.T, tr backends.Transport) {
	begin := time.Now()
	pid := strings.TrimSpace(mustRun(t, tr, shell(`sleep 120 & echo $!`)...))
	if took := time.Since(begin); took > patience/3 {
		t.Errorf("took %v, want the command to end without its background child", took)
	}
	if !alive(t, tr, pid) {
		t.Errorf("background child %s is gone, want it alive: the command ended by itself", pid)
	}
	mustRun(t, tr, "kill", "-s", "KILL", pid)
}
