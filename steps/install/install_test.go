package install_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/install"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

func bundle(url string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"url": cty.StringVal(url), "version": cty.StringVal("2.2.9"), "variant": cty.StringVal("open"),
		"installer": cty.StringVal("/i.sh"), "dir": cty.StringVal("/d"),
	})
}

func do(t *testing.T, role backends.Role, args stepstest.Args, scripts ...fake.Script) (cty.Value, [][]string, error) {
	t.Helper()
	tr, calls := fake.NewTransport("n", scripts...)
	node := stepstest.Node("n", tr)
	node.Role = role
	typ := install.Type()
	s, err := typ.New(stepstest.Config(t, &typ.Schema, args))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), stepstest.NewWorld(local.Transport{}, node).Env)
	var ran [][]string
	for _, c := range calls() {
		ran = append(ran, c.Command.Args)
	}
	return out, ran, err
}

func TestRoles(t *testing.T) {
	for role, word := range map[backends.Role]string{"master": "master", "agent": "slave", "public_agent": "slave_public"} {
		out, ran, err := do(t, role, stepstest.Args{"bundle": bundle("file:///srv/b")}, fake.Script{})
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"/bin/bash", "/srv/b/dcos_install.sh", "--no-block-dcos-setup", word}}
		if diff := cmp.Diff(want, ran); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
		if got := out.GetAttr("role").AsString(); got != word {
			t.Errorf("role: got %q, want %q", got, word)
		}
	}
}

func TestFailures(t *testing.T) {
	var argument *steps.ArgumentError
	if _, ran, err := do(t, "member", stepstest.Args{"bundle": bundle("file:///srv/b")}); !errors.As(err, &argument) || argument.Argument != "role" || ran != nil {
		t.Errorf("a role that DC/OS has not: got %v after %v, want an error of the argument role and no call", err, ran)
	}
	if _, _, err := do(t, "master", stepstest.Args{"bundle": bundle("http://x")}); !errors.As(err, &argument) || argument.Argument != "bundle" {
		t.Errorf("a URL that is no file: got %v, want an error of the argument bundle", err)
	}
	var exit *backends.ExitError
	if _, _, err := do(t, "master", stepstest.Args{"bundle": bundle("file:///srv/b")}, fake.Script{Code: 3, Stderr: "preflight\n"}); !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("a failing script: got %v, want its exit code", err)
	}
}
