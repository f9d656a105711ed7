package dcos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/local"
)

const script = `#!/usr/bin/env bash
# variant: %VARIANT%
docker load -i dcos-genconf.0123456789abcdef01-fedcba9876543210fe.tar
exit 0
#EOF#
`

func TestReadHeader(t *testing.T) {
	tests := []struct {
		name, text string
		want       Header
		err        error
	}{
		{"open", strings.ReplaceAll(script, "%VARIANT%", "None") + "payload", Header{Tar: "dcos-genconf.0123456789abcdef01-fedcba9876543210fe.tar"}, nil},
		{"enterprise", strings.ReplaceAll(script, "%VARIANT%", "ee"), Header{Variant: "ee", Tar: "dcos-genconf.0123456789abcdef01-fedcba9876543210fe.tar"}, nil},
		{"another script", "#!/bin/sh\necho hello\n", Header{}, ErrNotInstaller},
		{"no end mark", strings.TrimSuffix(strings.ReplaceAll(script, "%VARIANT%", "None"), "#EOF#\n"), Header{}, ErrNotInstaller},
		{"empty", "", Header{}, ErrNotInstaller},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadHeader(strings.NewReader(tt.text))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error: got %v, want %v", err, tt.err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzReadHeader(f *testing.F) {
	f.Add(strings.ReplaceAll(script, "%VARIANT%", "None"))
	f.Add("# variant: \n#EOF#\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ReadHeader(strings.NewReader(text))
		if err == nil && h.Tar == "" {
			t.Errorf("no error and no tar for %q", text)
		}
	})
}

func TestConfigMergesAndTheUserWins(t *testing.T) {
	c := Cluster{Masters: []string{"10.0.0.2"}, Agents: []string{"10.0.0.3", "10.0.0.4"}}
	values, err := Config(c, "file:///srv/x", cty.ObjectVal(map[string]cty.Value{
		"cluster_name": cty.StringVal("mine"),
		"check_time":   cty.True,
	}))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := YAML(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"bootstrap_url": "file:///srv/x"`, `"cluster_name": "mine"`, `"check_time": true`, `"10.0.0.4"`, `"master_discovery": "static"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("config.yaml lacks %s:\n%s", want, raw)
		}
	}
	if _, err := Config(c, "file:///srv/x", cty.StringVal("x")); err == nil || !strings.Contains(err.Error(), "must be an object") {
		t.Errorf("a string as config: got %v, want an error that says what it must be", err)
	}
}

func TestRoleWord(t *testing.T) {
	for role, want := range map[string]string{"master": "master", "agent": "slave", "public_agent": "slave_public", "slave": "slave"} {
		if got, err := RoleWord(role); err != nil || got != want {
			t.Errorf("RoleWord(%q): got %q, %v, want %q", role, got, err, want)
		}
	}
	if _, err := RoleWord("member"); err == nil || !strings.Contains(err.Error(), `no role "member"`) {
		t.Errorf("got %v, want an error that names the role", err)
	}
}

func TestUnhealthy(t *testing.T) {
	report := `{"status": 2, "checks": {"xz": {"status": 0, "output": ""}, "b": {"status": 2, "output": "down\n"}, "a": {"status": 1, "output": "late"}}}`
	if diff := cmp.Diff([]string{"a: late", "b: down"}, Unhealthy(report)); diff != "" {
		t.Error(diff)
	}
	if got := Unhealthy("no JSON"); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

func TestNodePath(t *testing.T) {
	if got, err := NodePath("file:///srv/x"); err != nil || got != "/srv/x" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := NodePath("http://10.0.0.1"); err == nil || !strings.Contains(err.Error(), "file:///") {
		t.Errorf("got %v, want an error that says the scheme", err)
	}
}

// installer writes a script that stands for an installer and returns a driver
// of it.
func installer(t *testing.T, body string) Installer {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "dcos_generate_config.sh")
	if err := os.WriteFile(path, []byte(body), 0o755); err != nil {
		t.Fatal(err)
	}
	return Installer{Path: path, Dir: dir, Container: "dcosflow-test-dcos", Local: local.Transport{}}
}

