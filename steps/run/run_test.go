package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps/run"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

type args = stepstest.Args

// do runs the step on a node that is this machine.
func do(t *testing.T, a args) (cty.Value, *stepstest.World, error) {
	t.Helper()
	return doOn(t, t.Context(), local.Transport{}, a)
}

func doOn(t *testing.T, ctx context.Context, tr backends.Transport, a args) (cty.Value, *stepstest.World, error) {
	t.Helper()
	typ := run.Type()
	w := stepstest.NewWorld(local.Transport{}, stepstest.Node("box-0", tr))
	s, err := typ.New(stepstest.Config(t, &typ.Schema, a))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	out, err := s.Run(ctx, w.Env)
	return out, w, err
}

func TestForms(t *testing.T) {
	big := "# " + strings.Repeat("x", 3<<20) + "\necho done\n"
	tests := []struct {
		name           string
		args           args
		stdout, stderr string
	}{
		{"literal", args{"command": []string{"printf", "%s|", "$HOME", "two  words", "*"}}, "$HOME|two  words|*|", ""},
		{"streams", args{"command": []string{"sh", "-c", "echo out; echo err >&2"}}, "out\n", "err\n"},
		{"script", args{"script": "for w in a b; do printf %s $w | tr a-z A-Z; done"}, "AB", ""},
		{"script stops at the first error", args{"script": "echo one\nfalse\necho two", "exit_codes": []int{1}}, "one\n", ""},
		{"script of megabytes", args{"script": big}, "done\n", ""},
		{"script and stdin", args{"script": "cat; echo end", "stdin": "first\nsecond"}, "first\nsecondend\n", ""},
		{"script without stdin", args{"script": "cat; echo end"}, "end\n", ""},
		{"shell", args{"shell": []string{"bash"}, "script": "words=(a b c); printf %s ${#words[@]}"}, "3", ""},
		{"shell with options", args{"shell": []string{"/bin/sh", "-eu"}, "script": "echo ${unset-none}"}, "none\n", ""},
		{"env", args{"command": []string{"printenv", "V"}, "env": map[string]string{"V": "two  words, \"quoted\"\nand $HOME"}}, "two  words, \"quoted\"\nand $HOME\n", ""},
		{"cwd", args{"command": []string{"pwd"}, "cwd": "/usr"}, "/usr\n", ""},
		{"stdin", args{"command": []string{"cat"}, "stdin": "text"}, "text", ""},
		{"exit codes", args{"command": []string{"sh", "-c", "exit 3"}, "exit_codes": []int{0, 3}}, "", ""},
		{"no UTF-8", args{"command": []string{"printf", `a\377b`}}, "a\uFFFDb", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, _, err := do(t, tt.args)
			if err != nil {
				t.Fatalf("got %v, want success", err)
			}
			if got := out.GetAttr("stdout").AsString(); got != tt.stdout {
				t.Errorf("stdout: got %q, want %q", got, tt.stdout)
			}
			if got := out.GetAttr("stderr").AsString(); got != tt.stderr {
				t.Errorf("stderr: got %q, want %q", got, tt.stderr)
			}
			if got := out.GetAttr("node").AsString(); got != "box-0" {
				t.Errorf("node: got %q, want %q", got, "box-0")
			}
		})
	}
}

func TestLogIsByteForByte(t *testing.T) {
	_, w, err := do(t, args{"command": []string{"printf", `a\377\r\nb`}})
	if got := w.Stdout.String(); err != nil || got != "a\xff\r\nb" {
		t.Errorf("log: got %q, %v, want %q", got, err, "a\xff\r\nb")
	}
}

func TestLocal(t *testing.T) {
	typ := run.Type()
	w := stepstest.NewWorld(local.Transport{}, nil)
	w.Env.WorkflowDir = "/usr"
	s, err := typ.New(stepstest.Config(t, &typ.Schema, args{"local": true, "command": []string{"pwd"}}))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	out, err := s.Run(t.Context(), w.Env)
	if err != nil || out.GetAttr("stdout").AsString() != "/usr\n" || !out.GetAttr("node").IsNull() {
		t.Errorf("got %#v, %v, want the workflow's directory and no node", out, err)
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name    string
		args    args
		message string
		command []string
		code    int
	}{
		{"exit code", args{"command": []string{"sh", "-c", "echo why >&2; exit 7"}}, "sh: exit code 7", []string{"sh", "-c", "echo why >&2; exit 7"}, 7},
		{"script", args{"script": "exit 2"}, "/bin/sh: exit code 2", []string{"/bin/sh", "-e", "(script)"}, 2},
		{"sudo", args{"command": []string{"false"}, "sudo": true}, "sudo: exit code 1", []string{"sudo", "false"}, 1},
		{"signal", args{"command": []string{"sh", "-c", "kill -s KILL $$"}}, "sh: signal KILL", []string{"sh", "-c", "kill -s KILL $$"}, 137},
		{"signal whose code is allowed", args{"command": []string{"sh", "-c", "kill -s KILL $$"}, "exit_codes": []int{137}},
			"sh: signal KILL, but exit_codes is [137]", []string{"sh", "-c", "kill -s KILL $$"}, 137},
		{"another code wanted", args{"command": []string{"true"}, "exit_codes": []int{1, 2}}, "true on box-0: exit code 0, but exit_codes is [1 2]", []string{"true"}, 0},
		{"missing program", args{"command": []string{"dcosflow-no-such-program"}}, "dcosflow-no-such-program: exit code 127", []string{"dcosflow-no-such-program"}, 127},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, _, err := do(t, tt.args)
			var exit *backends.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("got %v, want *backends.ExitError", err)
			}
			if err.Error() != tt.message || exit.Code != tt.code || !slices.Equal(exit.Args, tt.command) {
				t.Errorf("got %q, code %d, command %q, want %q, code %d, command %q", err, exit.Code, exit.Args, tt.message, tt.code, tt.command)
			}
			if got, _ := out.GetAttr("exit_code").AsBigFloat().Int64(); got != int64(tt.code) {
				t.Errorf("output exit_code: got %d, want %d", got, tt.code)
			}
		})
	}
}

