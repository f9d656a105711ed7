package provision_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/provision"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

type machines struct {
	stepstest.Machines
	boot func(cluster, node string) (backends.Boot, error)
}

func (m machines) Provision(_ context.Context, cluster, node string) (backends.Boot, error) {
	return m.boot(cluster, node)
}

func do(t *testing.T, boot func(cluster, node string) (backends.Boot, error)) (cty.Value, *stepstest.World, error) {
	t.Helper()
	typ := provision.Type()
	w := stepstest.NewWorld(local.Transport{}, stepstest.Node("box-1", nil))
	w.Env.Machines = machines{boot: boot}
	s, err := typ.New(stepstest.Config(t, &typ.Schema, stepstest.Args{}))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	out, err := s.Run(t.Context(), w.Env)
	return out, w, err
}

func TestProvision(t *testing.T) {
	out, w, err := do(t, func(cluster, node string) (backends.Boot, error) {
		n := backends.Node{Name: node, Cluster: cluster, Private: netip.MustParseAddr("10.0.0.3")}
		return backends.Boot{Node: n, State: "degraded", FailedUnits: []string{"a.service"}, Took: 1500 * time.Millisecond}, nil
	})
	want := cty.ObjectVal(map[string]cty.Value{
		"ip": cty.StringVal("10.0.0.3"), "public_ip": cty.NullVal(cty.String), "state": cty.StringVal("degraded"),
		"failed_units": cty.ListVal([]cty.Value{cty.StringVal("a.service")}), "duration": cty.NumberFloatVal(1.5),
	})
	if err != nil || !out.RawEquals(want) {
		t.Errorf("got %#v, %v, want %#v", out, err, want)
	}
	if len(w.Progress) != 1 || w.Progress[0] != "box-1 is degraded: [a.service] failed" {
		t.Errorf("progress: got %q, want a line about the failed unit", w.Progress)
	}
}

func TestTrouble(t *testing.T) {
	full := &backends.TroubleError{Op: "create node", Err: errors.New("disk full")}
	_, _, err := do(t, func(string, string) (backends.Boot, error) { return backends.Boot{}, full })
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

func TestTraits(t *testing.T) {
	typ := provision.Type()
	if typ.Placement != steps.EachNode || typ.Role != steps.Provisions {
		t.Errorf("got placement %v, role %v, want EachNode, Provisions", typ.Placement, typ.Role)
	}
}
