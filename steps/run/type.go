package run

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

const doc = "Runs a command or a script on a node, or on the machine of the tool. It succeeds when the exit code is in `exit_codes`.\n\n" +
	"A `command` is a list of arguments that no shell sees: `[\"echo\", \"$HOME\"]` prints `$HOME`. A `script` is given to `shell` as a file. " +
	"Standard output and standard error are kept apart, written to the step's log byte for byte (but for secrets), and returned as outputs. " +
	"When the step is cancelled or times out, the whole process group gets SIGTERM and five seconds later SIGKILL.\n\n" +
	"Values go to a command through `env`, secrets too: neither `env` nor `script` is ever on a command line of the machine.\n\n" +
	"With `background = true` it is a span: the command starts just before the first step that says `during = [...]` with it, and goes on until the last of " +
	"them has ended. Then its process group gets SIGTERM, and SIGKILL after `stop_timeout`; that is no failure. A command that ends earlier is judged by " +
	"`exit_codes`: success is a success, failure stops the steps that run during it. It also ends when the tool dies.\n\n" +
	"The step is not repeated after trouble with the connection unless a `retry` block says so."

// Type returns the step type `run`.
func Type() steps.Type {
	return steps.Type{
		Name:      "run",
		Doc:       doc,
		Placement: steps.MayHaveNode,
		Schema:    block(),
		Outputs: []schema.Output{
			{Name: "stdout", Type: cty.String, Printed: true, Doc: "Standard output. Bytes that are no UTF-8 become U+FFFD. Null when it is longer than 8 MiB; the log has the whole."},
			{Name: "stderr", Type: cty.String, Printed: true, Doc: "Standard error, likewise."},
			{Name: "exit_code", Type: cty.Number, Doc: "Exit code; 128 plus the number of the signal that ended it. Null when the step stopped it."},
			{Name: "duration", Type: cty.Number, Doc: "How long it ran, in seconds."},
			{Name: "node", Type: cty.String, Doc: "Name of the node; null with `local = true`."},
		},
		Check:   check,
		New:     newStep,
		NewSpan: newSpan,
	}
}

func block() schema.Block {
	return schema.Block{
		OneOf: [][]string{{"command", "script"}},
		Check: checkBlock,
		Attributes: []schema.Attribute{
			{Name: "command", Public: true, Type: cty.List(cty.String), Example: `["hostname", "-f"]`, Doc: "Program and arguments, taken literally."},
			{Name: "script", Type: cty.String, Doc: "Text of a script of any length, such as `file(\"setup.sh\")`. In a heredoc, write `$${VAR}` for the shell's `${VAR}`."},
			{Name: "shell", Public: true, Type: cty.List(cty.String), Default: cty.ListVal([]cty.Value{cty.StringVal("/bin/sh"), cty.StringVal("-e")}),
				Doc: "What runs the `script`; the path of the script is appended."},
			{Name: "env", Type: cty.Map(cty.String), Doc: "Environment variables, added to the machine's own."},
			{Name: "user", Public: true, Type: cty.String, Doc: "User to run it as. Default: the user of the connection, which is root on nodes of the docker backend."},
			{Name: "sudo", Type: cty.Bool, Default: cty.False, Doc: "Runs it as root through sudo, without a password. Where the user is root already it changes nothing."},
			{Name: "cwd", Public: true, Type: cty.String, Doc: "Working directory, absolute. Default: the user's home or `/`; with `local = true`, the workflow's directory."},
			{Name: "stdin", Type: cty.String, Doc: "Text for standard input. Default: empty."},
			{Name: "exit_codes", Type: cty.List(cty.Number), Default: cty.ListVal([]cty.Value{cty.NumberIntVal(0)}), Doc: "Exit codes that count as success."},
			{Name: "local", Type: cty.Bool, Default: cty.False, Doc: "Runs it on the machine of the tool; then `node` and `nodes` are refused."},
		},
	}
}

