package events_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dcosflow/dcosflow/events"
)

// story is a run in which everything happens once.
func story() []events.Record {
	failure := events.Failure{Class: events.ClassExitCode, Message: "exit code 1", ExitCode: 1, Command: []string{"false"}}
	list := []events.Event{
		events.RunStarted{
			Run: "r1", Workflow: "upgrade", Instances: 5, Owner: events.Owner{Host: "h", PID: 1, Start: "s"},
			Backends: []events.Backend{{Name: "lab", Type: "docker", Config: json.RawMessage(`{"value":1,"type":"number"}`)}},
			Clusters: []events.Cluster{{Name: "db", Backend: "lab", Nodes: []string{"member-0", "member-1"}}},
		},
		events.BackendProgress{Backend: "lab", Line: "pulling"},
		events.NodesAllocated{Cluster: "db", Nodes: []events.Node{{Name: "member-0", Role: "member", IP: "10.0.0.1"}, {Name: "member-1", Index: 1}}},
		events.InstanceStarted{Address: `step.nodes["member-0"]`, Type: "provision", Node: "member-0", Attempt: 1, Attempts: 1},
		events.NodeBooted{Cluster: "db", Node: "member-0", State: "degraded", FailedUnits: []string{"x.service"}, Took: time.Second},
		events.InstanceEnded{Address: `step.nodes["member-0"]`, Type: "provision", Node: "member-0", State: events.Succeeded, Attempts: 1},
		events.InstancesAdded{Placeholder: "step.each", Addresses: []string{`step.each["a"]`}},
		events.InstanceStarted{Address: "step.x", Type: "run", Attempt: 1, Attempts: 2, Description: "d"},
		events.InstanceProgress{Address: "step.x", Line: "half way"},
		events.AttemptFailed{Address: "step.x", Attempt: 1, Failure: failure, Wait: time.Second},
		events.InstanceStarted{Address: "step.x", Type: "run", Attempt: 2, Attempts: 2, Description: "d"},
		events.InstanceEnded{Address: "step.x", Type: "run", State: events.Failed, Attempts: 2, Failure: &failure},
		events.InstanceEnded{Address: "step.y", Type: "run", State: events.Skipped, Cause: "step.x", Reason: "because step.x failed"},
		events.InstanceEnded{Address: "step.z", Type: "run", State: events.Disabled},
		events.InstanceStarted{Address: "group.g.load", Type: "run", Attempt: 1, Attempts: 1, File: "1"},
		events.SpanStarting{Address: "group.g.load", Type: "run", Node: "member-0", Cluster: "db", Config: json.RawMessage(`{"value":1,"type":"number"}`)},
		events.SpanHeld{Address: "group.g.load", Started: json.RawMessage(`{"value":7,"type":"number"}`), Fingerprint: "f"},
		events.InstanceStarted{Address: "group.g.check", Type: "assert", Attempt: 1, Attempts: 1, File: "1"},
		events.InstanceEnded{Address: "group.g.check", Type: "assert", State: events.Failed, Attempts: 1, Failure: &failure},
		events.SpanEnded{Address: "group.g.load"},
		events.InstanceEnded{Address: "group.g.load", Type: "run", State: events.Canceled, Attempts: 1},
		events.RegionFailed{Address: "group.g", Attempt: 1, Attempts: 3, Cause: "group.g.check", Wait: time.Second, Instances: []string{"group.g.load", "group.g.check", "group.g.late"}},
		events.InstanceStarted{Address: "group.g.load", Type: "run", Attempt: 1, Attempts: 1, File: "1-2-1"},
		events.SpanStarting{Address: "group.g.load", Type: "run", Node: "member-0", Cluster: "db", Config: json.RawMessage(`{"value":1,"type":"number"}`)},
		events.SpanEnded{Address: "group.g.load", Message: "the node does not answer"},
		events.InstanceEnded{Address: "group.g.load", Type: "run", State: events.Failed, Attempts: 1, Failure: &failure},
		events.InstanceEnded{Address: "step.destroy", Type: "destroy", State: events.Kept, Finaliser: true},
		events.Warning{Message: "careful"},
		events.Unknown{Name: "from_the_future", Raw: json.RawMessage(`{"a":1}`)},
		events.RunCanceling{Cause: "interrupted"},
		events.CleanupFailed{Cluster: "db", Message: "in use", Command: "dcosflow destroy r1"},
		events.ClusterDeleted{Cluster: "db"},
		events.RunEnded{Exit: 130, Status: events.StatusCanceled, Outputs: map[string]json.RawMessage{"o": json.RawMessage(`"v"`)}},
	}
	records := make([]events.Record, len(list))
	for n, e := range list {
		records[n] = events.Record{Seq: int64(n) + 1, Time: time.Date(2026, 1, 2, 3, 4, n, 0, time.UTC), Event: e}
	}
	return records
}

