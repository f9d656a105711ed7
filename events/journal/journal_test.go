package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

func record(seq int64, e events.Event) events.Record {
	return events.Record{Seq: seq, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Event: e}
}

func line(t testing.TB, r events.Record) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func read(text string) (records []events.Record, err error) {
	for r, err := range journal.Read(strings.NewReader(text)) {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

func TestWriteAndLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "run-1")
		w, err := journal.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		for n, e := range []events.Event{events.RunStarted{Run: "run-1"}, events.Warning{Message: "x"}} {
			if err := w.Write(record(int64(n)+1, e)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(60 * time.Millisecond) // virtual: lets the group be synced
		}
		if run, err := journal.Load(dir); err != nil || len(run.Warnings) != 1 {
			t.Errorf("before Close: got %+v, %v, want one warning", run, err)
		}
		if err := w.Write(record(3, events.RunEnded{Status: events.StatusPassed})); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if run, err := journal.Load(dir); err != nil || run.Status != events.StatusPassed {
			t.Errorf("after Close: got %+v, %v, want it passed", run, err)
		}
		if err := w.Write(record(4, events.Warning{})); !errors.Is(err, os.ErrClosed) {
			t.Errorf("write after Close: got %v, want %v", err, os.ErrClosed)
		}
		if _, err := journal.Create(dir); !errors.Is(err, journal.ErrExists) {
			t.Errorf("create twice: got %v, want %v", err, journal.ErrExists)
		}
	})
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	w, err := journal.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	journal.Replace(w, full)
	for range 2 {
		if err := w.Write(record(1, events.Warning{})); err == nil || !strings.Contains(err.Error(), "no space left on device") {
			t.Errorf("got %v, want it to say that there is no space", err)
		}
	}
}

// A pipe takes records, but nothing can be synced in it.
func TestSpansAreSyncedAtOnce(t *testing.T) {
	w, err := journal.Create(filepath.Join(t.TempDir(), "run-1"))
	if err != nil {
		t.Fatal(err)
	}
	reads, writes, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reads.Close()
	journal.Replace(w, writes)
	if err := w.Write(record(1, events.RunStarted{})); err != nil {
		t.Errorf("what may be synced later: got %v, want nothing", err)
	}
	if err := w.Write(record(2, events.SpanStarting{Address: "step.load"})); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a span: got %v, want %v", err, syscall.EINVAL)
	}
	if err := w.Close(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("close: got %v, want the first error", err)
	}
}

