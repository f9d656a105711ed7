package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

var textSchema = schema.Block{Attributes: []schema.Attribute{{Name: "text", Type: cty.String}}}

// vault remembers in memory.
type vault map[string]json.RawMessage

func (v vault) Key() []byte { return []byte("key") }

func (v vault) Output(address string) (json.RawMessage, bool) {
	raw, ok := v[address]
	return raw, ok
}

func (v vault) KeepOutput(address string, raw json.RawMessage) error {
	v[address] = raw
	return nil
}

func (v vault) KeepVariables(map[string]json.RawMessage) error { return nil }

// goes is a workflow that is run, and run again in the world that it left.
type goes struct {
	t       *testing.T
	journal *memoryJournal
	vault   vault
	world   *world
	dir     string
	// ran lists the steps that worked in this go.
	mu  sync.Mutex
	ran []string
	// from are those to force.
	from []string
	// argument is that of step.middle; broken fails step.last.
	argument string
	broken   bool
}

// stage is the workflow: a node, first → middle → last on it, and side alone.
func (g *goes) stage() *stage {
	s := newStage(g.t)
	if g.world == nil {
		g.world, g.journal, g.dir = s.backend, s.journal, s.plan.Run.Dir
	}
	s.backend, s.journal, s.plan.Run.Dir = g.world, g.journal, g.dir
	s.options.Backends = func(plan.Backend) (backends.Backend, error) { return g.world, nil }
	s.options.Sinks = []events.Sink{s.journal}
	s.options.Vault, s.options.Keep = g.vault, engine.KeepAlways
	node := s.provision("member-0")
	first := s.step("step.first", g.work(func(env steps.Env) (cty.Value, error) {
		return cty.ObjectVal(map[string]cty.Value{"stdout": cty.StringVal("one"), "token": cty.StringVal("geheim")}), nil
	}), node)
	first.Cluster, first.Node = "db", "member-0"
	middle := s.step("step.middle", g.work(nil), "step.first")
	middle.Type.Schema = textSchema
	middle.Configure = func(f plan.Facts) (cty.Value, error) {
		out, _ := f.Output("step.first")
		text := out.GetAttr("token").AsString() + g.argument
		return cty.ObjectVal(map[string]cty.Value{"text": cty.StringVal(text)}), nil
	}
	s.step("step.last", g.work(func(steps.Env) (cty.Value, error) {
		if g.broken {
			return cty.NilVal, errors.New("broken")
		}
		return cty.NilVal, nil
	}), "step.middle")
	s.step("step.side", g.work(nil))
	s.step("step.off", g.work(nil)).Enabled = func(plan.Facts) (bool, error) { return false, nil }
	s.step("step.after", g.work(nil), "step.off")
	s.finally("step.bye", plan.Always, g.work(nil))
	s.destroy()
	return s
}

func (g *goes) work(do func(steps.Env) (cty.Value, error)) work {
	return func(_ context.Context, env steps.Env) (cty.Value, error) {
		g.mu.Lock()
		g.ran = append(g.ran, env.Address)
		g.mu.Unlock()
		if do == nil {
			return cty.NilVal, nil
		}
		return do(env)
	}
}

// next runs or resumes and returns what worked, sorted.
func (g *goes) next() (engine.Result, []string) {
	g.t.Helper()
	g.ran = nil
	s := g.stage()
	if records := g.journal.records; len(records) > 0 {
		s.options.Resume = &engine.Resume{Run: events.Fold(records), From: g.from}
	}
	r := s.run(g.t.Context())
	slices.Sort(g.ran)
	return r, g.ran
}

