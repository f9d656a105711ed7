package genconf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/dcos"
	"github.com/dcosflow/dcosflow/steps/genconf"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

// machines shares a directory of the test.
type machines struct {
	stepstest.Machines
	host string
}

func (m machines) Share(string) (backends.Share, error) {
	return backends.Share{Host: m.host, Node: "/srv/dcosflow"}, nil
}

// program is an installer that answers --version and does body for --genconf.
const program = `#!/bin/bash
# variant: None
echo "$*" >>calls
case "$*" in
--version) echo dcos-genconf.aa-bb.tar; echo '{"variant": "", "version": "2.2.9"}' ;;
*--genconf) %BODY% ;;
esac
exit 0
#EOF#
`

func cluster() cty.Value {
	node := func(name, role, ip string) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{
			"name": cty.StringVal(name), "role": cty.StringVal(role), "index": cty.NumberIntVal(0), "ip": cty.StringVal(ip),
			"public_ip": cty.StringVal(ip), "hostname": cty.StringVal(name), "cluster": cty.StringVal("dcos"),
		})
	}
	m, a := node("master-0", "master", "10.0.0.2"), node("agent-0", "agent", "10.0.0.3")
	return cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal("dcos"), "nodes": cty.ListVal([]cty.Value{m, a}),
		"master": cty.ListVal([]cty.Value{m}), "agent": cty.ListVal([]cty.Value{a}),
	})
}

// configure runs the step with the installer and returns where it worked.
func configure(t *testing.T, installer string, config cty.Value) (cty.Value, string, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "dcos_generate_config.sh")
	if err := os.WriteFile(path, []byte(installer), 0o755); err != nil {
		t.Fatal(err)
	}
	typ := genconf.Type()
	w := stepstest.NewWorld(local.Transport{}, nil)
	w.Env.Address, w.Env.Machines = `step.bundle["from"]`, machines{host: dir}
	s, err := typ.New(stepstest.Config(t, &typ.Schema, stepstest.Args{"cluster": cluster(), "installer": path, "config": config}))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), w.Env)
	return out, filepath.Join(dir, "bundle-from"), err
}

func TestBundle(t *testing.T) {
	out, dir, err := configure(t, strings.Replace(program, "%BODY%", "sh genconf/ip-detect >/dev/null; touch genconf/serve/made", 1),
		cty.ObjectVal(map[string]cty.Value{"cluster_name": cty.StringVal("mine")}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"url": "file:///srv/dcosflow/bundle-from/genconf/serve", "version": "2.2.9", "variant": "open", "dir": dir}
	for name, text := range want {
		if got := out.GetAttr(name).AsString(); got != text {
			t.Errorf("%s: got %q, want %q", name, got, text)
		}
	}
	if typ := schema.OutputType(dcos.Bundle()); !out.Type().Equals(typ) {
		t.Errorf("outputs: got %#v, want %#v", out.Type(), typ)
	}
	config, err := os.ReadFile(filepath.Join(dir, "genconf/config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`"mine"`, `"10.0.0.2"`, `"10.0.0.3"`, want["url"]} {
		if !strings.Contains(string(config), text) {
			t.Errorf("config.yaml lacks %s:\n%s", text, config)
		}
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || string(calls) != "--version\n-v --genconf\n" {
		t.Errorf("calls: got %q, %v, want the version once and genconf once", calls, err)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, installer, argument, want string }{
		{"no installer", "#!/bin/sh\n", "installer", "no DC/OS installer"},
		{"bad configuration", strings.Replace(program, "%BODY%", `echo "num_masters: Must have 1, 3" >&2; exit 1`, 1), "config", "num_masters: Must have 1, 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := configure(t, tt.installer, cty.NullVal(cty.DynamicPseudoType))
			var refused *steps.ArgumentError
			if !errors.As(err, &refused) || refused.Argument != tt.argument {
				t.Fatalf("got %v, want an error of the argument %q", err, tt.argument)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
		})
	}
}
