package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// taking returns a measure that takes these seconds, one after the other.
func taking(seconds ...int) measure {
	return func(context.Context) (time.Duration, error) {
		if len(seconds) == 0 {
			return 0, errors.New("measured too often")
		}
		took := time.Duration(seconds[0]) * time.Second
		seconds = seconds[1:]
		return took, nil
	}
}

func TestCompareTakesTheMedianRound(t *testing.T) {
	b := bench{rounds: 3, progress: io.Discard}
	got, err := b.compare(t.Context(), row{Name: "x", Limit: 1.3}, taking(2, 9, 1), taking(3, 9, 50))
	want := row{Name: "x", FloorS: 2, OursS: 3, Ratio: 1.5, Limit: 1.3}
	if err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	b.rounds = 2
	if _, err := b.compare(t.Context(), row{Name: "x"}, taking(1, 2), taking(1)); err == nil || err.Error() != "x, ours: measured too often" {
		t.Errorf("got %v, want the error of ours", err)
	}
}

func TestProvisionTime(t *testing.T) {
	events, err := readEvents([]byte(`{"seq":1,"time":"2026-01-01T00:00:01Z","kind":"run_started","event":{"run":"r"}}
{"seq":2,"time":"2026-01-01T00:00:03Z","kind":"instance_ended","event":{"type":"provision","state":"succeeded"}}
{"seq":3,"time":"2026-01-01T00:00:04.5Z","kind":"instance_ended","event":{"type":"provision","state":"succeeded"}}
{"seq":4,"time":"2026-01-01T00:00:09Z","kind":"instance_ended","event":{"type":"destroy","state":"succeeded"}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := provisionTime(events, 2); err != nil || got != 3500*time.Millisecond {
		t.Errorf("got %s, %v, want 3.5s", got, err)
	}
	const want = "the events tell of 2 provisioned nodes, want 3"
	if _, err := provisionTime(events, 3); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestJSONOfARow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	if err := write(file, []row{{Name: "provision-8", FloorS: 2, OursS: 2.5, Ratio: 1.25, Limit: 1.3}, bounded("memory", 225, 450, "MiB")}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	const want = `[
  {
    "name": "provision-8",
    "floor_s": 2,
    "ours_s": 2.5,
    "ratio": 1.25,
    "limit": 1.3
  },
  {
    "name": "memory",
    "bound": 450,
    "ours": 225,
    "unit": "MiB",
    "ratio": 0.5,
    "limit": 1
  }
]
`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-no-such"}, {"extra"}, {"-only", "graphs"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, io.Discard, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v: got exit %d and %q, want 2 and a message", args, code, stderr.String())
		}
	}
}

// The floor walks the file that is measured, and every step of a layer waits
// for three of the one before.
func TestFloorWalksTheGraph(t *testing.T) {
	g := &graphs{tool: &tool{dir: t.TempDir()}}
	path, err := g.workflow(100)
	if err != nil {
		t.Fatal(err)
	}
	if err := walkFile(path); err != nil {
		t.Errorf("walk: %v", err)
	}
	edges := 0
	layers(100, func(step int, waitsFor []int) {
		for _, on := range waitsFor {
			if on/10 != step/10-1 {
				t.Errorf("step %d waits for %d, which is not in the layer before", step, on)
			}
		}
		edges += len(waitsFor)
	})
	if edges != 270 {
		t.Errorf("got %d edges, want 270", edges)
	}
}

// The floor evaluates the file that is planned, and finds what is wrong in it.
func TestFloorEvaluatesThePlan(t *testing.T) {
	p := &plans{tool: &tool{dir: t.TempDir()}}
	path, err := p.workflow(20)
	if err != nil {
		t.Fatal(err)
	}
	if err := evaluateFile(path); err != nil {
		t.Errorf("evaluate: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for before, after := range map[string]string{"upper(each.key)": "upper(each.kye)", "step.s1[": "stpe.s1["} {
		if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(before), []byte(after)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := evaluateFile(path); err == nil {
			t.Errorf("%s: got no error", after)
		}
	}
}
