package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// TestEverySpanEnds runs random plans with spans in and outside of groups, steps
// that fail at times, and runs that are cancelled: what was started has been
// ended as often, each time with what its start returned, the journal folds to
// a run without open spans, and every instance has one end.
func TestEverySpanEnds(t *testing.T) {
	for n := range 300 {
		bubble(t, func(t *testing.T) {
			c := &chaos{stage: newStage(t), random: rand.New(rand.NewPCG(7, uint64(n))), holders: newHolders()}
			c.build()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.random.IntN(3) == 0 {
				time.AfterFunc(time.Duration(c.random.IntN(8000))*time.Millisecond, cancel)
			}
			r := c.run(ctx)
			c.holders.check(t)
			if len(r.Run.Spans) > 0 {
				t.Errorf("plan %d: the journal has open spans: %+v", n, r.Run.Spans[0])
			}
			if counts := r.Run.Counts; counts.Running != 0 || len(r.Run.InProgress()) != 0 {
				t.Errorf("plan %d: %+v, %d in progress", n, counts, len(r.Run.InProgress()))
			}
			for _, i := range r.Run.Instances {
				if i.State == "" {
					t.Errorf("plan %d: %s has no end", n, i.Address)
				}
			}
			starts := 0
			for _, times := range c.holders.starts {
				starts += times
			}
			if got := len(c.holders.started) + c.holders.startedMissing; got != starts {
				t.Errorf("plan %d: %d ends for %d starts", n, got, starts)
			}
			if t.Failed() {
				for _, record := range events.Fold(c.journal.records).Instances {
					t.Logf("%s %s %s", record.Address, record.State, record.Reason)
				}
			}
		})
	}
}

// chaos makes a random plan.
type chaos struct {
	*stage
	random  *rand.Rand
	holders *holders
	spans   []dag.ID // outside of groups
	steps   []dag.ID
}

func (c *chaos) build() {
	for n := range 1 + c.random.IntN(3) {
		id := dag.ID(fmt.Sprintf("step.span%d", n))
		c.span(id, c.fault(), c.holds(false))
		c.spans = append(c.spans, id)
		c.child(fmt.Sprintf("step.needs%d", n), id)
	}
	for n := range 2 + c.random.IntN(4) {
		c.child(fmt.Sprintf("step.child%d", n), c.spans[c.random.IntN(len(c.spans))])
	}
	c.span("step.alone", c.fault(), c.holds(true))
	for n := range c.random.IntN(3) {
		c.group(dag.ID(fmt.Sprintf("group.g%d", n)))
	}
}

// child is a step during a span, after some that were made before it.
func (c *chaos) child(name string, span dag.ID) {
	var after []dag.ID
	if len(c.steps) > 0 && c.random.IntN(2) == 0 {
		after = append(after, c.steps[c.random.IntN(len(c.steps))])
	}
	c.step(dag.ID(name), c.work(), after...)
	c.during(dag.ID(name), span)
	c.steps = append(c.steps, dag.ID(name))
}

func (c *chaos) group(id dag.ID) {
	var bounds dag.Traits
	if c.random.IntN(3) == 0 {
		bounds.Limit = time.Duration(1+c.random.IntN(3000)) * time.Millisecond
	}
	if c.random.IntN(3) == 0 {
		bounds.Deadline = time.Duration(1+c.random.IntN(6000)) * time.Millisecond
	}
	c.region(id, plan.Retry{Attempts: 1 + c.random.IntN(3), Delay: time.Second, On: []string{"any"}}, "", bounds)
	c.inSpan(id, id+".span", c.fault())
	for n := range 1 + c.random.IntN(2) {
		inner := id + dag.ID(fmt.Sprintf(".step%d", n))
		c.inner(id, inner, c.work())
		c.during(inner, id+".span")
	}
}

func (c *chaos) holds(alone bool) plan.Span {
	span := plan.Span{Alone: alone}
	if alone || c.random.IntN(3) == 0 {
		span.Duration = time.Duration(1+c.random.IntN(4000)) * time.Millisecond
	}
	return span
}

func (c *chaos) fault() fault {
	f := fault{world: c.holders, startTakes: time.Duration(c.random.IntN(500)) * time.Millisecond}
	switch c.random.IntN(6) {
	case 0:
		f.startErr = errors.New("the start fails")
	case 1:
		f.lasts, f.waitErr = time.Duration(1+c.random.IntN(3000))*time.Millisecond, errors.New("it fails")
	case 2:
		f.lasts = time.Duration(1+c.random.IntN(3000)) * time.Millisecond
	}
	return f
}

// work takes up to two seconds and fails at times.
func (c *chaos) work() work {
	takes, failures := time.Duration(c.random.IntN(2000))*time.Millisecond, c.random.IntN(3)-1
	return func(ctx context.Context, env steps.Env) (cty.Value, error) {
		if _, err := sleep(takes)(ctx, env); err != nil {
			return cty.NilVal, err
		}
		if failures--; failures >= 0 {
			return cty.NilVal, exitError(1)
		}
		return cty.NilVal, nil
	}
}
