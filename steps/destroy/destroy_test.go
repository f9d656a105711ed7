package destroy_test

import (
	"context"
	"errors"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps/destroy"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

type machines struct {
	stepstest.Machines
	destroyed *[]string
	err       error
}

func (m machines) Destroy(_ context.Context, cluster string) error {
	*m.destroyed = append(*m.destroyed, cluster)
	return m.err
}

func TestDestroy(t *testing.T) {
	typ := destroy.Type()
	for _, want := range []error{nil, errors.New("network in use")} {
		cluster := cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("web"), "nodes": cty.EmptyTupleVal})
		s, err := typ.New(stepstest.Config(t, &typ.Schema, stepstest.Args{"cluster": cluster}))
		if err != nil {
			t.Fatalf("new: %v", err)
		}
		var destroyed []string
		w := stepstest.NewWorld(local.Transport{}, nil)
		w.Env.Machines = machines{destroyed: &destroyed, err: want}
		out, err := s.Run(t.Context(), w.Env)
		if !errors.Is(err, want) || len(destroyed) != 1 || destroyed[0] != "web" || !out.RawEquals(cty.EmptyObjectVal) {
			t.Errorf("got %#v, %v, destroyed %q, want an empty object, %v, [web]", out, err, destroyed, want)
		}
	}
}

func TestNoCluster(t *testing.T) {
	typ := destroy.Type()
	_, err := typ.New(stepstest.Config(t, &typ.Schema, stepstest.Args{"cluster": cty.StringVal("web")}))
	if want := "cluster is string, not a cluster such as cluster.web"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
