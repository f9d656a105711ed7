package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

const barrier = dag.ID("barrier")

// stage is a plan made by hand, with the world it runs in. Its tests run in a
// synctest bubble: time is virtual, and a goroutine that is left fails them.
type stage struct {
	t       *testing.T
	plan    *plan.Plan
	backend *world
	options engine.Options
	journal *memoryJournal
}

// world is the fake backend with troubles that the fake does not know.
type world struct {
	*fake.Backend
	prepareErr, allocateErr, deleteErr       error
	prepareTakes, allocateTakes, deleteTakes time.Duration // whatever their contexts say
	// deleteFailsFor is how long after begun it does; 0 means for ever.
	deleteFailsFor time.Duration
	begun          time.Time
}

func (w *world) Prepare(_ context.Context, progress func(string)) error {
	progress("using image debian-12")
	time.Sleep(w.prepareTakes)
	return w.prepareErr
}

func (w *world) Allocate(ctx context.Context, s backends.Spec) ([]backends.Node, error) {
	time.Sleep(w.allocateTakes)
	nodes, err := w.Backend.Allocate(ctx, s)
	return nodes, errors.Join(err, w.allocateErr)
}

func (w *world) Delete(ctx context.Context, k backends.Key) error {
	time.Sleep(w.deleteTakes)
	if w.deleteErr != nil && (w.deleteFailsFor == 0 || time.Since(w.begun) < w.deleteFailsFor) {
		return w.deleteErr
	}
	return w.Backend.Delete(ctx, k)
}

// left lists the clusters that still exist.
func (w *world) left() []string {
	var names []string
	for _, c := range w.Calls() {
		if c.Err != nil {
			continue
		}
		switch c.Op {
		case "allocate":
			names = append(names, c.Path)
		case "delete":
			names = slices.DeleteFunc(names, func(n string) bool { return n == c.Path })
		}
	}
	return names
}

// memoryJournal keeps records, and fails when it is full.
type memoryJournal struct {
	mu       sync.Mutex
	records  []events.Record
	capacity int
}

var errDiskFull = errors.New("no space left on device")

func (j *memoryJournal) Write(r events.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.capacity > 0 && len(j.records) == j.capacity {
		return errDiskFull
	}
	j.records = append(j.records, r)
	return nil
}

// newStage is a workflow with the cluster db of three members, which nothing
// provisions yet.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, journal: &memoryJournal{}, backend: &world{Backend: fake.New(fake.Options{}), begun: time.Now()}}
	fakeType := fake.Type()
	s.plan = &plan.Plan{
		Name: "test", Run: plan.Run{ID: "run-1", Seed: 7, Dir: t.TempDir()},
		Graph:    dag.New[*plan.Instance](),
		Backends: []plan.Backend{{Name: "lab", Type: &fakeType}},
		Clusters: []plan.Cluster{{Name: "db", Backend: "lab", Roles: []backends.RoleCount{{Role: "member", Count: 3}}}},
	}
	s.options = engine.Options{
		Plan: s.plan, Sinks: []events.Sink{s.journal},
		Secrets:  func() []string { return nil },
		Backends: func(plan.Backend) (backends.Backend, error) { return s.backend, nil },
	}
	s.add(&plan.Instance{ID: barrier, Kind: plan.Barrier}, dag.Traits{})
	return s
}

func (s *stage) add(i *plan.Instance, traits dag.Traits, after ...dag.ID) {
	s.t.Helper()
	errs := []error{s.plan.Graph.Add(i.ID, i, traits)}
	for _, on := range after {
		errs = append(errs, s.plan.Graph.DependOn(i.ID, on, dag.Succeeded))
	}
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
}

// work is what a step does.
type work func(ctx context.Context, env steps.Env) (cty.Value, error)

func (w work) Run(ctx context.Context, env steps.Env) (cty.Value, error) { return w(ctx, env) }

// do makes an ordinary instance that does w.
func do(id dag.ID, w work) *plan.Instance {
	return &plan.Instance{
		ID: id, When: plan.OnSuccess,
		Type: &steps.Type{
			Name:    "do",
			Outputs: []schema.Output{{Name: "stdout", Type: cty.String}, {Name: "token", Type: cty.String, Sensitive: true}},
			New:     func(cty.Value) (steps.Step, error) { return w, nil },
		},
		Configure: func(plan.Facts) (cty.Value, error) { return cty.EmptyObjectVal, nil },
		Refuse: func(argument string, err error) error {
			return &plan.Error{Err: err, Diags: hcl.Diagnostics{{
				Summary: argument, Detail: err.Error(), Subject: &hcl.Range{Filename: "main.hcl", Start: hcl.Pos{Line: 7}},
			}}}
		},
	}
}

