package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
)

// What a step prints is on disk byte for byte, without the secrets, however its
// writes cut them.
func TestLogsWithoutSecrets(t *testing.T) {
	graph := dag.New[*plan.Instance]()
	if err := graph.Add("step.quiet", &plan.Instance{Sensitive: true}, dag.Traits{}); err != nil {
		t.Fatal(err)
	}
	r := newRun(Options{Plan: &plan.Plan{Run: plan.Run{Dir: t.TempDir()}, Graph: graph}, Secrets: func() []string { return nil }})
	r.redactor.add("correct horse")
	l := r.newLogs("step.x", "1")
	binary := "\x00\xff\r\n\x1b[1mbold\x1b[0m\n"
	for _, part := range []string{binary, "pw cor", "rect hor", "se\nlast: correct h"} {
		if n, err := l.stdout.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("write %q: got %d, %v", part, n, err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(r.Plan.Run.Dir, "logs/step.x/1.stdout"))
	if want := binary + "pw (sensitive)\nlast: correct h"; err != nil || string(got) != want {
		t.Errorf("on disk: got %q, %v, want %q", got, err, want)
	}
	if got, want := l.lines()[2:], []string{"pw (sensitive)", "last: correct h"}; !slices.Equal(got, want) {
		t.Errorf("last lines: got %q, want %q", got, want)
	}

	if n, err := l.stdout.Write([]byte("late\n")); n != 5 || err != nil || slices.Contains(l.lines(), "late") {
		t.Errorf("a write after the end: got %d, %v, and the lines %q", n, err, l.lines())
	}

	quiet := r.newLogs("step.quiet", "1")
	fmt.Fprint(&quiet.stdout, "anything")
	if err := quiet.close(); err != nil {
		t.Fatal(err)
	}
	if got, want := quiet.lines(), []string{"(sensitive: 8 bytes are not kept)"}; !slices.Equal(got, want) {
		t.Errorf("a sensitive step: got %q, want %q", got, want)
	}
}

func TestLogFolder(t *testing.T) {
	long := strings.Repeat("x", 300)
	cases := []struct{ id, want string }{
		{"step.check", "logs/step.check"},
		{`step.check["member-0"]`, "logs/step.check.member-0"},
		{`step.check["a/../b c"]`, "logs/step.check.a%2F..%2Fb%20c"},
		{`step.check["100%"]`, "logs/step.check.100%25"},
		{`step.check["v1.2"]`, "logs/step.check.v1.2"},
		{"group.g.inner", "logs/group.g.inner"},
		{`group.g["k"].inner`, "logs/group.g.k.inner"},
		{`group.g["v1.2"].inner`, "logs/group.g.v1%2E2.inner"},
		{`module.m["a"].module.n.step.x["n-0"]`, "logs/module.m.a.module.n.step.x.n-0"},
		{`module.m["q\"]"].step.x["r\"]"]`, "logs/module.m.q%5C%22%5D.step.x.r%5C%22%5D"},
		{`step.check["größe"]`, "logs/step.check.gr%C3%B6%C3%9Fe"},
	}
	for _, c := range cases {
		if got := logFolder(dag.ID(c.id)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.id, got, c.want)
		}
	}
	one, other := logFolder(dag.ID(`step.x["`+long+`1"]`)), logFolder(dag.ID(`step.x["`+long+`2"]`))
	if one == other || len(one) > 200 {
		t.Errorf("long keys: got %q and %q, want two short names", one, other)
	}
}
