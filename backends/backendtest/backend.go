package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
)

// TestBackend checks the contract of a backend. setup gives it and a spec of at
// least two nodes whose run no other test uses; it may be called several
// times. The suite deletes whatever the run has.
func TestBackend(t *testing.T, setup func() (backends.Backend, backends.Spec)) {
	t.Run("life of a cluster", func(t *testing.T) { testLife(t, setup) })
	t.Run("two clusters", func(t *testing.T) { testTwoClusters(t, setup) })
	t.Run("stopped creation", func(t *testing.T) { testStoppedCreation(t, setup) })
}

// begin prepares a backend and promises to delete the run.
func begin(t *testing.T, setup func() (backends.Backend, backends.Spec)) (backends.Backend, backends.Spec) {
	t.Helper()
	b, spec := setup()
	if p, ok := b.(backends.Preparer); ok {
		if err := p.Prepare(t.Context(), func(line string) { t.Log(line) }); err != nil {
			t.Fatalf("prepare: %v", err)
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Delete(ctx, backends.Key{Run: spec.Run}); err != nil {
			t.Errorf("delete run %s: got %v, want success", spec.Run, err)
		}
	})
	return b, spec
}

func testLife(t *testing.T, setup func() (backends.Backend, backends.Spec)) {
	b, spec := begin(t, setup)
	allocated := allocate(t, b, spec)
	wantSpec(t, allocated, spec)
	if again := allocate(t, b, spec); !slices.Equal(again, allocated) {
		t.Errorf("allocated again:\n got %v\nwant %v", again, allocated)
	}
	wantNodes(t, b, spec.Key)

	created := createAll(t, b, spec, allocated)
	wantSame(t, created, allocated)
	wantNodes(t, b, spec.Key, allocated...)
	for _, n := range created {
		dir := scratch(t, n.Transport, Options{})
		mustPut(t, n.Transport, []entry{{name: "file", mode: 0o644, data: n.Name}}, dir)
		wantEntries(t, n.Transport, dir+"/file", []entry{{"file", 0o644, "", n.Name}})
	}

	again, err := b.Create(t.Context(), spec, created[0].Name)
	if err != nil || again.Node.ID != created[0].ID {
		t.Errorf("create %s again: got id %q, %v, want id %q", created[0].Name, again.Node.ID, err, created[0].ID)
	}
	if _, err := b.Create(t.Context(), spec, "no-such-node"); err == nil {
		t.Error("create a node that the spec does not have: got success, want an error")
	}
	wantDiscard(t, b, spec, allocated)
	wantRemnant(t, b, spec, len(allocated))
	wantGone(t, b, spec)
}

// wantDiscard removes one node alone and makes it anew, on backends that can.
func wantDiscard(t *testing.T, b backends.Backend, spec backends.Spec, nodes []backends.Node) {
	t.Helper()
	d, ok := b.(backends.Discarder)
	if !ok {
		return
	}
	for range 2 { // gone already is no error
		if err := d.Discard(t.Context(), spec.Key, nodes[0].Name); err != nil {
			t.Errorf("discard %s: got %v, want success", nodes[0].Name, err)
		}
	}
	wantNodes(t, b, spec.Key, nodes[1:]...)
	boot, err := b.Create(t.Context(), spec, nodes[0].Name)
	if err != nil || boot.Node.Private != nodes[0].Private {
		t.Errorf("create %s anew: got %s, %v, want the address %s", nodes[0].Name, describe(boot.Node), err, nodes[0].Private)
	}
	wantNodes(t, b, spec.Key, nodes...)
}

func allocate(t *testing.T, b backends.Backend, spec backends.Spec) []backends.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	nodes, err := b.Allocate(ctx, spec)
	if err != nil {
		t.Fatalf("allocate: %v", err)
	}
	return nodes
}

// wantSpec checks that the nodes are those of the spec, in order.
func wantSpec(t *testing.T, nodes []backends.Node, spec backends.Spec) {
	t.Helper()
	addresses := map[string]string{}
	i := 0
	for _, rc := range spec.Roles {
		for index := range rc.Count {
			if i >= len(nodes) {
				t.Fatalf("got %d nodes, want those of %v", len(nodes), spec.Roles)
			}
			n := nodes[i]
			i++
			if n.Role != rc.Role || n.Index != index || n.Cluster != spec.Cluster {
				t.Errorf("node %d: got %s, want %s-%d of %s", i-1, describe(n), rc.Role, index, spec.Cluster)
			}
			if n.Name == "" || n.Hostname == "" || !n.Private.IsValid() || n.Transport != nil {
				t.Errorf("node %d: got %s, transport %v, want name, host name, address, and no transport", i-1, describe(n), n.Transport)
			}
			if other, taken := addresses[n.Private.String()]; taken {
				t.Errorf("%s and %s share the address %s", other, n.Name, n.Private)
			}
			addresses[n.Private.String()] = n.Name
		}
	}
	if i != len(nodes) {
		t.Errorf("got %d nodes, want %d", len(nodes), i)
	}
}

func describe(n backends.Node) string {
	return fmt.Sprintf("%s (role %s, index %d, cluster %s, host %s, %s)", n.Name, n.Role, n.Index, n.Cluster, n.Hostname, n.Private)
}

