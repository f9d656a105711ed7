package probe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dcosflow/dcosflow/steps"
)

// Tally says how a series of tries went.
type Tally struct {
	Tries int
	Took  time.Duration
	// Last is what the last finished try saw, Err why it was not enough.
	Last Result
	Err  error
}

// Verdict says whether a try is enough: nil, or why not.
type Verdict func(Result) error

// Own is the verdict of the probe itself.
func Own(r Result) error { return r.Err }

const (
	firstPause    = 250 * time.Millisecond
	longestPause  = 2 * time.Second
	progressEvery = 10 * time.Second
)

// Once tries once.
func (p *Prober) Once(ctx context.Context, env steps.Env, enough Verdict) Tally {
	s := p.begin(env, enough)
	s.try(ctx)
	return s.end()
}

// Until tries until one try is enough and, with stable, all are for that long.
// It gives up when ctx ends; then the tally's Err is not nil.
func (p *Prober) Until(ctx context.Context, env steps.Env, enough Verdict) Tally {
	s := p.begin(env, enough)
	var held time.Time // since when it holds
	told := s.begun
	for n := 0; ; n++ {
		now := time.Now()
		switch {
		case !s.try(ctx):
			return s.end()
		case s.tally.Err != nil:
			held = time.Time{}
			if now.Sub(told) >= progressEvery {
				told = now
				env.Progress(fmt.Sprintf("after %s: %v", now.Sub(s.begun).Round(time.Second), s.tally.Err))
			}
		case held.IsZero():
			held = now
		}
		wait := p.pause(n)
		if !held.IsZero() {
			left := p.stable - time.Since(held)
			if left <= 0 {
				return s.end()
			}
			wait = min(wait, left)
		}
		if !sleep(ctx, wait) {
			if s.tally.Err == nil {
				s.tally.Err = fmt.Errorf("it held for %s only, not for %s", time.Since(held).Round(time.Millisecond), p.stable)
			}
			return s.end()
		}
	}
}

// Hold tries until d has passed or a try is not enough.
func (p *Prober) Hold(ctx context.Context, env steps.Env, enough Verdict, d time.Duration) Tally {
	s := p.begin(env, enough)
	for n := 0; ; n++ {
		if !s.try(ctx) || s.tally.Err != nil {
			return s.end()
		}
		left := d - time.Since(s.begun)
		if left <= 0 {
			return s.end()
		}
		if !sleep(ctx, min(p.pause(n), left)) {
			s.tally.Err = context.Cause(ctx)
			return s.end()
		}
	}
}

// pause is the wait after the n-th try.
func (p *Prober) pause(n int) time.Duration {
	if p.config.Every != nil {
		return max(p.every, time.Millisecond)
	}
	wait := firstPause
	for range min(n, 10) {
		wait += wait / 2
	}
	return min(wait, longestPause)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// series is a running sequence of tries.
type series struct {
	prober *Prober
	env    steps.Env
	enough Verdict
	begun  time.Time
	tally  Tally
}

func (p *Prober) begin(env steps.Env, enough Verdict) *series {
	return &series{prober: p, env: env, enough: enough, begun: time.Now()}
}

// try looks once. It returns false when ctx ended meanwhile: what was cut off
// does not replace what an earlier try saw.
func (s *series) try(ctx context.Context) bool {
	r := s.prober.Try(ctx, s.env)
	if ctx.Err() != nil && r.Err != nil {
		if s.tally.Tries == 0 || s.tally.Err == nil {
			s.tally.Err = context.Cause(ctx)
		}
		s.tally.Tries++
		return false
	}
	s.tally.Tries++
	s.tally.Last, s.tally.Err = r, s.enough(r)
	return true
}

// end closes the tally; the log gets what the last try printed.
func (s *series) end() Tally {
	s.tally.Took = time.Since(s.begun)
	// The log is for people: that it cannot be written fails the step elsewhere.
	_, _ = io.WriteString(s.env.Stdout, s.tally.Last.stdout)
	_, _ = io.WriteString(s.env.Stderr, s.tally.Last.stderr)
	return s.tally
}

// Failure makes the error of a tally that failed.
func (t Tally) Failure(condition string) *steps.AssertionError {
	return &steps.AssertionError{
		Condition: condition, Observed: t.Last.Observed(), Tries: t.Tries, Took: t.Took, Err: t.Err,
	}
}