func TestFold(t *testing.T) {
	run := events.Fold(story())
	if run.Status != events.StatusCanceled || run.Ended == nil || run.CancelCause != "interrupted" {
		t.Errorf("got status %q, end %+v, cause %q", run.Status, run.Ended, run.CancelCause)
	}
	want := events.Counts{Total: 6, Succeeded: 1, Failed: 2, Skipped: 1, Disabled: 1, Kept: 1}
	if run.Counts != want {
		t.Errorf("counts: got %+v, want %+v", run.Counts, want)
	}
	failed := run.Failures()
	if len(failed) != 2 || failed[0].Address != "step.x" || failed[0].Attempt != 2 || failed[0].Failure.ExitCode != 1 {
		t.Errorf("failures: got %+v, want the second attempt of step.x", failed)
	}
	db := run.Clusters[0]
	if !db.Deleted || len(db.Nodes) != 2 || !db.Nodes[0].Booted || db.Nodes[1].Booted || db.Nodes[0].IP != "10.0.0.1" {
		t.Errorf("cluster: got %+v", db)
	}
}

// TestFoldOfBrackets looks at the group of the story after each of its events
// that matter.
func TestFoldOfBrackets(t *testing.T) {
	records := story()
	after := func(kind string, nth int) *events.Run {
		run := &events.Run{}
		for _, r := range records {
			run.Apply(r)
			if r.Event.Kind() == kind {
				if nth--; nth == 0 {
					return run
				}
			}
		}
		t.Fatalf("the story has no such %s", kind)
		return nil
	}
	run := after("span_held", 1)
	if len(run.Spans) != 1 || run.Spans[0].Held == nil || !run.Instance("group.g.load").Holding || run.HeldFingerprint("group.g.load") != "f" {
		t.Errorf("held: got %+v, %+v", run.Spans, run.Instance("group.g.load"))
	}
	if run = after("span_ended", 1); len(run.Spans) != 0 {
		t.Errorf("ended: got %+v, want no open span", run.Spans)
	}
	run = after("region_failed", 1)
	check := run.Instance("group.g.check")
	if check.State != "" || check.Attempt != 0 || check.Rounds != 1 || run.Counts.Failed != 1 || run.Counts.Canceled != 0 || run.HeldFingerprint("group.g.load") != "" {
		t.Errorf("begun anew: got %+v, counts %+v", check, run.Counts)
	}
	want := []*events.RegionState{{Address: "group.g", Failed: 1, Attempts: 3, Causes: []string{"group.g.check"}}}
	if d := cmp.Diff(want, run.Regions); d != "" {
		t.Errorf("regions (-want +got):\n%s", d)
	}
	run = after("span_ended", 2)
	if len(run.Spans) != 1 || run.Spans[0].Message != "the node does not answer" || run.Spans[0].Held != nil {
		t.Errorf("not ended: got %+v", run.Spans)
	}
	if got := run.Instance("group.g.load").Files; !slices.Equal(got, []string{"1", "1-2-1"}) {
		t.Errorf("log files: got %q", got)
	}
	if run = after("cluster_deleted", 1); len(run.Spans) != 0 {
		t.Errorf("without its cluster: got %+v, want no open span", run.Spans)
	}
}

func TestEveryPrefixFolds(t *testing.T) {
	records := story()
	growing := &events.Run{}
	for n, r := range records {
		growing.Apply(r)
		whole := events.Fold(records[:n+1])
		if d := cmp.Diff(whole, growing, cmpopts.IgnoreUnexported(events.Run{})); d != "" {
			t.Fatalf("after %d records, one by one and at once differ:\n%s", n+1, d)
		}
		if c := growing.Counts; c.Running != len(growing.InProgress()) || c.Running < 0 {
			t.Errorf("after %d records: %d running, but %d in progress", n+1, c.Running, len(growing.InProgress()))
		}
		if ended := growing.Ended != nil; ended != (n == len(records)-1) {
			t.Errorf("after %d records: ended is %v", n+1, ended)
		}
	}
	// A reader may meet any part of a record; none may panic.
	for n := range records {
		events.Fold(records[n:])
	}
}

func TestCodec(t *testing.T) {
	for _, want := range story() {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\n") {
			t.Errorf("%s takes several lines: %s", want.Event.Kind(), text)
		}
		var got events.Record
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", want.Event.Kind(), d)
		}
	}
}

func TestCodecErrors(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"no object", `[]`, "cannot unmarshal array"},
		{"no kind", `{"seq":3}`, "decode record 3: it has no kind"},
		{"no content", `{"seq":3,"kind":"warning"}`, "decode record 3, warning: it has no content"},
		{"wrong content", `{"seq":3,"kind":"warning","event":[]}`, "decode record 3, warning: json: cannot unmarshal array"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r events.Record
			err := json.Unmarshal([]byte(c.text), &r)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := json.Marshal(events.Record{Seq: 4}); err == nil || !strings.Contains(err.Error(), "encode record 4: it has no event") {
		t.Errorf("without an event: got %v", err)
	}
}
