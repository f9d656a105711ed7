package main

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/engine"
)

func TestKeepOf(t *testing.T) {
	// The output of a test is no terminal, so nothing stays unless it is asked for.
	for flag, want := range map[string]engine.Keep{
		"":           engine.KeepNever,
		"never":      engine.KeepNever,
		"on-failure": engine.KeepOnFailure,
		"always":     engine.KeepAlways,
	} {
		a := &app{stdout: &bytes.Buffer{}, env: func(string) (string, bool) { return "", false }}
		if got := a.keepOf(runFlags{keep: flag}); got != want {
			t.Errorf("--keep %q: got %q, want %q", flag, got, want)
		}
	}
}

// The newest run is the one with the greatest id.
func TestRunIDs(t *testing.T) {
	begin := time.Date(2026, 11, 21, 23, 59, 58, 0, time.UTC)
	var ids []string
	for i := range 100 {
		id, err := newRunID(begin.Add(time.Duration(i) * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("ids do not sort by time: %q", ids)
	}
	first, err := newRunID(begin)
	if err != nil {
		t.Fatal(err)
	}
	if first == ids[0] {
		t.Errorf("two runs of the same second have the id %s", first)
	}
}
