package dag

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// act is what a vertex of a script does. A span takes its time to start, holds
// until it is over, and takes its time again to end.
type act struct {
	takes    time.Duration
	fails    int           // in so many visits, the first ones
	panics   bool          // instead of an error
	early    time.Duration // an open span ends by itself
	alone    bool          // nothing else ends it
	lasts    time.Duration // an open span holds at least
	disabled bool
	skips    bool
	idles    time.Duration // without its slots, at the end
	retries  int           // of a region
	delay    time.Duration
	seen     int // visits
}

// What visits say.
const (
	idles      = "idles"
	isBack     = "is back"
	endedEarly = "ended early"
	ends       = "ends"
)

// mark is something that a visit says after so many transitions.
type mark struct {
	at   int
	id   ID
	what string
	when time.Time
}

// script is a graph with brackets, built line by line.
type script struct {
	t     *testing.T
	g     *Graph[*act]
	log   []string
	start time.Time
	mu    sync.Mutex
	// small is what the run begins with when the vertex "expander" expands it;
	// the whole graph is g.
	small  *Graph[*act]
	expand func(Control[*act]) error
	trace  []Transition
	marks  []mark // what visits do, between transitions
	// abortAfter is when all is given up; zero means never.
	abortAfter time.Duration
}

func newScript(t *testing.T) *script { return &script{t: t, g: New[*act]()} }

// in is where a vertex happens and what it waits for: "s" during the span,
// "<r" inside the region, "x" after the vertex.
func (s *script) add(id ID, a act, traits Traits, in ...string) {
	s.t.Helper()
	must(s.t, s.g.Add(id, &a, traits))
	s.link(id, id, in)
}

func (s *script) link(first, last ID, in []string) {
	s.t.Helper()
	for _, on := range in {
		name := ID(strings.TrimLeft(on, "<~"))
		switch {
		case strings.HasPrefix(on, "<"):
			s.wait(first, name+":begin", Succeeded)
			s.wait(name, last, Settled)
			for _, end := range []ID{first, last} {
				s.g.vertices[s.g.index[end]].Traits.Region = name
			}
		case strings.HasPrefix(on, "~"):
			s.wait(first, name+":start", Succeeded)
			s.wait(name, last, Settled)
		default:
			s.wait(first, name, Succeeded)
		}
	}
}

func (s *script) wait(id, on ID, when Trigger) {
	s.t.Helper()
	must(s.t, s.g.DependOn(id, on, when))
}

// span adds the two vertices of one.
func (s *script) span(id ID, a act, traits Traits, in ...string) {
	s.t.Helper()
	traits.Opens, traits.Span = id, true
	must(s.t, s.g.Add(id+":start", &a, traits))
	must(s.t, s.g.Add(id, &a, Traits{Tolerated: traits.Tolerated}))
	s.wait(id, id+":start", Succeeded)
	s.link(id+":start", id, in)
}

// region adds the two vertices of one.
func (s *script) region(id ID, a act, traits Traits, in ...string) {
	s.t.Helper()
	traits.Opens = id
	must(s.t, s.g.Add(id+":begin", &act{}, traits))
	must(s.t, s.g.Add(id, &a, Traits{Tolerated: traits.Tolerated}))
	s.wait(id, id+":begin", Succeeded)
	s.link(id+":begin", id, in)
}

func (s *script) say(id ID, what string) {
	s.mu.Lock()
	s.marks = append(s.marks, mark{len(s.trace), id, what, time.Now()})
	s.mu.Unlock()
	s.note(fmt.Sprintf("%s %s %s", time.Since(s.start).Truncate(time.Second), id, what))
}

func (s *script) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, line)
}

// sleep takes seconds, and a little more, so that no two vertices end at the
// same moment.
func (s *script) sleep(ctx context.Context, id ID, seconds time.Duration) error {
	more := time.Duration(s.g.index[id]+1) * time.Microsecond
	err := sleep(ctx, seconds*time.Second+more)
	if err != nil {
		time.Sleep(more) // those that are cancelled together end one after the other
	}
	return err
}