// createAll creates the nodes side by side.
func createAll(t *testing.T, b backends.Backend, spec backends.Spec, nodes []backends.Node) []backends.Node {
	t.Helper()
	created := make([]backends.Node, len(nodes))
	g, ctx := errgroup.WithContext(t.Context())
	for i, n := range nodes {
		g.Go(func() error {
			boot, err := b.Create(ctx, spec, n.Name)
			if err != nil {
				return fmt.Errorf("create %s: %w", n.Name, err)
			}
			if boot.State != "running" && boot.State != "degraded" {
				return fmt.Errorf("create %s: got state %q, want running or degraded", n.Name, boot.State)
			}
			if (boot.State == "degraded") != (len(boot.FailedUnits) > 0) {
				return fmt.Errorf("create %s: got state %q with failed units %q", n.Name, boot.State, boot.FailedUnits)
			}
			created[i] = boot.Node
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return created
}

// wantSame checks that existing nodes are the wanted ones and can be reached.
func wantSame(t *testing.T, got, want []backends.Node) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d nodes, want %d", len(got), len(want))
	}
	for i := range got {
		if describe(got[i]) != describe(want[i]) {
			t.Errorf("node %d: got %s, want %s", i, describe(got[i]), describe(want[i]))
		}
		if got[i].Transport == nil || got[i].ID == "" {
			t.Errorf("%s: got id %q, transport %v, want both", got[i].Name, got[i].ID, got[i].Transport)
		}
	}
}

func wantNodes(t *testing.T, b backends.Backend, key backends.Key, want ...backends.Node) {
	t.Helper()
	got, err := b.Nodes(t.Context(), key)
	if err != nil {
		t.Fatalf("nodes of %v: %v", key, err)
	}
	wantSame(t, got, want)
}

func remnant(t *testing.T, b backends.Backend, run string) (backends.Remnant, bool) {
	t.Helper()
	s, ok := b.(backends.Sweeper)
	if !ok {
		return backends.Remnant{}, false
	}
	all, err := s.Remnants(t.Context())
	if err != nil {
		t.Fatalf("remnants: %v", err)
	}
	if !slices.IsSortedFunc(all, func(a, b backends.Remnant) int { return strings.Compare(a.Run, b.Run) }) {
		t.Errorf("remnants: got %v, want them sorted by run", all)
	}
	i := slices.IndexFunc(all, func(r backends.Remnant) bool { return r.Run == run })
	if i < 0 {
		return backends.Remnant{}, false
	}
	return all[i], true
}

func wantRemnant(t *testing.T, b backends.Backend, spec backends.Spec, containers int) {
	t.Helper()
	if _, ok := b.(backends.Sweeper); !ok {
		return
	}
	r, found := remnant(t, b, spec.Run)
	if !found || r.Owner != spec.Owner || r.Dir != spec.Dir || r.Containers != containers {
		t.Errorf("remnant of %s: got %+v, want owner %+v, dir %q, %d containers", spec.Run, r, spec.Owner, spec.Dir, containers)
	}
}

// wantGone deletes the run, twice, and checks that nothing is left of it.
func wantGone(t *testing.T, b backends.Backend, spec backends.Spec) {
	t.Helper()
	for range 2 {
		if err := b.Delete(t.Context(), backends.Key{Run: spec.Run}); err != nil {
			t.Errorf("delete run %s: got %v, want success", spec.Run, err)
		}
	}
	wantNodes(t, b, backends.Key{Run: spec.Run})
	if r, found := remnant(t, b, spec.Run); found {
		t.Errorf("after delete: got %+v, want nothing left", r)
	}
}

func testTwoClusters(t *testing.T, setup func() (backends.Backend, backends.Spec)) {
	b, spec := begin(t, setup)
	spec.Roles = []backends.RoleCount{{Role: spec.Roles[0].Role, Count: 1}}
	other := spec
	other.Cluster += "-other"
	one := createAll(t, b, spec, allocate(t, b, spec))
	two := createAll(t, b, other, allocate(t, b, other))
	if one[0].Private == two[0].Private {
		t.Errorf("nodes of two clusters share the address %s", one[0].Private)
	}
	wantNodes(t, b, spec.Key, one...)
	all, err := b.Nodes(t.Context(), backends.Key{Run: spec.Run})
	if err != nil || len(all) != 2 {
		t.Errorf("nodes of the run: got %v, %v, want 2", all, err)
	}
	if err := b.Delete(t.Context(), spec.Key); err != nil {
		t.Errorf("delete %v: got %v, want success", spec.Key, err)
	}
	wantNodes(t, b, spec.Key)
	wantNodes(t, b, other.Key, two...)
	wantGone(t, b, spec)
}

func testStoppedCreation(t *testing.T, setup func() (backends.Backend, backends.Spec)) {
	b, spec := begin(t, setup)
	nodes := allocate(t, b, spec)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errStop)
	if _, err := b.Create(ctx, spec, nodes[0].Name); !errors.Is(err, errStop) {
		t.Errorf("create: got %v, want the cause %v", err, errStop)
	}
	wantGone(t, b, spec)
}
