package events_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dcosflow/dcosflow/events"
)

// list keeps what it is given; at a number of records it fails.
type list struct {
	records []events.Record
	failAt  int
}

var errSink = errors.New("broken pipe")

func (l *list) Write(r events.Record) error {
	if l.failAt > 0 && len(l.records)+1 >= l.failAt {
		return errSink
	}
	l.records = append(l.records, r)
	return nil
}

func (l *list) messages() []string {
	var out []string
	for n, r := range l.records {
		if r.Seq != int64(n)+1 {
			out = append(out, fmt.Sprintf("number %d at place %d", r.Seq, n+1))
		}
		if w, ok := r.Event.(events.Warning); ok {
			out = append(out, w.Message)
		} else {
			out = append(out, r.Event.Kind())
		}
	}
	return out
}

func publish(t *testing.T, b *events.Bus, list ...events.Event) {
	t.Helper()
	for _, e := range list {
		if err := b.Publish(e); err != nil {
			t.Fatalf("publish %s: %v", e.Kind(), err)
		}
	}
}

func wantMessages(t *testing.T, name string, l *list, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, l.messages()); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestBusDeliversInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, shown := &list{}, &list{}
		b := events.NewBus(journal, shown)
		publish(t, b, events.RunStarted{}, events.Warning{Message: "a"}, events.Warning{Message: "b"})
		wantMessages(t, "journal, at once", journal, "run_started", "a", "b")
		publish(t, b, events.RunEnded{}, events.Warning{Message: "too late"})
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		want := []string{"run_started", "a", "b", "run_ended"}
		wantMessages(t, "journal", journal, want...)
		wantMessages(t, "shown", shown, want...)
	})
}

func TestBusReportsFailingSinkOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, broken, shown := &list{}, &list{failAt: 2}, &list{}
		b := events.NewBus(journal, broken, shown)
		publish(t, b, events.RunStarted{}, events.Warning{Message: "a"})
		synctest.Wait()
		publish(t, b, events.Warning{Message: "b"}, events.RunEnded{})
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close: %v; it was said before", err)
		}
		want := []string{"run_started", "a", "a report stops here: broken pipe", "b", "run_ended"}
		wantMessages(t, "journal", journal, want...)
		wantMessages(t, "shown", shown, want...)
		wantMessages(t, "broken", broken, "run_started")
	})
}

func TestBusReturnsLateFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := events.NewBus(nil, &list{failAt: 2})
		publish(t, b, events.RunStarted{}, events.RunEnded{})
		if err := b.Close(t.Context()); !errors.Is(err, errSink) {
			t.Errorf("Close: got %v, want %v", err, errSink)
		}
	})
}

func TestBusWithoutJournalGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, shown := &list{failAt: 2}, &list{}
		b := events.NewBus(journal, shown)
		publish(t, b, events.RunStarted{})
		for range 2 {
			if err := b.Publish(events.Warning{Message: "a"}); !errors.Is(err, errSink) {
				t.Errorf("Publish: got %v, want %v", err, errSink)
			}
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		wantMessages(t, "journal", journal, "run_started")
		wantMessages(t, "shown", shown, "run_started", "a", "a")
	})
}

// blocked does not return from its first write until it is released.
type blocked struct {
	list
	release chan struct{}
}

func (b *blocked) Write(r events.Record) error {
	<-b.release
	return b.list.Write(r)
}

func TestBusDoesNotWaitForSlowSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, slow := &list{}, &blocked{release: make(chan struct{})}
		b := events.NewBus(journal, slow)
		publish(t, b, events.RunStarted{}, events.RunEnded{})
		wantMessages(t, "journal", journal, "run_started", "run_ended")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close while a sink blocks: got %v, want %v", err, context.DeadlineExceeded)
		}
		close(slow.release)
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		wantMessages(t, "slow", &slow.list, "run_started", "run_ended")
	})
}

// clock counts ticks.
type clock struct {
	list
	ticks int
}

func (c *clock) Tick(time.Time) error { c.ticks++; return nil }

func TestBusTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{}
		b := events.NewBus(nil, c)
		time.Sleep(3500 * time.Millisecond)
		if err := b.Close(t.Context()); err != nil || c.ticks != 3 {
			t.Errorf("got %d ticks and %v, want 3", c.ticks, err)
		}
	})
}
