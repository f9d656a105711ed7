package plan

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/dag"
)

// writer is a span for tests.
const writer = `
step "run" "writer" {
  background = true
  command    = ["write"]
}
`

func TestRule13_SpansAreTwoVertices(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "ready" { command = ["a"] }
step "run" "writer" {
  background   = true
  node         = cluster.c.agent[0]
  command      = ["write"]
  depends_on   = [step.ready]
  stop_timeout = "7s"
  locks        = ["disk"]
}
step "cut" "cut" {
  nodes        = cluster.c.master
  max_parallel = 1
  during       = [step.writer]
  duration     = "30s"
  on_failure   = "continue"
}
step "run" "each" {
  nodes   = cluster.c.master
  during  = [step.cut[node.name]]
  command = ["a"]
}
step "run" "result" { command = [step.writer.stdout] }
`)
	checkEdges(t, p, "step.writer:start", "step.ready", `provision.c["agent-0"]`)
	checkEdges(t, p, "step.writer", "step.writer:start", `~step.cut["master-0"]`, `~step.cut["master-1"]`)
	checkEdges(t, p, `step.cut["master-0"]:start`, `provision.c["master-0"]`, "step.writer:start")
	checkEdges(t, p, `step.cut["master-0"]`, `step.cut["master-0"]:start`, `~step.each["master-0"]`)
	checkEdges(t, p, `step.each["master-1"]`, `provision.c["master-1"]`, `step.cut["master-1"]:start`)
	checkEdges(t, p, "step.result", "step.writer")

	start, work := p.Graph.Value("step.writer:start"), p.Graph.Value("step.writer")
	if start.Kind != Start || start.Of != work || start.Span == nil || work.Kind != Work || work.Span == nil || start.Configure != nil || start.Enabled != nil || start.Node != "agent-0" {
		t.Errorf("the ends of a span are\n%+v\n%+v", start, work)
	}
	if *work.Span != (Span{StopTimeout: 7 * time.Second}) || work.Retry.Attempts != 1 {
		t.Errorf("the span is %+v with %+v", *work.Span, work.Retry)
	}
	if cut := p.Graph.Value(`step.cut["master-0"]`); *cut.Span != (Span{Duration: 30 * time.Second}) || cut.Retry.Attempts != 1 {
		t.Errorf("the span is %+v with %+v", *cut.Span, cut.Retry)
	}
	first, last := p.Graph.Traits("step.writer:start"), p.Graph.Traits("step.writer")
	if !first.Span || !first.Lazy || first.Opens != "step.writer" || first.Weight != 0 || !slices.Equal(first.Locks, []string{"disk"}) || len(last.Locks) != 0 {
		t.Errorf("the traits of a span are\n%+v\n%+v", first, last)
	}
	first, last = p.Graph.Traits(`step.cut["master-1"]:start`), p.Graph.Traits(`step.cut["master-1"]`)
	if first.Roll != "step.cut" || last.Roll != "" || !first.Tolerated || !last.Tolerated {
		t.Errorf("the traits of a rolled span are\n%+v\n%+v", first, last)
	}
	if got := edges(p, ":main"); slices.Contains(got, "~step.writer:start") || !slices.Contains(got, "~step.writer") {
		t.Errorf("finalisers wait for %q, want the ends of spans", got)
	}
}

func TestRule13_MisuseIsACycle(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "the result during it", bare: true, text: writer + `
step "run" "check" {
  during  = [step.writer]
  command = [step.writer.stdout]
}`, want: []string{"Steps wait for each other", "step.writer waits for step.check (main.hcl:8)", "step.check waits for step.writer (main.hcl:9)"}},
		{name: "during each other", bare: true, text: `step "run" "a" {
  background = true
  during     = [step.b]
  command    = ["a"]
}
step "run" "b" {
  background = true
  during     = [step.a]
  command    = ["b"]
}`, want: []string{"Steps wait for each other", "step.a waits for step.b (main.hcl:3)", "step.b waits for step.a (main.hcl:8)"}},
		{name: "after it and during it", bare: true, text: writer + `
step "run" "after" {
  depends_on = [step.writer]
  command    = ["a"]
}
step "run" "check" {
  during     = [step.writer]
  depends_on = [step.after]
  command    = ["a"]
}`, want: []string{"step.writer waits for step.check (main.hcl:12)", "step.check waits for step.after (main.hcl:13)", "step.after waits for step.writer (main.hcl:8)"}},
		{name: "through late keys", text: writer + `
step "run" "late" {
  during   = [step.writer]
  for_each = toset([step.one.stdout])
  command  = [each.key, step.writer.stdout]
}
step "run" "one" { command = ["a"] }`, want: []string{"Steps wait for each other", "step.late[...] waits for step.writer (main.hcl:15)", "step.writer waits for step.late[...] (main.hcl:13)"}},
		{name: "itself", text: `step "run" "a" {
  background = true
  during     = [step.a]
  command    = ["a"]
}`, line: 3, want: []string{"A step during itself", "step.a cannot wait for its own start"}},
	})
}

func TestWhatSpansRefuse(t *testing.T) {
	cut := func(more string) string {
		return "step \"cut\" \"c\" {\n  node     = cluster.c.master[0]\n  duration = \"1s\"\n  " + more + "\n}\n"
	}
	run := func(more string) string { return "step \"run\" \"x\" {\n  command = [\"a\"]\n  " + more + "\n}\n" }
	checkMistakes(t, []mistake{
		{name: "background of another type", text: `step "genconf" "x" {
  cluster    = cluster.c
  background = true
}`, line: 3, want: []string{`A "genconf" step cannot run in the background`, "The step types that can are: run."}},
		{name: "background of a fault", text: cut("background = true"), line: 4, want: []string{`Unneeded "background"`, `A "cut" step is always a span`}},
		{name: "background by an output", text: twoSteps + run("background = step.one.stdout == \"\""), line: 9, want: []string{`No "step" here`, "known before the run"}},
		{name: "duration of a point", text: run(`duration = "1s"`), line: 3, want: []string{`"duration" without a span`, "background = true"}},
		{name: "stop_timeout of a point", text: `step "assert" "x" {
  condition    = true
  stop_timeout = "1s"
}`, line: 3, want: []string{`"stop_timeout" without a span`, `A "assert" step is no span`, "timeout"}},
		{name: "duration without a unit", text: "step \"cut\" \"c\" {\n  node     = cluster.c.master[0]\n  duration = 5\n}", line: 3, want: []string{`"duration" needs a unit`, `"5s"`}},
		{name: "no duration at all", text: "step \"cut\" \"c\" {\n  node     = cluster.c.master[0]\n  duration = \"0s\"\n}", line: 3, want: []string{"A span that holds for no time"}},
		{name: "retry", text: cut("retry {}"), line: 4, want: []string{"A span with retry", "into a group"}},
		{name: "deadline", text: cut("deadline = \"1m\""), line: 4, want: []string{"A span with a deadline", "timeout to bound its start"}},
		{name: "finaliser", text: cut(`when = "always"`), line: 1, want: []string{"A finaliser that is a span"}},
		{name: "finaliser during", text: cut("") + run("when = \"always\"\n  during = [step.c]"), line: 9, want: []string{"A finaliser during a span", "step.x", "Leave during out"}},
		{name: "no span", text: run("") + "step \"run\" \"y\" {\n  during  = [step.x]\n  command = [\"a\"]\n}", line: 6, want: []string{"Not a span", "step.x is no span", "background = true"}},
		{name: "never a span", text: "step \"assert\" \"x\" {\n  condition = true\n}\n" + strings.Replace(run("during = [step.x]"), `"x"`, `"y"`, 1), line: 6, want: []string{"Not a span", `"assert" steps are never spans`, "depends_on"}},
		{name: "an output", text: cut("") + run("during = [step.c.duration]"), want: []string{"Not a span", "write step.c without .duration"}},
		{name: "another root", text: run("during = [cluster.c]"), want: []string{"Not a span", "during lists the spans that must hold"}},
		{name: "a group", text: "group \"g\" {\n  step \"run\" \"a\" {\n    background = true\n    command    = [\"a\"]\n  }\n}\n" + run("during = [group.g.a]"), want: []string{"Not a span", "for the steps of the group only"}},
		{name: "a span in a group", text: "group \"g\" {\n  step \"run\" \"a\" {\n    background = true\n    command    = [\"a\"]\n  }\n}\n" + run("during = [step.a]"), want: []string{"A step of a group"}},
		{name: "unknown", text: cut("") + run("during = [step.d]"), want: []string{`Unknown step "d"`}},
		{name: "unknown key", text: "step \"cut\" \"c\" {\n  nodes    = cluster.c.master\n  duration = \"1s\"\n}\n" + run(`during = [step.c["master-7"]]`), want: []string{`step.c has no instance "master-7"`}},
		{name: "a cause is said once", text: "step \"cot\" \"c\" {\n  nodes = cluster.c.master\n}\n" + run("during = [step.c]"), line: 1, want: []string{`Unknown step type "cot"`}},
		{name: "and by what is during it", text: "step \"cut\" \"c\" {\n  nodes = cluster.c.master\n}\n" + strings.Replace(run("during = [step.c]"), `"run"`, `"rum"`, 1), line: 4, want: []string{`Unknown step type "rum"`}},
		{name: "and by a wrong list", text: "step \"cut\" \"c\" {\n  nodes = cluster.c.master\n}\n" + run("during = [step.d]"), line: 6, want: []string{`Unknown step "d"`}},
	})
}

func TestRule15_SpansWithoutChildren(t *testing.T) {
	p := mustBuild(t, lab+writer+`
step "cut" "timed" {
  node     = cluster.c.master[0]
  duration = "10s"
}
step "cut" "some" {
  nodes    = cluster.c.master
  duration = "5s"
}
step "run" "x" {
  during  = [step.some["master-0"]]
  command = ["a"]
}
step "cut" "unused" {
  node = cluster.c.master[1]
}
step "run" "off" {
  enabled = false
  during  = [step.unused]
  command = ["a"]
}
`)
	for id, want := range map[dag.ID]Span{
		"step.writer": {Alone: true}, "step.timed": {Duration: 10 * time.Second, Alone: true},
		`step.some["master-0"]`: {Duration: 5 * time.Second}, `step.some["master-1"]`: {Duration: 5 * time.Second, Alone: true},
		"step.unused": {},
	} {
		lazy := p.Graph.Traits(id + ":start").Lazy
		if got := *p.Graph.Value(id).Span; got != want || lazy == want.Alone {
			t.Errorf("the span of %s is %+v, lazy %v; want %+v", id, got, lazy, want)
		}
	}
	checkEdges(t, p, "step.off")
	checkEdges(t, p, "step.unused", "step.unused:start", "~step.off")
	checkMistakes(t, []mistake{
		{name: "nothing", text: "step \"cut\" \"c\" {\n  node = cluster.c.master[0]\n}", line: 1, want: []string{"A span that holds for nothing", "Nothing happens during step.c", "during = [step.c]", "duration"}},
		{name: "one of several", text: "step \"cut\" \"c\" {\n  nodes = cluster.c.master\n}\nstep \"run\" \"x\" {\n  during  = [step.c[\"master-0\"]]\n  command = [\"a\"]\n}", line: 1, want: []string{`Nothing happens during step.c["master-1"]`}},
		{name: "late", text: twoSteps + "step \"cut\" \"c\" {\n  nodes = [for n in cluster.c.nodes : n if n.name == step.one.stdout]\n}", line: 7, want: []string{"Nothing happens during step.c,"}},
	})
}

func TestRule14_LocksAndRollsOfSpans(t *testing.T) {
	const held = `step "run" "s" {
  background = true
  locks      = ["disk", "net"]
  command    = ["a"]
}
`
	checkMistakes(t, []mistake{
		{name: "child", text: held + `step "run" "x" {
  during  = [step.s]
  locks   = ["net"]
  command = ["a"]
}`, line: 6, want: []string{"A lock that never comes free", `step.x needs the lock "net"`, "step.s (main.hcl:6) holds it"}},
		{name: "child of a child", text: held + `step "cut" "c" {
  node   = cluster.c.master[0]
  during = [step.s]
}
step "run" "x" {
  during  = [step.c]
  locks   = ["disk"]
  command = ["a"]
}`, line: 10, want: []string{`step.x needs the lock "disk"`, "step.s (main.hcl:6) holds it"}},
		{name: "what a child waits for", text: held + `step "run" "before" {
  locks   = ["disk"]
  command = ["a"]
}
step "run" "x" {
  during     = [step.s]
  depends_on = [step.before]
  command    = ["a"]
}`, line: 6, want: []string{`step.before needs the lock "disk"`, "ends only when step.before has ended"}},
		{name: "in a group", text: held + `group "g" {
  nodes  = cluster.c.master
  during = [step.s]
  step "run" "x" {
    locks   = ["disk"]
    command = ["a"]
  }
}`, line: 9, want: []string{`group.g["master-0"].x needs the lock "disk"`}},
		{name: "late", text: held + twoSteps + `step "run" "x" {
  nodes   = [for n in cluster.c.nodes : n if n.name == step.one.stdout]
  during  = [step.s]
  locks   = ["disk"]
  command = ["a"]
}`, line: 12, want: []string{`step.x[...] needs the lock "disk"`}},
		{name: "late and by instance", text: held + twoSteps + `step "run" "x" {
  nodes   = [for n in cluster.c.nodes : n if n.name == step.one.stdout]
  during  = [step.s]
  locks   = [node.name]
  command = ["a"]
}`, line: 15, want: []string{"Locks that are not known", "step.x"}},
		{name: "a roll", text: `step "cut" "c" {
  nodes        = cluster.c.master
  max_parallel = 1
}
step "run" "x" {
  during  = [step.c]
  command = ["a"]
}`, line: 1, want: []string{"A roll that cannot go on", "max_parallel = 1", "during = [step.c[...]]"}},
	})
	p := mustBuild(t, lab+`
step "run" "s" {
  background = true
  locks      = ["disk"]
  command    = ["a"]
  depends_on = [step.before]
}
step "run" "before" {
  locks   = ["disk"]
  command = ["a"]
}
step "run" "x" {
  during     = [step.s]
  depends_on = [step.before]
  command    = ["a"]
}
step "cut" "c" {
  nodes        = cluster.c.master
  max_parallel = 1
}
step "run" "each" {
  nodes   = cluster.c.master
  during  = [step.c[node.name]]
  command = ["a"]
}`)
	checkEdges(t, p, "step.s:start", "step.before")
}

func TestRule09_FinalisersAndBrackets(t *testing.T) {
	p := mustBuild(t, lab+writer+`
group "g" {
  nodes  = cluster.c.master
  during = [step.writer]
  step "run" "a" { command = ["a"] }
}
step "run" "report" {
  when    = "always"
  command = [try(group.g["master-0"].a.stdout, ""), try(step.writer.stdout, "")]
}`)
	checkEdges(t, p, ":main", `~provision.c["master-0"]`, `~provision.c["master-1"]`, `~provision.c["agent-0"]`, "~step.writer", `~group.g["master-0"]`, `~group.g["master-1"]`)
	checkEdges(t, p, "step.report", "~:main")
}

func TestRule12_WhatSpansAndPollsHold(t *testing.T) {
	p := mustBuild(t, lab+`
step "cut" "c" {
  nodes        = cluster.c.master
  max_parallel = 1
  locks        = ["net"]
  duration     = "1s"
}
step "wait" "w" {
  locks = ["disk"]
  until {}
}`)
	for id, want := range map[dag.ID]dag.Traits{
		`step.c["master-0"]:start`: {Opens: `step.c["master-0"]`, Span: true, Roll: "step.c", Locks: []string{"net"}},
		`step.c["master-0"]`:       {},
		"step.w":                   {Locks: []string{"disk"}},
	} {
		if got := p.Graph.Traits(id); !reflect.DeepEqual(got, want) {
			t.Errorf("the traits of %s are\n got %+v\nwant %+v", id, got, want)
		}
	}
}
