package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// spanGoes is a workflow with a span, which is run and resumed: step.before,
// then step.one and step.two during step.cut, then step.after.
type spanGoes struct {
	goes
	holders *holders
	// argument is that of the span; takes is how long step.two does.
	argument string
	takes    time.Duration
	off      bool
}

func (g *spanGoes) next(ctx context.Context) (*stage, engine.Result) {
	g.t.Helper()
	s := newStage(g.t)
	if g.journal == nil {
		g.journal, g.dir = s.journal, s.plan.Run.Dir
	}
	s.journal, s.plan.Run.Dir = g.journal, g.dir
	s.options.Sinks, s.options.Vault = []events.Sink{s.journal}, g.vault
	s.step("step.before", g.work(nil))
	cut := s.span("step.cut", fault{world: g.holders}, plan.Span{})
	s.options.Types = []steps.Type{*cut.Type}
	text := g.argument
	cut.Configure = func(plan.Facts) (cty.Value, error) {
		return cty.ObjectVal(map[string]cty.Value{"text": cty.StringVal(text)}), nil
	}
	cut.Type.Schema = textSchema
	cut.Enabled = func(plan.Facts) (bool, error) { return !g.off, nil }
	s.step("step.one", g.work(nil), "step.before")
	s.step("step.two", func(ctx context.Context, env steps.Env) (cty.Value, error) {
		_, _ = g.work(nil)(ctx, env)
		return sleep(g.takes)(ctx, env)
	}, "step.one")
	s.during("step.one", "step.cut")
	s.during("step.two", "step.cut")
	s.step("step.after", g.work(nil), "step.cut")
	g.ran = nil
	if records := g.journal.records; len(records) > 0 {
		s.options.Resume = &engine.Resume{Run: events.Fold(records), From: g.from}
	}
	r := s.run(ctx)
	slices.Sort(g.ran)
	return s, r
}

// A resumed run opens a span again for what is left to happen during it.
func TestResumeSpan(t *testing.T) {
	cases := []struct {
		name   string
		second func(*spanGoes)
		// ran are the steps of the second go; starts is how often the span was
		// started in it.
		ran    string
		starts int
	}{
		{"the rest", func(*spanGoes) {}, "step.after step.two", 1},
		{"the span is another", func(g *spanGoes) { g.argument = "other" }, "step.after step.one step.two", 1},
		{"the span is forced", func(g *spanGoes) { g.from = []string{"step.cut"} }, "step.after step.one step.two", 1},
		{"the span is switched off", func(g *spanGoes) { g.off = true }, "step.after step.one step.two", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				g := &spanGoes{goes: goes{t: t, vault: vault{}}, holders: newHolders(), takes: time.Hour}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				s, r := g.next(ctx)
				s.wantExit(r, 130)
				g.takes = 0
				before := g.holders.starts["step.cut"]
				c.second(g)
				s, r = g.next(t.Context())
				s.wantExit(r, 0)
				if got := strings.Join(g.ran, " "); got != c.ran {
					t.Errorf("the second go ran %q, want %q", got, c.ran)
				}
				if got := g.holders.starts["step.cut"] - before; got != c.starts {
					t.Errorf("the span was started %d times, want %d", got, c.starts)
				}
				g.holders.check(t)
				g.from = nil
				s, r = g.next(t.Context())
				s.wantExit(r, 0)
				if len(g.ran) != 0 {
					t.Errorf("a third go ran %q, want nothing", g.ran)
				}
				s.wantState(r, "step.one", events.Reused)
			})
		})
	}
}

// Wherever a process dies, the next one ends what it has left, and the run goes
// on to the same end.
func TestResumeSpanAfterEveryRecord(t *testing.T) {
	records := func(t *testing.T) (list []events.Record) {
		bubble(t, func(t *testing.T) {
			g := &spanGoes{goes: goes{t: t, vault: vault{}}, holders: newHolders()}
			_, r := g.next(t.Context())
			if r.Exit != 0 {
				t.Fatalf("exit %d", r.Exit)
			}
			list = g.journal.records
		})
		return list
	}(t)
	for n := 1; n < len(records); n++ {
		bubble(t, func(t *testing.T) {
			h := newHolders()
			run := events.Fold(records[:n])
			for _, s := range run.Spans {
				h.open[s.Address], h.starts[s.Address] = true, 1
			}
			g := &spanGoes{goes: goes{t: t, vault: vault{}}, holders: h}
			g.journal, g.dir = &memoryJournal{records: slices.Clone(records[:n])}, t.TempDir()
			s, r := g.next(t.Context())
			s.wantExit(r, 0)
			h.check(t)
			if len(r.Run.Spans) != 0 {
				t.Errorf("after %d records: %d open spans are left", n, len(r.Run.Spans))
			}
			if len(run.Spans) > 0 && run.Spans[0].Held == nil && h.startedMissing == 0 {
				t.Errorf("after %d records: the end was given %q, want nothing", n, h.started)
			}
			for _, succeeded := range run.Instances {
				if succeeded.State == events.Succeeded && slices.Contains(g.ran, succeeded.Address) {
					t.Errorf("after %d records: %s had succeeded and ran again", n, succeeded.Address)
				}
			}
		})
	}
}

