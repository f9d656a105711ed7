package events

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Ticker is the optional ability of a sink that has something to say while
// nothing happens. Tick is called about once a second, from the goroutine that
// writes.
type Ticker interface {
	Tick(now time.Time) error
}

// Bus numbers events and delivers them in order: to the journal at once, to
// every other sink as fast as that can take them, so that a blocked terminal
// stops nothing.
type Bus struct {
	journal Sink
	queues  []*queue
	pumps   sync.WaitGroup

	mu   sync.Mutex
	seq  int64
	lost error
	run  Run
}

// NewBus starts a bus. The journal may be nil. Whoever makes a bus closes it.
func NewBus(journal Sink, others ...Sink) *Bus {
	b := &Bus{journal: journal}
	for _, s := range others {
		q := newQueue(s)
		b.queues = append(b.queues, q)
		b.pumps.Go(func() { b.pump(q) })
	}
	return b
}

// ResumeBus starts a bus that goes on where the fold of a journal ends: its
// numbers follow, and its fold becomes the bus's.
func ResumeBus(earlier *Run, journal Sink, others ...Sink) *Bus {
	b := NewBus(journal, others...)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.run, b.seq = *earlier, earlier.LastSeq
	b.run.Ended = nil
	return b
}

// Publish journals an event and passes it on. The error is the journal's: from
// then on nothing is journalled and every call returns it, but the other sinks
// still get everything, so that a person sees how the run ends. Nothing
// follows RunEnded: what is published after it is dropped.
func (b *Bus) Publish(e Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish(e)
	return b.lost
}

// Run is the fold of all that was published; ask for it after Close.
func (b *Bus) Run() *Run { return &b.run }

// Snapshot is the fold of all that was published so far. Its instances change
// with what follows, until a ResumePlanned.
func (b *Bus) Snapshot() *Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	run := b.run
	return &run
}

// publish is called with the lock held.
func (b *Bus) publish(e Event) {
	if b.run.Ended != nil {
		return
	}
	b.seq++
	r := Record{Seq: b.seq, Time: time.Now().UTC().Round(0), Event: e}
	b.run.Apply(r)
	if b.lost == nil && b.journal != nil {
		b.lost = b.journal.Write(r)
	}
	for _, q := range b.queues {
		q.add(r)
	}
}

// Close waits until every sink has what was published, at most until ctx ends.
// The error is that of sinks which failed too late for a Warning.
func (b *Bus) Close(ctx context.Context) error {
	var errs []error
	for _, q := range b.queues {
		q.close()
	}
	for _, q := range b.queues {
		select {
		case <-q.drained:
			errs = append(errs, q.err)
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("write the last events to %T: %w", q.sink, context.Cause(ctx)))
			return errors.Join(errs...)
		}
	}
	b.pumps.Wait()
	return errors.Join(errs...)
}

// pump delivers to one sink until its queue is closed and empty.
func (b *Bus) pump(q *queue) {
	defer close(q.drained)
	if q.err = q.deliver(); q.err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.run.Ended == nil {
		b.publish(Warning{Message: fmt.Sprintf("a report stops here: %v", q.err)})
		q.err = nil
	}
}

// queue holds what a sink has not taken yet. It has no bound: events are
// small, and whoever publishes must never wait for a terminal.
type queue struct {
	sink    Sink
	wake    chan struct{}
	drained chan struct{}
	err     error // of the sink; belongs to the pump until drained is closed

	mu      sync.Mutex
	waiting []Record
	closed  bool
}

func newQueue(s Sink) *queue {
	return &queue{sink: s, wake: make(chan struct{}, 1), drained: make(chan struct{})}
}

func (q *queue) add(r Record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.waiting = append(q.waiting, r)
		q.signal()
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() (records []Record, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	records, q.waiting = q.waiting, nil
	return records, q.closed
}

// deliver writes until the queue is closed and empty, or the sink fails; then
// the queue takes nothing more.
func (q *queue) deliver() error {
	defer q.close()
	ticks, stop := ticks(q.sink)
	defer stop()
	for {
		select {
		case <-q.wake:
		case now := <-ticks:
			if err := q.sink.(Ticker).Tick(now); err != nil {
				return err
			}
			continue
		}
		records, closed := q.take()
		for _, r := range records {
			if err := q.sink.Write(r); err != nil {
				return err
			}
		}
		if closed {
			return nil
		}
	}
}

// ticks is the one place where Ticker is asked for; a sink without it gets a
// channel on which nothing comes.
func ticks(s Sink) (ticks <-chan time.Time, stop func()) {
	if _, ok := s.(Ticker); !ok {
		return nil, func() {}
	}
	t := time.NewTicker(time.Second)
	return t.C, t.Stop
}
