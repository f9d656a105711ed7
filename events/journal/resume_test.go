package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

// Wherever a journal was cut, it loads, and what is appended follows.
func TestReopenAtEveryByte(t *testing.T) {
	whole := journalText(t)
	for size := range len(whole) + 1 {
		dir := t.TempDir()
		path := filepath.Join(dir, journal.Name)
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := journal.Load(dir)
		if err != nil {
			t.Fatalf("load %d bytes: %v", size, err)
		}
		w, run, err := journal.Reopen(dir)
		if err != nil {
			t.Fatalf("reopen %d bytes: %v", size, err)
		}
		if want := int64(bytes.Count(whole[:size], []byte("\n"))); run.LastSeq != want || loaded.LastSeq != want {
			t.Errorf("%d bytes: got records up to %d and %d, want %d", size, loaded.LastSeq, run.LastSeq, want)
		}
		next := events.Record{Seq: run.LastSeq + 1, Event: events.Warning{Message: "appended"}}
		if err := errors.Join(w.Write(next), w.Close()); err != nil {
			t.Fatalf("append after %d bytes: %v", size, err)
		}
		again, err := journal.Load(dir)
		if err != nil || again.LastSeq != next.Seq || again.Warnings[len(again.Warnings)-1] != "appended" {
			t.Fatalf("after %d bytes and one more record: got %+v, %v", size, again, err)
		}
	}
}

// journalText is a journal with an event of a newer version in it.
func journalText(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	for n, e := range []events.Event{
		events.RunStarted{Run: "r", Workflow: "wörk", Instances: 2},
		events.InstanceStarted{Address: "step.a", Attempt: 1},
		events.Unknown{Name: "moon_phase", Raw: json.RawMessage(`{"phase":"full"}`)},
		events.InstanceEnded{Address: "step.a", State: events.Succeeded, Fingerprint: "f"},
		events.RunEnded{Exit: 1},
		events.RunResumed{Run: "r", Instances: 2},
		events.ResumePlanned{Reused: []string{"step.a"}, Instances: 2},
	} {
		line, err := json.Marshal(events.Record{Seq: int64(n) + 1, Event: e})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

func TestReopenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := journal.Reopen(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a journal: got %v, want %v", err, os.ErrNotExist)
	}
	if err := os.WriteFile(filepath.Join(dir, journal.Name), []byte("{}\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *journal.CorruptError
	if _, _, err := journal.Reopen(dir); !errors.As(err, &corrupt) || corrupt.Line != 1 {
		t.Errorf("damaged: got %v, want a damaged line 1", err)
	}
}

// Of many that take over the lock of a dead process, one gets it.
func TestOneTakesOver(t *testing.T) {
	for range 50 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "lock"), []byte(`{"host":"here","pid":1,"start":"before"}`), 0o644); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var got [8]*journal.Lock
		for n := range got {
			all.Go(func() {
				lock, err := journal.Acquire(dir, journal.Holder{Owner: journal.Self()})
				var locked *journal.LockedError
				if err != nil && !errors.As(err, &locked) {
					t.Errorf("got %v, want a lock or a *LockedError", err)
				}
				got[n] = lock
			})
		}
		all.Wait()
		holders := 0
		for _, lock := range got {
			if lock != nil {
				holders++
				if err := lock.Release(); err != nil {
					t.Errorf("release: %v", err)
				}
			}
		}
		if holders != 1 {
			t.Fatalf("%d took over the lock, want 1", holders)
		}
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	s := openSecrets(t, dir)
	if err := errors.Join(
		s.KeepOutput("step.a", json.RawMessage(`"one"`)),
		s.KeepVariables(map[string]json.RawMessage{"v": json.RawMessage(`"two"`)}),
	); err != nil {
		t.Fatal(err)
	}
	again := openSecrets(t, dir)
	if !bytes.Equal(again.Key(), s.Key()) || len(s.Key()) == 0 {
		t.Errorf("key: got %x, want %x", again.Key(), s.Key())
	}
	if out, ok := again.Output("step.a"); !ok || string(out) != `"one"` {
		t.Errorf("output: got %s, %v", out, ok)
	}
	if _, ok := again.Output("step.b"); ok {
		t.Error("output of an instance that has none: got one")
	}
	if got := string(again.Variables()["v"]); got != `"two"` {
		t.Errorf("variable: got %s", got)
	}
	path := filepath.Join(dir, "secrets.json")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte(`{"key":""}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenSecrets(dir); err == nil {
		t.Error("a damaged key: got success, want an error")
	}
}

func openSecrets(t *testing.T, dir string) *journal.Secrets {
	t.Helper()
	s, err := journal.OpenSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
