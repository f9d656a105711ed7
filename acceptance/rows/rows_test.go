package main

import (
	"os"
	"strings"
	"testing"
)

const list = `
# comment
A01 done TestA01_Nodes   nodes
A02 done TestA02_Counts  role counts
A03 todo -               name prefix
`

func TestParseRows(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"no title", "A01 done TestA01_X", "line 1: want"},
		{"done without test", "A01 done - title", "line 1: a row that is done has a test"},
		{"to do with a test", "A01 todo TestA01_X title", "one to do has -"},
		{"test of another row", "A01 done TestA02_X title", "TestA01_..."},
		{"twice", "A01 todo - a\nA01 todo - b", "line 2: A01 stands in line 1 already"},
		{"unknown state", "A01 maybe - a", "line 1: want"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseRows(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error about %q", err, c.want)
			}
		})
	}
}

func TestListHasEveryRow(t *testing.T) {
	text, err := os.ReadFile("../rows.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := parseRows(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 90 || rows[0].id != "A01" || rows[89].id != "A90" {
		t.Errorf("got %d rows, want A01 to A90", len(rows))
	}
}

func TestReport(t *testing.T) {
	const (
		pass1 = `{"Action":"pass","Test":"TestA01_Nodes","Elapsed":6.12}`
		pass2 = `{"Action":"pass","Test":"TestA02_Counts","Elapsed":1}`
		fail2 = `{"Action":"output","Test":"TestA02_Counts","Output":"got 1, want 2\n"}
			{"Action":"fail","Test":"TestA02_Counts","Elapsed":1}
			{"Action":"fail"}`
		skip2 = `{"Action":"skip","Test":"TestA02_Counts/no_docker","Elapsed":0}` + pass2
		other = `{"Action":"pass","Test":"TestErrors","Elapsed":2}`
	)
	cases := []struct {
		name   string
		ids    []string
		events string
		code   int
		want   string
	}{
		{"pass", nil, pass1 + pass2, 0, "A01 PASS TestA01_Nodes 6.1s\nA02 PASS TestA02_Counts 1.0s\nA03 TODO name prefix\n"},
		{"order of the list", nil, pass2 + pass1, 0, "A01 PASS TestA01_Nodes 6.1s\nA02 PASS TestA02_Counts 1.0s\nA03 TODO name prefix\n"},
		{"fail", nil, pass1 + fail2, 1, "A01 PASS TestA01_Nodes 6.1s\nA02 FAIL TestA02_Counts 1.0s\n    got 1, want 2\nA03 TODO name prefix\n"},
		{"skipped subtest", []string{"A02"}, skip2, 1, "A02 SKIP TestA02_Counts 1.0s\n"},
		{"never ran", []string{"A01", "A02"}, pass1, 1, "A01 PASS TestA01_Nodes 6.1s\nA02 FAIL TestA02_Counts 0.0s\n    the test did not run to its end\n"},
		{"to do and asked for", []string{"A03"}, "", 1, "A03 TODO name prefix\n"},
		{"without a row", []string{"A01"}, pass1 + other, 0, "A01 PASS TestA01_Nodes 6.1s\n-- PASS TestErrors 2.0s\n"},
		{"does not build", []string{"A01"}, `{"Action":"build-output","Output":"x.go:1: no\n"}{"Action":"build-fail"}{"Action":"fail"}`, 1,
			"A01 FAIL TestA01_Nodes 0.0s\n    the test did not run to its end\n    x.go:1: no\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rows, err := parseRows(list)
			if err == nil && c.ids != nil {
				rows, err = choose(rows, c.ids)
			}
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			r := newReport(&out, rows, c.ids != nil)
			if err := r.read(strings.NewReader(c.events)); err != nil {
				t.Fatal(err)
			}
			if code := r.close(); code != c.code || out.String() != c.want {
				t.Errorf("got code %d and\n%swant code %d and\n%s", code, &out, c.code, c.want)
			}
		})
	}
}

func TestTestPattern(t *testing.T) {
	rows, err := parseRows(list)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := testPattern(rows, true), "^(TestA01_Nodes|TestA02_Counts)$"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := testPattern(rows[2:], true); got != "" {
		t.Errorf("nothing to run: got %q, want none", got)
	}
	if _, err := choose(rows, []string{"A99"}); err == nil || !strings.Contains(err.Error(), `no row "A99"`) {
		t.Errorf("got %v, want an error about A99", err)
	}
}
