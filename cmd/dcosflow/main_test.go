package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/steps/builtin"
)

var update = flag.Bool("update", false, "write the golden parts of the scripts, and docs/steps")

// TestMain makes the test binary a dcosflow with the fake backend when it is
// called by the name `tool`, for scripts that send signals.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"killable": func() { os.Exit(killable()) },
		"tool": func() {
			cwd, err := os.Getwd()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(3)
			}
			a := testApp(cwd, os.LookupEnv, os.Stdout, os.Stderr, fake.Type())
			a.stdin, a.program = os.Stdin, os.Args[0]
			os.Exit(a.run(context.Background(), os.Args[1:]))
		},
	})
}

func testApp(cwd string, env func(string) (string, bool), stdout, stderr io.Writer, types ...backends.Type) *app {
	return &app{
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
		env: env, cwd: cwd, steps: builtin.Types(), backends: types,
	}
}

// sharedFake is the type of the fake backend whose machines outlive one
// command: equal configurations are the same backend.
func sharedFake() backends.Type {
	var mu sync.Mutex
	made := map[string]backends.Backend{}
	t := fake.Type()
	create := t.New
	t.New = func(cfg backends.Config) (backends.Backend, error) {
		mu.Lock()
		defer mu.Unlock()
		key := cfg.Value.GoString()
		if made[key] == nil {
			b, err := create(cfg)
			if err != nil {
				return nil, err
			}
			made[key] = b
		}
		return made[key], nil
	}
	return t
}

// TestScripts runs testdata/script. In a script, `dcosflow ARGS` must exit with
// 0, `exit CODE ARGS` with the given code; both run in this process, and all of
// a script share one fake backend.
func TestScripts(t *testing.T) {
	testscript.Run(t, scripts("testdata/script"))
}

// scripts are those of a folder, with the commands that all have.
func scripts(dir string) testscript.Params {
	return testscript.Params{
		Dir:           dir,
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Values["backend"] = sharedFake()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dcosflow": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg {
					ts.Fatalf("write `exit CODE %s`", strings.Join(args, " "))
				}
				expectExit(ts, 0, args)
			},
			"exit": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				expectExit(ts, want, args[1:])
			},
			"orphan": orphan,
		},
	}
}

func expectExit(ts *testscript.TestScript, want int, args []string) {
	env := func(name string) (string, bool) {
		value := ts.Getenv(name)
		return value, value != ""
	}
	a := testApp(ts.MkAbs("."), env, ts.Stdout(), ts.Stderr(), ts.Value("backend").(backends.Type))
	if got := a.run(context.Background(), args); got != want {
		ts.Fatalf("dcosflow %s: exit code %d, want %d", strings.Join(args, " "), got, want)
	}
}

// orphan makes a cluster of the fake backend, as a run that died would leave:
// `orphan RUN dead|alive|elsewhere`.
func orphan(ts *testscript.TestScript, _ bool, args []string) {
	owner := backends.Owner(journal.Self())
	switch args[1] {
	case "dead":
		owner.Start += "-before"
	case "elsewhere":
		owner.Host = "elsewhere.example"
	}
	t := ts.Value("backend").(backends.Type)
	value, _ := defaults(&t.Schema)
	b, err := t.New(backends.Config{Name: "orphans", Value: value})
	ts.Check(err)
	spec := backends.Spec{
		Key:   backends.Key{Run: args[0], Cluster: "lost"},
		Roles: []backends.RoleCount{{Role: "member", Count: 2}},
		Owner: owner, Dir: ts.MkAbs("nowhere/" + args[0]),
	}
	_, err = b.Allocate(context.Background(), spec)
	ts.Check(err)
	for _, node := range spec.Nodes() {
		_, err = b.Create(context.Background(), spec, node.Name)
		ts.Check(err)
	}
}
