package plain_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report"
	"github.com/dcosflow/dcosflow/events/report/plain"
)

var update = flag.Bool("update", false, "write what the report says into testdata")

// TestGolden replays the events of each file, for each of its sections: plain or
// color. A line of events is "SECONDS KIND JSON", or "SECONDS tick".
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for n, section := range archive.Files[1:] {
				got := replay(t, string(archive.Files[0].Data), section.Name)
				if *update {
					archive.Files[n+1].Data = got
				} else if d := cmp.Diff(string(section.Data), string(got)); d != "" {
					t.Errorf("%s (-want +got):\n%s", section.Name, d)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func replay(t *testing.T, script, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	sink := plain.New(&out)
	sink.Style = report.Style{Color: name == "color"}
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var seq int64
	for line := range strings.Lines(script) {
		seconds, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		after, err := time.ParseDuration(seconds + "s")
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if rest == "tick" {
			err = sink.Tick(begin.Add(after))
		} else {
			seq++
			err = sink.Write(parse(t, seq, begin.Add(after), rest))
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return bytes.ReplaceAll(out.Bytes(), []byte("\x1b"), []byte("<ESC>"))
}

func parse(t *testing.T, seq int64, at time.Time, text string) events.Record {
	t.Helper()
	kind, content, _ := strings.Cut(text, " ")
	var r events.Record
	line := fmt.Sprintf(`{"seq":%d,"time":%q,"kind":%q,"event":%s}`, seq, at.Format(time.RFC3339Nano), kind, content)
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return r
}

func TestErrorsAreApart(t *testing.T) {
	var out, errors bytes.Buffer
	r := plain.New(&out)
	r.Errors = &errors
	script := []events.Event{
		events.RunStarted{Run: "r1", Workflow: "w"},
		events.RunEnded{Exit: 3, Status: events.StatusTrouble, Message: "the engine does not answer"},
	}
	for n, e := range script {
		if err := r.Write(events.Record{Seq: int64(n) + 1, Event: e}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := errors.String(), "\nError: the engine does not answer\n"; got != want {
		t.Errorf("errors: got %q, want %q", got, want)
	}
	if got, want := out.String(), "run r1: w (), seed 0\n\ntrouble w in 0s: no step ran\ngo on:          dcosflow resume r1\n"; got != want {
		t.Errorf("output: got %q, want %q", got, want)
	}
}
