package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

// put writes the journal of a run with one succeeded and one failed instance.
func put(t *testing.T, dir, id, workflow string, took time.Duration, tail string) {
	t.Helper()
	text := line(t, record(1, events.RunStarted{Run: id, Workflow: workflow})) +
		line(t, record(2, events.InstanceStarted{Address: "step.a", Type: "run", Attempt: 1})) +
		line(t, record(3, events.InstanceEnded{Address: "step.a", Type: "run", State: events.Succeeded, Took: took})) +
		line(t, record(4, events.InstanceEnded{Address: "step.b", Type: "run", State: events.Failed, Took: time.Hour})) + tail
	if err := os.MkdirAll(filepath.Join(dir, id), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, id, journal.Name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPast(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "20260101-1", "w", time.Second, "")
	put(t, dir, "20260102-1", "other", time.Minute, "")
	put(t, dir, "20260103-1", "w", 2*time.Second, `{"seq":5,"kind":"instance_ended","eve`)
	put(t, dir, "20260104-1", "w", 3*time.Second, "no JSON\n")
	for id, text := range map[string]string{"20260105-1": "", "20260106-1": "no JSON\n"} {
		if err := os.MkdirAll(filepath.Join(dir, id), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, id, journal.Name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "20260107-1"), 0o755); err != nil { // without a journal
		t.Fatal(err)
	}
	runs, got := journal.Past(dir, "w")
	want := []journal.Took{{"step.a", "run", 3 * time.Second}, {"step.a", "run", 2 * time.Second}, {"step.a", "run", time.Second}}
	if runs != 3 || !slices.Equal(got, want) {
		t.Errorf("got %d runs, %v, want 3, %v", runs, got, want)
	}
	if runs, got := journal.Past(filepath.Join(dir, "none"), "w"); runs != 0 || got != nil {
		t.Errorf("no folder: got %d runs, %v", runs, got)
	}
}

func TestPastIsBounded(t *testing.T) {
	dir := t.TempDir()
	for n := range 30 {
		put(t, dir, fmt.Sprintf("run-%02d", n), "w", time.Duration(n)*time.Second, "")
	}
	runs, got := journal.Past(dir, "w")
	if runs != 20 || len(got) != 20 || got[0].Took != 29*time.Second || got[19].Took != 10*time.Second {
		t.Errorf("got %d runs, %v, want the newest 20", runs, got)
	}
}
