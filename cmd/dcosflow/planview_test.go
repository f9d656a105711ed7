package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// samplePlan has what a plan can have: a barrier, a fan-out whose keys are
// not known, a roll, finalisers, added steps.
func samplePlan(t *testing.T) *plan.Plan {
	t.Helper()
	docker := &backends.Type{Name: "docker"}
	p := &plan.Plan{
		Name: "sample", Description: "All at once.", Run: plan.Run{Seed: 7},
		Variables: []plan.Variable{
			{Name: "batch", Value: cty.NumberIntVal(1), Origin: "default"},
			{Name: "token", Value: cty.StringVal("s3cret").Mark("sensitive"), Sensitive: true, Origin: "DCOSFLOW_VAR_token"},
		},
		Backends: []plan.Backend{{Name: "local", Type: docker}},
		Clusters: []plan.Cluster{{Name: "db", Backend: "local", Roles: []backends.RoleCount{{Role: "member", Count: 2}, {Role: "client", Count: 1}}}},
		Graph:    dag.New[*plan.Instance](),
	}
	add := func(inst plan.Instance, typ string, traits dag.Traits, on ...dag.ID) {
		t.Helper()
		inst.Type = &steps.Type{Name: typ}
		if inst.When == "" {
			inst.When = plan.OnSuccess
		}
		if err := p.Graph.Add(inst.ID, &inst, traits); err != nil {
			t.Fatal(err)
		}
		for _, dep := range on {
			if err := p.Graph.DependOn(inst.ID, dep, dag.Succeeded); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Graph.SetRoll(dag.Roll{Name: "upgrade", Limit: 1}); err != nil {
		t.Fatal(err)
	}
	roll := dag.Traits{Weight: 1, Roll: "upgrade"}
	at := hcl.Range{Filename: "sample.hcl", Start: hcl.Pos{Line: 4}}
	add(plan.Instance{ID: `step.nodes["member-0"]`, Cluster: "db", Node: "member-0", Added: true}, "provision", dag.Traits{})
	add(plan.Instance{ID: `step.nodes["member-1"]`, Cluster: "db", Node: "member-1", Added: true}, "provision", dag.Traits{})
	add(plan.Instance{ID: `step.upgrade["member-0"]`, Cluster: "db", Node: "member-0", Timeout: 5 * time.Minute, Range: at}, "run", roll,
		`step.nodes["member-0"]`, `step.nodes["member-1"]`)
	add(plan.Instance{ID: `step.upgrade["member-1"]`, Cluster: "db", Node: "member-1", Retry: plan.Retry{Attempts: 3}, Range: at}, "run", roll,
		`step.nodes["member-1"]`)
	add(plan.Instance{ID: "step.leader", Tolerated: true}, "run", dag.Traits{}, `step.upgrade["member-0"]`, `step.upgrade["member-1"]`)
	add(plan.Instance{ID: "step.kick[*]", Kind: plan.Expander}, "run", dag.Traits{}, "step.leader")
	add(plan.Instance{ID: "step.kick", Kind: plan.Join}, "run", dag.Traits{}, "step.kick[*]")
	add(plan.Instance{ID: "step.after"}, "run", dag.Traits{}, "step.kick")
	add(plan.Instance{ID: "barrier", Kind: plan.Barrier}, "run", dag.Traits{}, "step.after")
	add(plan.Instance{ID: "step.logs", When: plan.OnFailure}, "run", dag.Traits{}, "barrier")
	add(plan.Instance{ID: "step.destroy", Subject: "db", When: plan.Always, Added: true}, "destroy", dag.Traits{}, "barrier", "step.logs")
	return p
}

func TestPlanText(t *testing.T) {
	view, err := viewPlan(samplePlan(t), "sample.hcl")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := view.write(&got); err != nil {
		t.Fatal(err)
	}
	const want = `sample (sample.hcl)
All at once.

Variables
  batch  = 1            default
  token  = (sensitive)  DCOSFLOW_VAR_token

Clusters
  db  2 member, 1 client  backend.local (docker)

Wave 1
  step.nodes["member-0"]  provision on db/member-0, added by the plan
  step.nodes["member-1"]  provision on db/member-1, added by the plan

Wave 2
  step.upgrade["member-0"]  run on db/member-0, max_parallel 1, timeout 5m
      needs step.nodes
  step.upgrade["member-1"]  run on db/member-1, max_parallel 1, up to 3 attempts
      needs step.nodes["member-1"]

Wave 3
  step.leader  run, may fail
      needs step.upgrade

Wave 4
  step.kick[*]  run
      instances known after step.leader

Wave 5
  step.after  run
      needs step.kick

Finally
  step.logs  run, when the run failed
  step.destroy  destroy db, in any case, added by the plan
      needs step.logs

9 instances in 7 waves. Seed 7. Nothing was touched.
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the text of the plan (-want +got):\n%s", diff)
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		5 * time.Minute:         "5m",
		2 * time.Hour:           "2h",
		90 * time.Second:        "1m30s",
		250 * time.Millisecond:  "250ms",
		time.Hour + time.Second: "1h0m1s",
		20 * time.Minute:        "20m",
		0:                       "0s",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%d) = %q, want %q", d, got, want)
		}
	}
}

// bracketPlan has a background run, a fault and a rolled group.
func bracketPlan(t *testing.T) *plan.Plan {
	t.Helper()
	run := &steps.Type{Name: "run", New: func(cty.Value) (steps.Step, error) { return nil, nil }}
	kill := &steps.Type{Name: "kill"}
	p := &plan.Plan{Name: "brackets", Graph: dag.New[*plan.Instance]()}
	add := func(inst *plan.Instance, traits dag.Traits, on ...dag.ID) {
		t.Helper()
		inst.When = plan.OnSuccess
		if err := p.Graph.Add(inst.ID, inst, traits); err != nil {
			t.Fatal(err)
		}
		for _, dep := range on {
			if err := p.Graph.DependOn(inst.ID, dep, dag.Succeeded); err != nil {
				t.Fatal(err)
			}
		}
	}
	span := func(inst *plan.Instance, on ...dag.ID) {
		start := *inst
		start.ID, start.Kind, start.Of = inst.ID+":start", plan.Start, inst
		add(&start, dag.Traits{Opens: inst.ID, Span: true}, on...)
	}
	if err := p.Graph.SetRoll(dag.Roll{Name: "group.roll", Limit: 1}); err != nil {
		t.Fatal(err)
	}
	writer := &plan.Instance{ID: "step.writer", Type: run, Span: &plan.Span{StopTimeout: 5 * time.Second}}
	fault := &plan.Instance{ID: `step.kill["a"]`, Type: kill, Key: "a", Keyed: true, Span: &plan.Span{Duration: time.Minute}, During: []dag.ID{"step.writer"}}
	region := &plan.Instance{ID: `group.roll["a"]`, Kind: plan.Region, Step: "roll", Key: "a", Keyed: true, Retry: plan.Retry{Attempts: 2}, During: []dag.ID{"step.writer"}}
	span(writer)
	add(&plan.Instance{ID: `group.roll["a"]:begin`, Kind: plan.Opening, Step: "roll", Key: "a", Keyed: true}, dag.Traits{Opens: region.ID, Roll: "group.roll"}, "step.writer:start")
	add(&plan.Instance{ID: `group.roll["a"].up`, Type: run}, dag.Traits{}, `group.roll["a"]:begin`)
	add(&plan.Instance{ID: `group.roll["a"].check`, Type: run}, dag.Traits{}, `group.roll["a"]:begin`, `group.roll["a"].up`)
	add(region, dag.Traits{}, `group.roll["a"].up`, `group.roll["a"].check`, `group.roll["a"]:begin`)
	span(fault, region.ID, "step.writer:start")
	add(&plan.Instance{ID: "step.cut[*]", Kind: plan.Expander, Step: "cut", Type: run}, dag.Traits{})
	add(&plan.Instance{ID: "step.look", Type: run, Off: true, During: []dag.ID{`step.kill["a"]`, "step.cut"}}, dag.Traits{}, `step.kill["a"]:start`, "step.cut[*]")
	add(fault, dag.Traits{}, `step.kill["a"]:start`, "step.look")
	add(writer, dag.Traits{}, "step.writer:start", region.ID, fault.ID)
	add(&plan.Instance{ID: "group.late[*]", Kind: plan.Expander, Step: "late"}, dag.Traits{}, "step.writer")
	add(&plan.Instance{ID: `module.m["x"]:begin`, Kind: plan.Opening, Step: "m", Key: "x", Keyed: true}, dag.Traits{Opens: `module.m["x"]`})
	add(&plan.Instance{ID: `module.m["x"]`, Kind: plan.Region, Step: "m", Key: "x", Keyed: true}, dag.Traits{}, `module.m["x"]:begin`)
	return p
}

func TestPlanOfSpansAndGroups(t *testing.T) {
	view, err := viewPlan(bracketPlan(t), "brackets.hcl")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := view.write(&got); err != nil {
		t.Fatal(err)
	}
	const want = `brackets (brackets.hcl)

Wave 1
  step.writer  run, in the background
  step.cut[*]  run
  module.m["x"]  module

Wave 2
  group.roll["a"]  group, max_parallel 1, up to 2 attempts
      during step.writer

Wave 3
  group.roll["a"].up  run

Wave 4
  group.roll["a"].check  run
      needs group.roll["a"].up

Wave 5
  step.kill["a"]  kill, holds for 1m
      needs group.roll["a"]
      during step.writer

Wave 6
  step.look  run, disabled
      during step.kill["a"], step.cut

Wave 7
  group.late[*]  group
      instances known after step.writer

9 instances in 7 waves. Seed 0. Nothing was touched.
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the text of the plan (-want +got):\n%s", diff)
	}
	if s := view.Instances[0].Span; s == nil || *s != (spanView{Background: true, StopTimeout: "5s"}) {
		t.Errorf("the JSON of a background run has the span %+v", s)
	}
}

func TestAddressesWithoutKeys(t *testing.T) {
	for id, want := range map[dag.ID]string{
		`step.a`: "step.a", `step.a["k"]`: "step.a", `step.a[*]`: "step.a",
		`group.g["a \"]\" b"].x`: "group.g.x", `module.m["k"].group.g["l"].x`: "module.m.group.g.x",
	} {
		if got := stepOf(id); got != want {
			t.Errorf("stepOf(%s) = %q, want %q", id, got, want)
		}
	}
}
