package quiet_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report/quiet"
)

func TestSaysOnlyWhatMatters(t *testing.T) {
	var out bytes.Buffer
	r := quiet.New(&out)
	failure := &events.Failure{Class: events.ClassExitCode, Message: "false: exit code 1", ExitCode: 1, Command: []string{"false"}}
	script := []events.Event{
		events.RunStarted{Run: "r1", Workflow: "w"},
		events.InstanceStarted{Address: "step.ok", Attempt: 1, Attempts: 1},
		events.InstanceEnded{Address: "step.ok", State: events.Succeeded},
		events.InstanceStarted{Address: "step.x", Attempt: 1, Attempts: 1},
		events.InstanceEnded{Address: "step.x", State: events.Failed, Failure: failure},
		events.InstanceEnded{Address: "step.y", State: events.Skipped, Cause: "step.x", Reason: "because step.x failed"},
		events.Warning{Message: "careful"},
		events.RunEnded{Exit: 1, Status: events.StatusFailed},
	}
	for n, e := range script {
		if err := r.Write(events.Record{Seq: int64(n) + 1, Event: e}); err != nil {
			t.Fatal(err)
		}
	}
	want := `FAILED step.x: exit code 1
warning: careful

FAILED step.x
  after 0s
  false: exit code 1
  command: false

failed w in 0s: 1 succeeded, 1 failed, 1 skipped
go on:          dcosflow resume r1
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
