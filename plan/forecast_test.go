package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
)

const rolling = lab + `
step "run" "load" {
  command = ["a"]
}
step "run" "roll" {
  nodes        = cluster.c.master
  max_parallel = 1
  command      = ["a"]
}
step "assert" "same" {
  depends_on = [step.roll, step.load]
  condition  = true
}
step "run" "logs" {
  when    = "on_failure"
  nodes   = cluster.c.master
  command = ["a"]
}`

func TestForecast(t *testing.T) {
	history := History{Runs: 2, Addresses: map[string]time.Duration{
		`step.roll["master-0"]`: 20 * time.Second, "step.load": 50 * time.Second, "step.same": time.Second,
		`step.logs["master-0"]`: time.Hour,
	}, Types: map[string]time.Duration{"run": 40 * time.Second, "provision": 3 * time.Second}}
	p := request{text: rolling, history: history}.mustBuild(t)
	want := Forecast{
		Expected: 65 * time.Second, Length: 65 * time.Second, Runs: 2, Guessed: 1, // destroy
		Path: []dag.ID{`provision.c["master-0"]`, `step.roll["master-0"]`, `step.roll["master-1"]`, "step.same", "destroy.c"},
	}
	if d := cmp.Diff(want, p.Forecast); d != "" {
		t.Errorf("forecast (-want +got):\n%s", d)
	}
	for id, want := range map[dag.ID]string{
		`step.roll["master-0"]`: "20s by address, 62s to the end",
		`step.roll["master-1"]`: "40s by type, 42s to the end",
		"step.load":             "50s by address, 52s to the end",
		"destroy.c":             "1s by , 1s to the end",
	} {
		inst := p.Graph.Value(id)
		if got := fmt.Sprintf("%gs by %s, %gs to the end", inst.Expected.Seconds(), inst.Basis, inst.Rank.Seconds()); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}

func TestForecastWithoutHistory(t *testing.T) {
	p := mustBuild(t, rolling)
	if f := p.Forecast; f.Expected != 0 || len(f.Path) != 5 || f.Guessed != 10 {
		t.Errorf("got %+v, want nothing expected, a path of 5 and 10 guesses", f)
	}
	if first, last := p.Graph.Value(`step.roll["master-0"]`).Rank, p.Graph.Value("step.same").Rank; first <= last {
		t.Errorf("the beginning of the chain ranks %s, its end %s", first, last)
	}
}

// The slots or a lock can be what a run waits for.
func TestForecastOfCongestion(t *testing.T) {
	const five = `
step "run" "x" {
  for_each = toset(["a", "b", "c", "d", "e"])
  command  = ["a"]
  %s
}`
	history := History{Types: map[string]time.Duration{"run": 10 * time.Second}}
	for text, want := range map[string]time.Duration{
		fmt.Sprintf(five, ""):                                                       10 * time.Second,
		fmt.Sprintf(five, `locks = ["disk"]`):                                       50 * time.Second,
		fmt.Sprintf(five, `locks = ["disk-${each.key}"]`):                           10 * time.Second,
		`workflow "w" { max_parallel = 2 }` + fmt.Sprintf(five, ""):                 25 * time.Second,
		`workflow "w" { max_parallel = 2 }` + fmt.Sprintf(five, `max_parallel = 1`): 50 * time.Second,
	} {
		if got := (request{text: text, history: history}).mustBuild(t).Forecast.Expected; got != want {
			t.Errorf("%s\ngot %s, want %s", text, got, want)
		}
	}
}

func TestRule12_Locks(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "x" {
  nodes   = cluster.c.master
  locks   = ["disk", "node-${node.name}", "disk"]
  command = ["a"]
}`)
	want := []string{"disk", "node-master-1"}
	if got := p.Graph.Traits(`step.x["master-1"]`).Locks; !slices.Equal(got, want) {
		t.Errorf("the locks are %q, want %q", got, want)
	}
	checkMistakes(t, []mistake{
		{name: "no name", text: `step "run" "x" {
  command = ["a"]
  locks   = [""]
}`, line: 3, want: []string{"A lock without a name"}},
		{name: "no list", text: `step "run" "x" {
  command = ["a"]
  locks   = "disk"
}`, line: 3, want: []string{`Wrong type for "locks"`, `["...", "..."]`}},
		{name: "known late", text: `step "run" "a" {
  command = ["a"]
}
step "run" "x" {
  command = ["a"]
  locks   = [step.a.stdout]
}`, line: 6, want: []string{"known before the run"}},
	})
}

// What becomes known at run time ranks like its placeholder.
func TestForecastOfLateInstances(t *testing.T) {
	history := History{Types: map[string]time.Duration{"run": 10 * time.Second}}
	p := request{text: lab + `
step "run" "leader" {
  command = ["a"]
}
step "run" "cut" {
  nodes   = [for n in cluster.c.master : n if n.name == step.leader.stdout]
  command = ["a"]
}
step "run" "after" {
  depends_on = [step.cut]
  command    = ["a"]
}`, history: history}.mustBuild(t)
	expander := p.Graph.Value("step.cut[*]")
	f := &facts{outputs: map[dag.ID]cty.Value{"step.leader": cty.ObjectVal(map[string]cty.Value{
		"stdout": cty.StringVal("master-1"), "stderr": cty.StringVal(""), "exit_code": cty.NumberIntVal(0),
	})}}
	x, err := expander.Expand(f)
	if err != nil || len(x.Vertices) != 1 {
		t.Fatalf("expand: %v, %v", x, err)
	}
	if got := x.Vertices[0].Value; got.Rank != expander.Rank || got.Expected != 10*time.Second || got.Rank != 21*time.Second {
		t.Errorf("it ranks %s and takes %s, want 21s and 10s", got.Rank, got.Expected)
	}
}