// A run whose span cannot be ended does not go on.
func TestResumeCannotEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &spanGoes{goes: goes{t: t, vault: vault{}}, holders: newHolders()}
		g.journal, g.dir = &memoryJournal{}, t.TempDir()
		for n, e := range []events.Event{
			events.RunStarted{Run: "run-1", Clusters: []events.Cluster{{Name: "db", Backend: "lab"}}},
			events.SpanStarting{Address: "step.old", Type: "gone"},
		} {
			g.journal.records = append(g.journal.records, events.Record{Seq: int64(n) + 1, Event: e})
		}
		s, r := g.next(t.Context())
		s.wantExit(r, 3)
		want := `end step.old, which was left open: this dcosflow has no spans of the type "gone"`
		if r.Run.Ended.Message != want {
			t.Errorf("got %q, want %q", r.Run.Ended.Message, want)
		}
		if len(g.ran) > 0 || len(r.Run.Spans) != 1 || r.Run.Spans[0].Message == "" {
			t.Errorf("%q ran, open spans: %+v", g.ran, r.Run.Spans)
		}
	})
}

// What a dead run left is ended from its journal alone.
func TestOrphans(t *testing.T) {
	key := backends.Key{Run: "run-1", Cluster: "db"}
	spec := backends.Spec{Key: key, Roles: []backends.RoleCount{{Role: "member", Count: 2}}}
	broken := errors.New("broken")
	cases := []struct {
		name    string
		span    events.SpanStarting
		endErr  error
		lost    bool // the backend is not asked for
		ends    int
		message string
		open    int
	}{
		{name: "on a node", span: events.SpanStarting{Cluster: "db", Node: "member-0"}, ends: 1},
		{name: "on a node that is gone", span: events.SpanStarting{Cluster: "db", Node: "member-1"}},
		{name: "without a node", span: events.SpanStarting{}, ends: 1},
		{name: "on another backend", span: events.SpanStarting{Cluster: "db", Node: "member-0"}, lost: true, open: 1},
		{name: "that cannot be ended", span: events.SpanStarting{}, endErr: broken, ends: 1, message: "end it: broken", open: 1},
		{name: "whose configuration was secret", span: events.SpanStarting{Secret: true}, message: "what it was given is secret, and lost", open: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := fake.New(fake.Options{})
			if _, err := b.Allocate(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Create(t.Context(), spec, "member-0"); err != nil {
				t.Fatal(err)
			}
			c.span.Address, c.span.Type = "step.cut", "fault"
			run := &events.Run{}
			run.Apply(events.Record{Event: events.RunStarted{Run: "run-1", Clusters: []events.Cluster{{Name: "db", Backend: "lab"}}}})
			run.Apply(events.Record{Event: c.span})
			h := newHolders()
			end, _ := newSpanPair("step.cut", fault{world: h, endErr: c.endErr}, plan.Span{})
			o := engine.Orphans{
				Run: run, Types: []steps.Type{*end.Type}, Vault: vault{},
				Publish: func(e events.Event) error {
					run.Apply(events.Record{Event: e})
					return nil
				},
			}
			if !c.lost {
				o.Backends = map[string]backends.Backend{"lab": b}
			}
			err := o.End(t.Context())
			if c.message == "" && err != nil || c.message != "" && (err == nil || !strings.Contains(err.Error(), c.message)) {
				t.Errorf("got %v, want %q", err, c.message)
			}
			if h.ends["step.cut"] != c.ends || len(run.Spans) != c.open {
				t.Errorf("ended %d times, %d are open, want %d and %d", h.ends["step.cut"], len(run.Spans), c.ends, c.open)
			}
		})
	}
}
