package jsonlines_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/report/jsonlines"
)

func TestOneLinePerEvent(t *testing.T) {
	var out bytes.Buffer
	r := jsonlines.New(&out)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for seq, message := range []string{"a\nb", "c"} {
		if err := r.Write(events.Record{Seq: int64(seq) + 1, Time: at, Event: events.Warning{Message: message}}); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"seq":1,"time":"2026-01-02T03:04:05Z","kind":"warning","event":{"message":"a\nb"}}
{"seq":2,"time":"2026-01-02T03:04:05Z","kind":"warning","event":{"message":"c"}}
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Lines of several runs say whose they are, and still are records.
func TestTag(t *testing.T) {
	var out bytes.Buffer
	r := jsonlines.New(&out)
	if err := r.Tag("20260102-x", "debian-12,3"); err != nil {
		t.Fatal(err)
	}
	want := events.Record{Seq: 1, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Event: events.Warning{Message: "c"}}
	if err := r.Write(want); err != nil {
		t.Fatal(err)
	}
	line := `{"seq":1,"time":"2026-01-02T03:04:05Z","kind":"warning","event":{"message":"c"},"run":"20260102-x","variant":"debian-12,3"}` + "\n"
	if got := out.String(); got != line {
		t.Errorf("got\n%s\nwant\n%s", got, line)
	}
	var got events.Record
	if err := got.UnmarshalJSON(out.Bytes()); err != nil || got != want {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
}