func TestRead(t *testing.T) {
	first, second := line(t, record(1, events.Warning{Message: "a"})), line(t, record(2, events.Warning{Message: "b"}))
	long := line(t, record(2, events.Warning{Message: strings.Repeat("x", 3<<20)}))
	future := `{"seq":2,"time":"2026-01-02T03:04:05Z","kind":"later","event":{"a":1}}` + "\n"
	cases := []struct {
		name, text string
		want       int
		wantLine   int // of the *CorruptError; 0 means none
	}{
		{name: "empty"},
		{name: "whole", text: first + second, want: 2},
		{name: "torn", text: first + second[:len(second)/2], want: 1},
		{name: "without its last newline", text: first + strings.TrimSuffix(second, "\n"), want: 1},
		{name: "zeros after a power cut", text: first + strings.Repeat("\x00", 100) + "\n", want: 1},
		{name: "a very long line", text: first + long, want: 2},
		{name: "a newer kind", text: first + future, want: 2},
		{name: "damaged in the middle", text: first + "{}\n" + second, want: 1, wantLine: 2},
		{name: "a gap", text: first + line(t, record(3, events.Warning{})) + second, want: 1, wantLine: 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(c.text)
			if len(got) != c.want {
				t.Errorf("got %d records, want %d", len(got), c.want)
			}
			var corrupt *journal.CorruptError
			if errors.As(err, &corrupt) != (c.wantLine > 0) || corrupt != nil && corrupt.Line != c.wantLine {
				t.Errorf("got error %v, want one about line %d", err, c.wantLine)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(line(f, record(1, events.RunStarted{Run: "r", Instances: 1})) + line(f, record(2, events.RunEnded{Exit: 1}))))
	f.Add([]byte(`{"seq":1,"time":"2026-01-02T03:04:05Z","kind":"later","event":null}` + "\n"))
	f.Add([]byte("{\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, _ := read(string(data))
		events.Fold(records)
		var again bytes.Buffer
		for _, r := range records {
			text, err := json.Marshal(r)
			if err != nil {
				return // a time or content that JSON cannot have was let in by a newer kind
			}
			again.Write(append(text, '\n'))
		}
		second, err := read(again.String())
		if err != nil || len(second) != len(records) {
			t.Errorf("written again: got %d records and %v, want %d", len(second), err, len(records))
		}
	})
}

func TestOwner(t *testing.T) {
	self := journal.Self()
	cases := []struct {
		name   string
		change func(*events.Owner)
		want   bool
	}{
		{"this process", func(*events.Owner) {}, true},
		{"another start time", func(o *events.Owner) { o.Start += "1" }, false},
		{"another boot", func(o *events.Owner) { o.Start = "x" + o.Start }, false},
		{"no such process", func(o *events.Owner) { o.PID = 1 << 30 }, false},
		{"another host", func(o *events.Owner) { o.Host, o.PID = "elsewhere.example", 1<<30 }, true},
		{"nobody", func(o *events.Owner) { *o = events.Owner{} }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := self
			c.change(&o)
			if got := journal.Alive(o); got != c.want {
				t.Errorf("Alive(%+v): got %v, want %v", o, got, c.want)
			}
		})
	}
}

func TestKilledProcessIsDead(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := journal.Self()
	o.PID, o.Start = cmd.Process.Pid, journal.StartOf(t, cmd.Process.Pid)
	if !journal.Alive(o) {
		t.Errorf("a running process counts as dead")
	}
	cmd.Process.Kill()
	cmd.Wait()
	if journal.Alive(o) {
		t.Errorf("a killed process counts as alive")
	}
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run-1")
	self := journal.Holder{Owner: journal.Self(), Command: []string{"dcosflow", "run"}}
	lock, err := journal.Acquire(dir, self)
	if err != nil {
		t.Fatal(err)
	}
	var locked *journal.LockedError
	if _, err := journal.Acquire(dir, self); !errors.As(err, &locked) || locked.Holder.PID != self.PID {
		t.Errorf("while it is held: got %v, want a *LockedError", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("files left: %v, want none", entries)
	}
}

// TestTakeOver has many take over the lock of a dead process at once, again and
// again: one of them gets it.
func TestTakeOver(t *testing.T) {
	dir := t.TempDir()
	self := journal.Holder{Owner: journal.Self(), Command: []string{"dcosflow", "run"}}
	var holders, won atomic.Int32
	for range 20 {
		stale := `{"host":"gone","pid":4194304,"start":"another boot/1","command":["dcosflow","run","a-long-name.hcl"]}`
		if err := os.WriteFile(filepath.Join(dir, "lock"), []byte(stale), 0o644); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				lock, err := journal.Acquire(dir, self)
				var locked *journal.LockedError
				if errors.As(err, &locked) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				won.Add(1)
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock at once", n)
				}
				content, err := os.ReadFile(filepath.Join(dir, "lock"))
				if want := fmt.Sprintf(`{"host":%q,"pid":%d,`, self.Host, self.PID); err != nil || !strings.HasPrefix(string(content), want) || !json.Valid(content) {
					t.Errorf("the lock says %s (%v), want it to begin with %s", content, err, want)
				}
				holders.Add(-1)
				if err := lock.Release(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	if won.Load() < 20 {
		t.Errorf("the lock was taken over %d times, want at least 20", won.Load())
	}
}

func TestRuns(t *testing.T) {
	dir := t.TempDir()
	self := journal.Self()
	dead := self
	dead.Start = "another boot/1"
	write := func(id string, list ...events.Event) {
		w, err := journal.Create(filepath.Join(dir, id))
		if err != nil {
			t.Fatal(err)
		}
		for n, e := range list {
			if err := w.Write(record(int64(n)+1, e)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	started := func(o events.Owner) events.Event { return events.RunStarted{Run: "r", Owner: o} }
	huge := map[string]json.RawMessage{"o": json.RawMessage(`"` + strings.Repeat("x", 100<<10) + `"`)}
	write("a-passed", started(self), events.RunEnded{Status: events.StatusPassed})
	write("b-large", started(self), events.RunEnded{Status: events.StatusFailed, Exit: 1, Outputs: huge})
	write("c-killed", started(dead), events.Warning{})
	write("d-living", started(self))
	write("e-empty")
	resumed := events.RunResumed{Run: "r", Owner: self, Keep: "always"}
	text := events.Warning{Message: `"kind":"run_resumed"`}
	write("g-resumed", started(dead), events.RunEnded{Status: events.StatusFailed, Exit: 1}, resumed, text)
	write("h-removed", started(dead), events.RunEnded{Status: events.StatusFailed, Exit: 1}, events.SpanEnded{Address: "s"}, events.ClusterDeleted{Cluster: "db"})
	for _, other := range []string{"not-a-run", "f"} {
		if err := os.MkdirAll(filepath.Join(dir, other), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	damaged := line(t, record(1, started(dead))) + "{\n" + line(t, record(3, events.RunEnded{Status: events.StatusTrouble, Exit: 3}))
	if err := os.Mkdir(filepath.Join(dir, "f-damaged"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "f-damaged", journal.Name), []byte(damaged), 0o644); err != nil {
		t.Fatal(err)
	}
	runs, err := journal.Runs(dir)
	if err != nil {
		t.Fatal(err)
	}
	type brief struct {
		ID     string
		Status events.Status
		Exit   int
		Alive  bool
	}
	var got []brief
	for _, s := range runs {
		got = append(got, brief{s.ID, s.Status, s.Exit, s.Alive})
	}
	want := []brief{
		{"a-passed", events.StatusPassed, 0, false},
		{"b-large", events.StatusFailed, 1, false},
		{"c-killed", events.StatusRunning, 0, false},
		{"d-living", events.StatusRunning, 0, true},
		{"e-empty", events.StatusRunning, 0, false},
		{"f-damaged", events.StatusTrouble, 3, false},
		{"g-resumed", events.StatusRunning, 0, true},
		{"h-removed", events.StatusFailed, 1, false},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
	if _, err := journal.Glance(filepath.Join(dir, "f")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Glance at no run: got %v, want %v", err, fs.ErrNotExist)
	}
	if runs, err := journal.Runs(filepath.Join(dir, "missing")); err != nil || len(runs) != 0 {
		t.Errorf("a missing folder: got %v, %v, want nothing", runs, err)
	}
}

// There are bundles and collected files with secrets in the folder of a run.
func TestRule23_FolderIsItsOwners(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "r1")
	lock, err := journal.Acquire(dir, journal.Holder{})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Dir(dir): 0o755} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got&^0o022 != want&^0o022 {
			t.Errorf("%s: got mode %o, want %o", path, got, want)
		}
	}
}
