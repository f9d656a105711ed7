package fake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/backendtest"
	"github.com/dcosflow/dcosflow/backends/fake"
)

func TestBackend(t *testing.T) {
	runs := 0
	backendtest.TestBackend(t, func() (backends.Backend, backends.Spec) {
		runs++
		return fake.New(fake.Options{}), backends.Spec{
			Key:   backends.Key{Run: fmt.Sprint("run-", runs), Cluster: "c"},
			Roles: []backends.RoleCount{{Role: "master", Count: 2}, {Role: "public_agent", Count: 1}},
			Owner: backends.Owner{Host: "h", PID: 1, Start: "s"}, Dir: "/runs/1",
		}
	})
}

func TestTransportFiles(t *testing.T) {
	tr, _ := fake.NewTransport("n-0")
	backendtest.TestFiles(t, tr, backendtest.Options{})
}

func TestScripts(t *testing.T) {
	lost := &backends.TroubleError{Op: "run", Err: errors.New("machine lost")}
	tr, calls := fake.NewTransport("n-1",
		fake.Script{Command: fake.CommandPattern("cat .*"), Stdout: "first", Times: 1},
		fake.Script{Command: fake.CommandPattern("cat .*"), Stdout: "then"},
		fake.Script{Node: "other-*", Command: fake.CommandPattern("id"), Stdout: "not here"},
		fake.Script{Command: fake.CommandPattern("id"), Stdout: "me", Stderr: "why", Code: 3},
		fake.Script{Command: fake.CommandPattern("dig"), Err: lost},
	)
	tests := []struct {
		args, stdout, err string
	}{
		{"cat x", "first", ""},
		{"cat x", "then", ""},
		{"cat x", "then", ""},
		{"id", "me", "id on n-1: exit code 3"},
		{"dig", "", "run: machine lost"},
		{"idle", "", `run ["idle"] on n-1: no script answers this command`},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		err := tr.Run(t.Context(), backends.Command{Args: strings.Fields(tt.args), Stdin: strings.NewReader("in"), Stdout: &out})
		if got := text(err); got != tt.err || out.String() != tt.stdout {
			t.Errorf("%s: got %q, error %q, want %q, error %q", tt.args, out.String(), got, tt.stdout, tt.err)
		}
	}
	if got := calls(); len(got) != len(tests) || got[3].Stdin != "in" || got[3].Command.Args[0] != "id" || got[3].Node != "n-1" {
		t.Errorf("calls: got %+v, want one for each command with its input", got)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestHangAndDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr, _ := fake.NewTransport("n-0",
			fake.Script{Command: fake.CommandPattern("hang"), Hang: true},
			fake.Script{Command: fake.CommandPattern("slow"), Delay: time.Hour},
		)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		begin := time.Now()
		if err := tr.Run(ctx, backends.Command{Args: []string{"slow"}}); err != nil || time.Since(begin) != time.Hour {
			t.Errorf("slow: got %v after %v, want success after 1h", err, time.Since(begin))
		}
		if err := tr.Run(ctx, backends.Command{Args: []string{"hang"}}); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Hour {
			t.Errorf("hang: got %v after %v, want the deadline after 2h", err, time.Since(begin))
		}
	})
}

func TestType(t *testing.T) {
	null := cty.NullVal
	script := cty.ObjectVal(map[string]cty.Value{
		"node": null(cty.String), "command": cty.StringVal("echo .*"), "times": null(cty.Number), "delay": null(cty.String),
		"hang": null(cty.Bool), "stdout": cty.StringVal("hi"), "stderr": null(cty.String), "exit_code": cty.NumberIntVal(2),
		"signal": null(cty.String), "trouble": null(cty.String),
	})
	create := cty.ObjectVal(map[string]cty.Value{
		"node": cty.StringVal("m-1"), "delay": null(cty.String), "error": cty.StringVal("disk full"), "failed_units": null(cty.List(cty.String)),
	})
	typ := fake.Type()
	b, err := typ.New(backends.Config{Name: "f", Value: cty.ObjectVal(map[string]cty.Value{
		"script": cty.TupleVal([]cty.Value{script}), "create": cty.TupleVal([]cty.Value{create}),
	})})
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	spec := backends.Spec{Key: backends.Key{Run: "r", Cluster: "c"}, Roles: []backends.RoleCount{{Role: "m", Count: 2}}}
	if _, err := b.Allocate(t.Context(), spec); err != nil {
		t.Fatalf("allocate: %v", err)
	}
	boot, err := b.Create(t.Context(), spec, "m-0")
	if err != nil {
		t.Fatalf("create m-0: %v", err)
	}
	var exit *backends.ExitError
	if err := boot.Node.Transport.Run(t.Context(), backends.Command{Args: []string{"echo", "x"}}); !errors.As(err, &exit) || exit.Code != 2 {
		t.Errorf("echo: got %v, want exit code 2", err)
	}
	if _, err := b.Create(t.Context(), spec, "m-1"); text(err) != "create node: disk full" {
		t.Errorf("create m-1: got %v, want %q", err, "create node: disk full")
	}
}