func TestInstallerVersion(t *testing.T) {
	i := installer(t, `echo dcos-genconf.0-0.tar; printf '{\n  "variant": "",\n  "version": "2.2.9"\n}\n'; echo unpacking >&2`)
	v, err := i.Version(t.Context())
	if err != nil || v.Version != "2.2.9" {
		t.Errorf("got %+v, %v, want version 2.2.9", v, err)
	}
	i = installer(t, `echo nothing`)
	if _, err := i.Version(t.Context()); err == nil || !strings.Contains(err.Error(), "printed no version") {
		t.Errorf("got %v, want an error that says so", err)
	}
}

func TestInstallerRefusesConfiguration(t *testing.T) {
	i := installer(t, `echo "DEBUG: reading" >&2; echo "num_masters: Must have 1, 3, 5, 7, or 9 masters. Found 2 masters." >&2; exit 1`)
	err := i.Genconf(t.Context())
	var refused *ConfigError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a ConfigError", err)
	}
	if diff := cmp.Diff([]string{"num_masters: Must have 1, 3, 5, 7, or 9 masters. Found 2 masters."}, refused.Problems); diff != "" {
		t.Error(diff)
	}
	var exit *backends.ExitError
	if !errors.As(err, &exit) || exit.Code != 1 {
		t.Errorf("got %v, want exit code 1 behind it", err)
	}
}

func TestInstallerShowsBothStreamsOfOtherFailures(t *testing.T) {
	i := installer(t, `echo "on stdout"; echo "docker: the name is in use" >&2; exit 125`)
	err := i.Genconf(t.Context())
	if err == nil || !strings.Contains(err.Error(), "on stdout") || !strings.Contains(err.Error(), "in use") || errors.As(err, new(*ConfigError)) {
		t.Errorf("got %T %v, want both streams, and no problem of the configuration", err, err)
	}
}

// deaf is a machine whose installer ends only with its container.
type deaf struct {
	backends.Transport
	removed chan struct{}
	calls   []string
}

func (d *deaf) Run(_ context.Context, cmd backends.Command) error {
	if cmd.Args[0] == "docker" {
		d.calls = append(d.calls, strings.Join(cmd.Args, " "))
		d.removed <- struct{}{}
		return nil
	}
	<-d.removed
	return &backends.ExitError{Code: 137}
}

func TestInstallerIsStoppedByItsContainer(t *testing.T) {
	d := &deaf{removed: make(chan struct{}, 2)}
	i := Installer{Path: "/i.sh", Dir: "/d", Container: "c", Local: d}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := i.Genconf(ctx)
	if want := []string{"docker rm --force c", "docker rm --force c"}; err == nil || !slices.Equal(d.calls, want) {
		t.Errorf("got %v and %q, want an error and %q", err, d.calls, want)
	}
}

func TestInstallerUpgradeScript(t *testing.T) {
	i := installer(t, `[ "$3" = 1.13.9 ] && printf 'noise\nNode upgrade script URL: file:///srv/upgrade/ab/dcos_node_upgrade.sh'`)
	url, err := i.UpgradeScript(t.Context(), "1.13.9")
	if want := "file:///srv/upgrade/ab/dcos_node_upgrade.sh"; err != nil || url != want {
		t.Errorf("got %q, %v, want %q", url, err, want)
	}
}

func TestInstallerGetsItsEnvironment(t *testing.T) {
	i := installer(t, `[ "$DCOS_INSTALLER_CONTAINER_NAME" = dcosflow-test-dcos ] && [ "$PORT" -gt 0 ]`)
	if err := i.Genconf(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestInstallerRefusesSpaces(t *testing.T) {
	i := installer(t, "")
	i.Dir = "/tmp/a b"
	if err := i.Genconf(t.Context()); err == nil || !strings.Contains(err.Error(), "spaces") {
		t.Errorf("got %v, want an error about spaces", err)
	}
}
