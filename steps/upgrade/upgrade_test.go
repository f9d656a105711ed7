package upgrade_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/stepstest"
	"github.com/dcosflow/dcosflow/steps/upgrade"
)

// bundle is that of an installer which counts its calls.
func bundle(t *testing.T) cty.Value {
	t.Helper()
	dir := t.TempDir()
	installer := filepath.Join(dir, "dcos_generate_config.sh")
	text := "echo \"$*\" >>calls; sleep 0.05; echo 'Node upgrade script URL: file:///srv/b/upgrade/ab/dcos_node_upgrade.sh'\n"
	if err := os.WriteFile(installer, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"url": cty.StringVal("file:///srv/b"), "version": cty.StringVal("2.2.9"), "variant": cty.StringVal("open"),
		"installer": cty.StringVal(installer), "dir": cty.StringVal(dir),
	})
}

// node has version 1.13.9 until the upgrade script ran, then another.
func node(after string) []fake.Script {
	file := func(v string) string { return fmt.Sprintf(`{"version": %q}`, v) }
	return []fake.Script{
		{Command: fake.CommandPattern("cat .*dcos-version.json"), Times: 1, Stdout: file("1.13.9")},
		{Command: fake.CommandPattern("/bin/bash /srv/b/upgrade/ab/dcos_node_upgrade.sh")},
		{Command: fake.CommandPattern("cat .*dcos-version.json"), Stdout: file(after)},
	}
}

func do(t *testing.T, args stepstest.Args, scripts []fake.Script) (cty.Value, []fake.Call, error) {
	t.Helper()
	tr, calls := fake.NewTransport("n", scripts...)
	typ := upgrade.Type()
	s, err := typ.New(stepstest.Config(t, &typ.Schema, args))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), stepstest.NewWorld(local.Transport{}, stepstest.Node("n", tr)).Env)
	return out, calls(), err
}

func TestUpgrade(t *testing.T) {
	out, _, err := do(t, stepstest.Args{"bundle": bundle(t)}, node("2.2.9"))
	if err != nil {
		t.Fatal(err)
	}
	if from, to := out.GetAttr("from").AsString(), out.GetAttr("version").AsString(); from != "1.13.9" || to != "2.2.9" {
		t.Errorf("got from %q to %q, want 1.13.9 to 2.2.9", from, to)
	}
}

func TestOneScriptForAllNodes(t *testing.T) {
	b := bundle(t)
	var g errgroup.Group
	for range 6 {
		g.Go(func() error {
			_, _, err := do(t, stepstest.Args{"bundle": b}, node("2.2.9"))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	calls, err := os.ReadFile(filepath.Join(b.GetAttr("dir").AsString(), "calls"))
	if want := "-v --generate-node-upgrade-script 1.13.9\n"; err != nil || string(calls) != want {
		t.Errorf("calls of the installer: got %q, %v, want %q", calls, err, want)
	}
}

func TestWrongCurrentVersion(t *testing.T) {
	_, calls, err := do(t, stepstest.Args{"bundle": bundle(t), "from": "1.12.0"}, node("2.2.9"))
	var argument *steps.ArgumentError
	if !errors.As(err, &argument) || argument.Argument != "from" {
		t.Fatalf("got %v, want an error of the argument from", err)
	}
	if text := err.Error(); !strings.Contains(text, "1.13.9") || !strings.Contains(text, "1.12.0") {
		t.Errorf("got %q, want both versions in it", text)
	}
	if len(calls) != 1 {
		t.Errorf("got calls %v, want only the look at the version", calls)
	}
}

func TestVersionUnchanged(t *testing.T) {
	_, _, err := do(t, stepstest.Args{"bundle": bundle(t)}, node("1.13.9"))
	if err == nil || !strings.Contains(err.Error(), "has DC/OS 1.13.9 after the upgrade, not 2.2.9") {
		t.Errorf("got %v, want an error that shows both versions", err)
	}
}

func TestNotInstalled(t *testing.T) {
	_, _, err := do(t, stepstest.Args{"bundle": bundle(t)}, []fake.Script{{Code: 1, Stderr: "cat: no such file\n"}})
	if err == nil || !strings.Contains(err.Error(), "DC/OS is not installed on n") {
		t.Errorf("got %v, want an error that says so", err)
	}
}