// check knows where the step runs.
func check(cfg cty.Value, hasNode bool) []schema.Problem {
	local := cfg.GetAttr("local")
	if local.IsNull() || !local.IsKnown() {
		return nil
	}
	switch {
	case local.True() && hasNode:
		return []schema.Problem{{
			Attribute: "local", Summary: "A local run has no node",
			Detail: "local = true runs the command on the machine of the tool. Remove it, or remove node or nodes.",
		}}
	case local.False() && !hasNode:
		return []schema.Problem{{
			Summary: "This run has no place",
			Detail:  "Write node = cluster.NAME.ROLE[0] or nodes = cluster.NAME.nodes to run it on nodes, or local = true to run it on the machine of the tool.",
		}}
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func checkBlock(cfg cty.Value) []schema.Problem {
	var problems []schema.Problem
	for _, list := range []struct{ name, example string }{
		{"command", `["systemctl", "restart", "etcd"]`}, {"shell", `["/bin/bash", "-e"]`},
	} {
		if p, wrong := checkProgram(list.name, list.example, cfg.GetAttr(list.name)); wrong {
			problems = append(problems, p)
		}
	}
	if dir := cfg.GetAttr("cwd"); isText(dir) && !path.IsAbs(dir.AsString()) && !isTrue(cfg.GetAttr("local")) {
		problems = append(problems, schema.Problem{
			Attribute: "cwd", Summary: "Working directory is not absolute",
			Detail: fmt.Sprintf("%q has no fixed meaning on a node. Write a path that starts with /.", dir.AsString()),
		})
	}
	problems = append(problems, checkExitCodes(cfg.GetAttr("exit_codes"))...)
	return append(problems, checkEnv(cfg.GetAttr("env"))...)
}

func checkProgram(name, example string, v cty.Value) (schema.Problem, bool) {
	if v.IsNull() || !v.IsKnown() {
		return schema.Problem{}, false
	}
	if v.LengthInt() == 0 {
		return schema.Problem{Attribute: name, Summary: "Empty " + name,
			Detail: fmt.Sprintf("The first element of %s is the program to run, such as %s.", name, example)}, true
	}
	first := v.Index(cty.Zero)
	if isText(first) && strings.TrimSpace(first.AsString()) == "" {
		return schema.Problem{Attribute: name, Summary: "No program in " + name,
			Detail: "The first element is empty; it is the program to run."}, true
	}
	return schema.Problem{}, false
}

func checkExitCodes(v cty.Value) []schema.Problem {
	if v.IsNull() || !v.IsWhollyKnown() {
		return nil
	}
	if v.LengthInt() == 0 {
		return []schema.Problem{{Attribute: "exit_codes", Summary: "No exit code would be a success", Detail: "Name at least one code, such as [0]."}}
	}
	for _, code := range v.AsValueSlice() {
		if code.IsNull() {
			continue
		}
		if f := code.AsBigFloat(); !f.IsInt() || f.Sign() < 0 || f.Cmp(cty.NumberIntVal(255).AsBigFloat()) > 0 {
			return []schema.Problem{{Attribute: "exit_codes", Summary: "Not an exit code",
				Detail: fmt.Sprintf("%s is none: exit codes are whole numbers from 0 to 255.", f.Text('g', -1))}}
		}
	}
	return nil
}

func checkEnv(v cty.Value) []schema.Problem {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	var problems []schema.Problem
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if !variableName.MatchString(key.AsString()) {
			problems = append(problems, schema.Problem{Attribute: "env", Summary: "Not a name of an environment variable",
				Detail: fmt.Sprintf("%q is none: they have letters, digits and _, and do not start with a digit.", key.AsString())})
		}
		if value.IsKnown() && value.IsNull() {
			problems = append(problems, schema.Problem{Attribute: "env", Summary: "Environment variable without a value",
				Detail: fmt.Sprintf("%s is null. Leave it out, or give it the empty string.", key.AsString())})
		}
	}
	return problems
}

func isText(v cty.Value) bool { return v.IsKnown() && !v.IsNull() && v.Type() == cty.String }

func isTrue(v cty.Value) bool { return !v.IsNull() && (!v.IsKnown() || v.True()) }
