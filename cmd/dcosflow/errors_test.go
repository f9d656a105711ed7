package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
)

// TestErrors shows what a user reads when something is wrong, word by word: a
// script for each kind of mistake. `shows CODE ARGS` runs dcosflow and puts all
// that it says, first the normal output and then the errors, on the script's
// standard output; `shown` does that with what the last `exec` said. What
// differs from run to run is replaced. With `env STUCK=yes` no machine can be
// removed.
func TestErrors(t *testing.T) {
	p := scripts("testdata/errors")
	p.Cmds["shows"] = shows
	p.Cmds["shown"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		show(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
	}
	testscript.Run(t, p)
}

func shows(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	env := func(name string) (string, bool) {
		value := ts.Getenv(name)
		return value, value != ""
	}
	var stdout, stderr bytes.Buffer
	used := ts.Value("backend").(backends.Type)
	if ts.Getenv("STUCK") != "" {
		used.New = func(backends.Config) (backends.Backend, error) { return stuck{fake.New(fake.Options{})}, nil }
	}
	a := testApp(ts.MkAbs("."), env, &stdout, &stderr, used)
	got := a.run(context.Background(), args[1:])
	show(ts, stdout.String()+stderr.String())
	if got != want {
		ts.Fatalf("dcosflow %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func show(ts *testscript.TestScript, text string) {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.with)
	}
	_, err := ts.Stdout().Write([]byte(strings.ReplaceAll(text, ts.MkAbs("."), "$WORK")))
	ts.Check(err)
}

// stuck is a backend that removes nothing.
type stuck struct{ *fake.Backend }

func (stuck) Delete(context.Context, backends.Key) error {
	return errors.New("remove node member-0: device or resource busy")
}

// varying is what no two runs have alike.
var varying = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\d{8}-\d{6}-[a-z2-7]{4}`), "RUN"},
	{regexp.MustCompile(`\b(after|in|took) \d+(\.\d+)?(µs|ms|s)\b`), "$1 TIME"},
	{regexp.MustCompile(`\btried \d+ times`), "tried N times"},
	{regexp.MustCompile(`(?m)^critical path: .*\n(  .*\n)*`), ""},
}