// visit plays one vertex.
func (s *script) visit(ctx context.Context, id ID, a *act, control Control[*act]) (Result, error) {
	a.seen++
	switch {
	case s.g.Traits(id).Span:
		return s.visitSpan(ctx, id, a, control)
	case id == "expander":
		return Result{}, s.expand(control)
	case s.g.Has(id + ":begin"):
		return s.visitRegion(ctx, id, a, control)
	}
	err := s.sleep(ctx, id, a.takes)
	if err == nil && a.idles > 0 {
		err = s.idle(ctx, id, a.idles, control)
	}
	if err != nil {
		return Result{}, err
	}
	result := Result{Disabled: a.disabled}
	if a.skips {
		result.Skipped = "as planned"
	}
	return result, a.failure()
}

func (s *script) idle(ctx context.Context, id ID, seconds time.Duration, control Control[*act]) error {
	s.say(id, idles)
	err := control.Idle(ctx, func(ctx context.Context) error { return s.sleep(ctx, id, seconds) })
	if err == nil {
		s.say(id, isBack)
	}
	return err
}

func (a *act) failure() error {
	switch {
	case a.seen > a.fails:
		return nil
	case a.panics:
		panic("as planned")
	}
	return errDeed
}

func (s *script) visitRegion(ctx context.Context, id ID, a *act, control Control[*act]) (Result, error) {
	failures := control.Failures()
	if err := s.sleep(ctx, id, 0); err != nil {
		return Result{}, err
	}
	if len(failures) == 0 {
		return Result{}, nil
	}
	if a.seen > a.retries {
		return Result{}, fmt.Errorf("%s: %w", failures[0].ID, failures[0].Err)
	}
	return Result{Again: true}, s.sleep(ctx, id, a.delay)
}

func (s *script) visitSpan(ctx context.Context, id ID, a *act, control Control[*act]) (Result, error) {
	if a.disabled {
		return Result{Disabled: true}, s.sleep(ctx, id, 0)
	}
	if err := s.sleep(ctx, id, a.takes); err != nil {
		return Result{}, errors.Join(err, s.end(id, a, control))
	}
	if a.early == 0 {
		if err := a.failure(); err != nil {
			return Result{}, errors.Join(err, s.end(id, a, control))
		}
	}
	holding, err := control.Hold()
	if err != nil {
		return Result{}, errors.Join(err, s.end(id, a, control))
	}
	var early <-chan time.Time
	if a.early > 0 {
		early = time.After(a.early*time.Second + time.Microsecond)
	}
	least := time.After(a.lasts * time.Second)
	over := holding.Over
	if a.alone {
		over = nil
	}
	select {
	case <-over:
	case <-early:
		s.say(id, endedEarly)
		return Result{}, a.failure()
	}
	select {
	case <-least:
	case <-ctx.Done():
	}
	return Result{}, s.end(id, a, control)
}

func (s *script) end(id ID, a *act, control Control[*act]) error {
	_ = s.sleep(control.Final(), id, 0)
	s.say(id, ends)
	return s.sleep(control.Final(), id, a.takes)
}

// play runs the script in fake time.
func (s *script) play(e Executor[*act], cancel time.Duration) (string, Summary) {
	s.t.Helper()
	var out string
	var sum Summary
	t := s.t
	synctest.Test(t, func(t *testing.T) {
		s.start = time.Now()
		ctx, stop := context.WithCancelCause(t.Context())
		defer stop(nil)
		if cancel > 0 {
			defer time.AfterFunc(cancel*time.Second, func() { stop(errCancel) }).Stop()
		}
		if s.abortAfter > 0 {
			abort := make(chan struct{})
			e.Abort = abort
			defer time.AfterFunc(s.abortAfter*time.Second, func() { close(abort) }).Stop()
		}
		observe := e.Observe
		e.Observe = func(tr Transition) {
			s.mu.Lock()
			s.trace = append(s.trace, tr)
			s.mu.Unlock()
			s.note(tr.At.Sub(s.start).Truncate(time.Second).String() + " " + describe(tr))
			if observe != nil {
				observe(tr)
			}
		}
		var err error
		g := s.g
		if s.small != nil {
			g = s.small
		}
		sum, err = e.Run(ctx, g, s.visit)
		must(t, err)
		time.Sleep(time.Minute) // visits that were given up end too
		synctest.Wait()
		out = strings.Join(s.log, "\n")
	})
	return out, sum
}