func TestResume(t *testing.T) {
	cases := []struct {
		name   string
		change func(g *goes)
		want   []string
		again  string // a reason that is given
	}{
		{"nothing has changed", func(*goes) {}, []string{"step.bye", "step.last"}, "step.last: it failed"},
		{"an argument", func(g *goes) { g.argument = "!" }, []string{"step.bye", "step.last", "step.middle"}, "step.middle: its arguments"},
		{"forced", func(g *goes) { g.from = []string{"step.first"} }, []string{"step.bye", "step.first", "step.last", "step.middle"}, "step.first: --from"},
		{
			"the node is gone", func(g *goes) {
				if err := g.world.Discard(g.t.Context(), backends.Key{Run: "run-1", Cluster: "db"}, "member-0"); err != nil {
					g.t.Fatal(err)
				}
			},
			[]string{"step.bye", "step.first", "step.last", "step.middle"}, `step.nodes["member-0"]: member-0 is gone`,
		},
		{"the secrets are lost", func(g *goes) { delete(g.vault, "step.first") }, []string{"step.bye", "step.first", "step.last", "step.middle"}, "step.first: its sensitive outputs are lost"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				g := &goes{t: t, vault: vault{}, broken: true}
				if r, ran := g.next(); r.Exit != 1 || len(ran) != 6 {
					t.Fatalf("first go: got exit %d after %q", r.Exit, ran)
				}
				g.broken = false
				c.change(g)
				r, ran := g.next()
				if r.Exit != 0 || !slices.Equal(ran, c.want) {
					t.Errorf("resumed: got exit %d after %q, want 0 after %q", r.Exit, ran, c.want)
				}
				if reasons := g.reasons(); !strings.Contains(reasons, c.again) {
					t.Errorf("reasons: got %q, want %q", reasons, c.again)
				}
				for n, rec := range g.journal.records {
					if rec.Seq != int64(n)+1 {
						t.Fatalf("record %d has the number %d", n+1, rec.Seq)
					}
				}
			})
		})
	}
}

// reasons are those of the last go.
func (g *goes) reasons() string {
	var all []string
	for _, rec := range g.journal.records {
		if e, ok := rec.Event.(events.ResumePlanned); ok {
			all = nil
			for _, again := range e.Again {
				all = append(all, again.Address+": "+again.Reason)
			}
		}
	}
	return strings.Join(all, "; ")
}

// Cut after any record, a run goes on: what had succeeded in the journal does
// not work again, and the journal never holds the secret.
func TestResumeAfterEveryRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		whole := &goes{t: t, vault: vault{}}
		whole.next()
		for cut := 1; cut < len(whole.journal.records); cut++ {
			g := &goes{t: t, vault: vault{}}
			g.next()
			g.journal.records = g.journal.records[:cut:cut]
			before := events.Fold(g.journal.records)
			r, ran := g.next()
			if r.Exit != 0 {
				t.Errorf("cut after %d: got exit %d", cut, r.Exit)
			}
			for _, address := range ran {
				if i := before.Instance(address); i != nil && i.State == events.Succeeded && !i.Finaliser {
					t.Errorf("cut after %d: %s had succeeded and worked again", cut, address)
				}
			}
			text, err := json.Marshal(g.journal.records)
			if err != nil || strings.Contains(string(text), "geheim") {
				t.Fatalf("cut after %d: the secret is in the journal (%v)", cut, err)
			}
		}
	})
}

// A fan-out whose keys are known only at run time is reused key by key.
func TestResumeExpander(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &goes{t: t, vault: vault{}}
		keys := []string{"a", "b"}
		next := func() []string {
			g.ran = nil
			s := g.stage()
			s.step("step.seed", g.work(nil))
			expander := &plan.Instance{ID: "step.late[*]", Kind: plan.Expander, When: plan.OnSuccess}
			expander.Expand = func(plan.Facts) (dag.Expansion[*plan.Instance], error) {
				var x dag.Expansion[*plan.Instance]
				for _, key := range keys {
					id := dag.ID(`step.late["` + key + `"]`)
					x.Vertices = append(x.Vertices, dag.Vertex[*plan.Instance]{ID: id, Value: do(id, g.work(nil))})
					x.Edges = append(x.Edges, dag.Edge{From: id, To: "step.late[*]"}, dag.Edge{From: "step.late", To: id})
				}
				return x, nil
			}
			s.main(expander, dag.Traits{}, "step.seed")
			s.main(&plan.Instance{ID: "step.late", Kind: plan.Join, When: plan.OnSuccess}, dag.Traits{}, "step.late[*]")
			s.step("step.all", g.work(nil), "step.late")
			if records := g.journal.records; len(records) > 0 {
				s.options.Resume = &engine.Resume{Run: events.Fold(records)}
			}
			s.wantExit(s.run(t.Context()), 0)
			slices.Sort(g.ran)
			return g.ran
		}
		next()
		if got, want := next(), []string{"step.bye"}; !slices.Equal(got, want) {
			t.Errorf("with the same keys: got %q, want %q", got, want)
		}
		keys = append(keys, "c")
		if got, want := next(), []string{"step.all", "step.bye", `step.late["c"]`}; !slices.Equal(got, want) {
			t.Errorf("with one more key: got %q, want %q", got, want)
		}
	})
}
