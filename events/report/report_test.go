package report_test

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
	"github.com/dcosflow/dcosflow/events/report/jsonlines"
	"github.com/dcosflow/dcosflow/events/report/plain"
	"github.com/dcosflow/dcosflow/events/report/quiet"
)

var update = flag.Bool("update", false, "write what the reports say into testdata")

// TestGolden replays the events of each file to the reports that it has a
// section for. A line of events is "SECONDS KIND JSON", or "SECONDS tick".
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
	sinks := map[string]func() events.Sink{
		"plain": func() events.Sink { return plain.New(&out) },
		"quiet": func() events.Sink { return quiet.New(&out) },
		"json":  func() events.Sink { return jsonlines.New(&out) },
		"color": func() events.Sink {
			r := plain.New(&out)
			r.Style = report.Style{Color: true}
			return r
		},
	}
	if sinks[name] == nil {
		t.Fatalf("there is no report %q", name)
	}
	sink := sinks[name]()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var seq int64
	for line := range strings.Lines(script) {
		seconds, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		after, err := time.ParseDuration(seconds + "s")
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if rest == "tick" {
			if ticker, ok := sink.(events.Ticker); ok {
				err = ticker.Tick(begin.Add(after))
			}
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

func TestDuration(t *testing.T) {
	cases := []struct {
		in   time.Duration
		want string
	}{
		{0, "0s"}, {1234 * time.Microsecond, "1ms"}, {1250 * time.Millisecond, "1.3s"},
		{83 * time.Second, "1m23s"}, {2*time.Hour + 30*time.Minute + 400*time.Millisecond, "2h30m0s"},
	}
	for _, c := range cases {
		if got := report.Duration(c.in); got != c.want {
			t.Errorf("Duration(%s): got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCommand(t *testing.T) {
	cases := []struct {
		in   []string
		want string
	}{
		{[]string{"cat", "/etc/os-release"}, "cat /etc/os-release"},
		{[]string{"sh", "-c", "echo 'it is' $HOME", ""}, `sh -c 'echo '\''it is'\'' $HOME' ''`},
		{[]string{"sh", "-c", "set -e\ntrue"}, "sh -c 'set -e ..."},
		{[]string{strings.Repeat("x", 500)}, strings.Repeat("x", 300) + " ..."},
	}
	for _, c := range cases {
		if got := report.Command(c.in); got != c.want {
			t.Errorf("Command(%q): got %q, want %q", c.in, got, c.want)
		}
	}
}