// step adds a main instance.
func (s *stage) step(id dag.ID, w work, after ...dag.ID) *plan.Instance {
	i := do(id, w)
	s.main(i, dag.Traits{Weight: 1}, after...)
	return i
}

func (s *stage) main(i *plan.Instance, traits dag.Traits, after ...dag.ID) {
	s.add(i, traits, after...)
	if err := s.plan.Graph.DependOn(barrier, i.ID, dag.Settled); err != nil {
		s.t.Fatal(err)
	}
}

// finally adds a finaliser.
func (s *stage) finally(id dag.ID, when plan.When, w work) *plan.Instance {
	i := do(id, w)
	i.When = when
	s.add(i, dag.Traits{Weight: 1, Final: true})
	if err := s.plan.Graph.DependOn(id, barrier, dag.Settled); err != nil {
		s.t.Fatal(err)
	}
	return i
}

// provision adds the creation of a node.
func (s *stage) provision(node string, after ...dag.ID) dag.ID {
	id := dag.ID(`step.nodes["` + node + `"]`)
	i := s.step(id, func(ctx context.Context, env steps.Env) (cty.Value, error) {
		_, err := env.Machines.Provision(ctx, "db", node)
		return cty.NilVal, err
	}, after...)
	i.Cluster, i.Node, i.Type.Role, i.Type.Name = "db", node, steps.Provisions, "provision"
	return id
}

// destroy adds the removal of the cluster.
func (s *stage) destroy() {
	i := s.finally("step.destroy", plan.Always, func(ctx context.Context, env steps.Env) (cty.Value, error) {
		return cty.NilVal, env.Machines.Destroy(ctx, "db")
	})
	i.Subject, i.Type.Role, i.Type.Name = "db", steps.Destroys, "destroy"
}

// run runs the plan and checks what every run must fulfil.
func (s *stage) run(ctx context.Context) engine.Result {
	s.t.Helper()
	result, err := engine.Run(ctx, s.options)
	if err != nil {
		s.t.Errorf("Run: unexpected error %v", err)
	}
	if s.journal.capacity == 0 {
		last := s.journal.records[len(s.journal.records)-1]
		ended, ok := last.Event.(events.RunEnded)
		if !ok || ended.Exit != result.Exit {
			s.t.Errorf("the last event is %+v, want the end with exit %d", last.Event, result.Exit)
		}
	}
	return result
}

func (s *stage) wantExit(r engine.Result, want int) {
	s.t.Helper()
	if r.Exit != want {
		s.t.Errorf("exit code: got %d (%s), want %d", r.Exit, r.Run.Ended.Message, want)
	}
}

func (s *stage) wantState(r engine.Result, address string, want events.State) *events.Instance {
	s.t.Helper()
	i := r.Run.Instance(address)
	if i == nil {
		s.t.Fatalf("%s: there is no event, want it %s", address, want)
	}
	if i.State != want {
		s.t.Errorf("%s: got %q (%s), want %q", address, i.State, i.Reason, want)
	}
	return i
}

func (s *stage) wantLeft(want ...string) {
	s.t.Helper()
	if got := s.backend.left(); !slices.Equal(got, want) {
		s.t.Errorf("clusters left: got %q, want %q", got, want)
	}
}

func succeed(context.Context, steps.Env) (cty.Value, error) { return cty.NilVal, nil }

func fail(err error) work {
	return func(context.Context, steps.Env) (cty.Value, error) { return cty.NilVal, err }
}

// sleep waits, and ends with the context like a command.
func sleep(d time.Duration) work {
	return func(ctx context.Context, _ steps.Env) (cty.Value, error) {
		select {
		case <-time.After(d):
			return cty.NilVal, nil
		case <-ctx.Done():
			return cty.NilVal, context.Cause(ctx)
		}
	}
}

func exitError(code int) error {
	return &backends.ExitError{Node: "member-0", Args: []string{"etcdctl", "get"}, Code: code}
}

// bubble runs a test with virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