func TestTrouble(t *testing.T) {
	lost := &backends.TroubleError{Op: "run", Err: errors.New("machine lost")}
	tr, _ := fake.NewTransport("box-0", fake.Script{Err: lost, Stdout: "some"})
	out, _, err := doOn(t, t.Context(), tr, args{"command": []string{"true"}})
	if !errors.Is(err, lost) || !out.GetAttr("exit_code").IsNull() || out.GetAttr("stdout").AsString() != "some" {
		t.Errorf("got %#v, %v, want the trouble, the output so far and no exit code", out, err)
	}
}

func TestCancelLeavesNoScript(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, _, err := doOn(t, ctx, local.Transport{}, args{"script": "exec sleep 60"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: got %v, %v, want nothing", left, err)
	}
}

func TestUserSudoAndSecrets(t *testing.T) {
	tr, calls := fake.NewTransport("box-0", fake.Script{})
	_, _, err := doOn(t, t.Context(), tr, args{
		"script": "echo s3cret-script", "user": "deploy", "sudo": true, "env": map[string]string{"TOKEN": "s3cret-env", "B": "b"}, "stdin": "in",
	})
	if err != nil {
		t.Fatalf("got %v, want success", err)
	}
	call := calls()[0]
	line := strings.Join(call.Command.Args, " ")
	if strings.Contains(line, "s3cret") || !strings.Contains(line, "B,TOKEN") || call.Command.User != "deploy" {
		t.Errorf("got command %q as %q, want only names of variables in it, as deploy", line, call.Command.User)
	}
	if want := "echo s3cret-scriptin"; call.Stdin != want {
		t.Errorf("stdin: got %q, want %q", call.Stdin, want)
	}
	if call.Command.Env["TOKEN"] != "s3cret-env" {
		t.Errorf("env: got %v, want the token", call.Command.Env)
	}
}

func TestExcess(t *testing.T) {
	out, w, err := do(t, args{"command": []string{"head", "-c", fmt.Sprint(9 << 20), "/dev/zero"}})
	if err != nil || !out.GetAttr("stdout").IsNull() {
		t.Errorf("stdout of 9 MiB: got null %v, %v, want null", out.GetAttr("stdout").IsNull(), err)
	}
	if w.Stdout.Len() != 9<<20 || len(w.Progress) != 1 || !strings.Contains(w.Progress[0], "the whole is in the log") {
		t.Errorf("got a log of %d bytes and progress %q, want all and a line about it", w.Stdout.Len(), w.Progress)
	}
}

func TestCheck(t *testing.T) {
	typ := run.Type()
	tests := []struct {
		name    string
		args    args
		hasNode bool
		want    []string
	}{
		{"fine", args{"command": []string{"true"}}, true, nil},
		{"local", args{"command": []string{"true"}, "local": true, "cwd": "sub"}, false, nil},
		{"nowhere", args{"command": []string{"true"}}, false, []string{": This run has no place"}},
		{"both places", args{"command": []string{"true"}, "local": true}, true, []string{"local: A local run has no node"}},
		{"unknown place", args{"command": []string{"true"}, "local": cty.UnknownVal(cty.Bool)}, true, nil},
		{"no program", args{"command": []string{}}, true, []string{"command: Empty command"}},
		{"blank program", args{"command": []string{" "}}, true, []string{"command: No program in command"}},
		{"no shell", args{"script": "x", "shell": []string{}}, true, []string{"shell: Empty shell"}},
		{"relative directory", args{"command": []string{"true"}, "cwd": "sub"}, true, []string{"cwd: Working directory is not absolute"}},
		{"no code", args{"command": []string{"true"}, "exit_codes": []int{}}, true, []string{"exit_codes: No exit code would be a success"}},
		{"odd code", args{"command": []string{"true"}, "exit_codes": []int{256}}, true, []string{"exit_codes: Not an exit code"}},
		{"odd variable", args{"command": []string{"true"}, "env": map[string]string{"A-B": ""}}, true, []string{"env: Not a name of an environment variable"}},
		{"null variable", args{"command": []string{"true"}, "env": cty.MapVal(map[string]cty.Value{"A": cty.NullVal(cty.String)})}, true, []string{"env: Environment variable without a value"}},
		{"unknown everything", args{
			"command": cty.UnknownVal(cty.List(cty.String)), "cwd": cty.UnknownVal(cty.String), "env": cty.UnknownVal(cty.Map(cty.String)),
			"exit_codes": cty.UnknownVal(cty.List(cty.Number)), "shell": cty.UnknownVal(cty.List(cty.String)),
		}, true, nil},
		{"unknown inside", args{
			"command": cty.ListVal([]cty.Value{cty.UnknownVal(cty.String)}), "env": cty.MapVal(map[string]cty.Value{"A": cty.UnknownVal(cty.String)}),
		}, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := stepstest.Config(t, &typ.Schema, tt.args)
			got := stepstest.Problems(append(typ.Schema.Check(cfg), typ.Check(cfg, tt.hasNode)...))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
