package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The tests hold the stand-in against the facts that are known of the real
// installer, section by section. They need Docker, as the installer does.

var old, modern string // 1.13 and 2.2, not of the acceptance suite: images are known by version

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "standin-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		for version, path := range map[string]*string{"1.13.0": &old, "2.2.0": &modern} {
			if *path, err = produce(context.Background(), version, false, filepath.Join(dir, version)); err != nil {
				fmt.Fprintln(os.Stderr, "make the stand-in:", err)
				return 1
			}
		}
		defer forgetImages()
		return m.Run()
	}())
}

// forgetImages removes what the installers loaded.
func forgetImages() {
	for _, path := range []string{old, modern} {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if m := regexp.MustCompile(`mesosphere/dcos-genconf:\S+`).Find(raw); m != nil {
			_ = exec.Command("docker", "rmi", "-f", string(m)).Run() // gone already is as good
		}
	}
}

const goodConfig = `---
bootstrap_url: file:///srv/bundle
cluster_name: test
exhibitor_storage_backend: static
master_discovery: static
master_list: [10.0.0.1]
`

type result struct {
	code           int
	stdout, stderr string
}

// workdir is a directory with a valid genconf/ unless config is empty.
func workdir(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	if config == "" {
		return dir
	}
	if err := os.Mkdir(filepath.Join(dir, "genconf"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config.yaml": config, "ip-detect": "#!/bin/sh\necho 10.0.0.1\n"} {
		if err := os.WriteFile(filepath.Join(dir, "genconf", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func call(t *testing.T, dir, installer string, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", append([]string{installer}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "DCOS_INSTALLER_CONTAINER_NAME=standin-test-"+filepath.Base(dir), "PORT=0")
	cmd.Env = append(cmd.Env, env...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %v: %v", installer, args, err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestHeader(t *testing.T) {
	raw, err := os.ReadFile(modern)
	if err != nil {
		t.Fatal(err)
	}
	script, payload, found := bytes.Cut(raw, []byte("\n#EOF#\n"))
	if !found {
		t.Fatal("no end mark")
	}
	if got := strings.Split(string(script), "\n")[1]; got != "# variant: None" {
		t.Errorf("line 2: got %q, want the variant as Python writes none", got)
	}
	list := exec.Command("tar", "-t")
	list.Stdin = bytes.NewReader(payload)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^dcos-genconf\.[0-9a-f]{18}-[0-9a-f]{18}\.tar\n$`).Match(out) {
		t.Errorf("payload: got members %q, want exactly one archive", out)
	}
}

func TestExtractionHappensOncePerDirectory(t *testing.T) {
	dir := workdir(t, "")
	first := call(t, dir, modern, nil, "--version")
	second := call(t, dir, modern, nil, "--version")
	if !strings.HasPrefix(first.stdout, "dcos-genconf.") || !strings.Contains(first.stderr, "Extracting image") {
		t.Errorf("first call: got stdout %q, stderr %q; want the member's name and a notice", first.stdout, first.stderr)
	}
	if !strings.HasPrefix(second.stdout, "{") || second.stderr != "" {
		t.Errorf("second call: got stdout %q, stderr %q; want the JSON alone", second.stdout, second.stderr)
	}
	var v struct{ Version, Variant string }
	if err := json.Unmarshal([]byte(second.stdout), &v); err != nil || v.Version != "2.2.0" || v.Variant != "" {
		t.Errorf("got %+v, %v, want version 2.2.0 of no variant", v, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "genconf/state")); err != nil {
		t.Error("genconf/state was not made:", err)
	}
}

func TestStaleTarIsUnpackedAgain(t *testing.T) {
	dir := workdir(t, "")
	call(t, dir, modern, nil, "--version")
	forgetImages()
	if again := call(t, dir, modern, nil, "--version"); again.code != 0 || !strings.Contains(again.stderr, "Extracting image") {
		t.Errorf("got code %d, stderr %q; want another extraction", again.code, again.stderr)
	}
}

func TestFlags(t *testing.T) {
	tests := []struct {
		name, installer string
		args            []string
		code            int
		stdout, stderr  string
	}{
		{"no docker-style words", modern, []string{"--nonsense"}, 2, "", "unrecognized arguments: --nonsense"},
		{"two modes", modern, []string{"--genconf", "--version"}, 2, "", "not allowed with"},
		{"offline is gone in 2.0", modern, []string{"--offline"}, 2, "", "unrecognized arguments: --offline"},
		{"offline is taken in 1.13", old, []string{"--offline", "--version"}, 0, `"version": "1.13.0"`, ""},
		{"web is gone in 2.0", modern, []string{"--web"}, 1, "removed", ""},
		{"legacy mode in 2.0", modern, []string{"--validate-config"}, 2, "", "unrecognized arguments"},
		{"upgrade script without a version", modern, []string{"--generate-node-upgrade-script"}, 1, "Must provide the version", ""},
		{"hash", modern, []string{"--hash-password", "deleteme"}, 0, "$6$rounds=656000$", ""},
		{"genconf is the default", modern, nil, 1, "No config file found at genconf/config.yaml", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := call(t, workdir(t, ""), tt.installer, nil, tt.args...)
			if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("got code %d, stdout %q, stderr %q\nwant code %d, stdout with %q, stderr with %q", got.code, got.stdout, got.stderr, tt.code, tt.stdout, tt.stderr)
			}
		})
	}
}

func TestValidation(t *testing.T) {
	tests := []struct{ name, config, want string }{
		{"missing key", strings.Replace(goodConfig, "cluster_name: test\n", "", 1), "cluster_name: Must set cluster_name, no way to calculate value."},
		{"two masters", strings.Replace(goodConfig, "[10.0.0.1]", "[10.0.0.1, 10.0.0.2]", 1), "num_masters: Must have 1, 3, 5, 7, or 9 masters. Found 2 masters."},
		{"trailing slash", strings.Replace(goodConfig, "/srv/bundle", "/srv/bundle/", 1), "bootstrap_url: Must not end in a '/'"},
		{"duplicate master", strings.Replace(goodConfig, "[10.0.0.1]", "[10.0.0.1, 10.0.0.1, 10.0.0.2]", 1), "master_list: List cannot contain duplicates"},
		{"own resolver", goodConfig + "resolvers: [198.51.100.1]\n", "resolvers: 198.51.100.1"},
		{"discovery", strings.Replace(goodConfig, "master_discovery: static", "master_discovery: master_http_loadbalancer", 1), "master_discovery: When exhibitor_storage_backend is static"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := call(t, workdir(t, tt.config), modern, nil, "--genconf")
			if got.code != 1 || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("got code %d, stderr %q; want 1 and %q", got.code, got.stderr, tt.want)
			}
		})
	}
	t.Run("no ip-detect", func(t *testing.T) {
		dir := workdir(t, goodConfig)
		if err := os.Remove(filepath.Join(dir, "genconf/ip-detect")); err != nil {
			t.Fatal(err)
		}
		if got := call(t, dir, modern, nil); got.code != 1 || !strings.Contains(got.stderr, "ip_detect_contents: ") {
			t.Errorf("got code %d, stderr %q; want 1 and the key", got.code, got.stderr)
		}
	})
}

func TestServeTree(t *testing.T) {
	dir := workdir(t, goodConfig)
	if got := call(t, dir, modern, nil, "-v", "--genconf"); got.code != 0 {
		t.Fatalf("genconf: code %d: %s", got.code, got.stderr)
	}
	for _, pattern := range []string{
		"dcos_install.sh", "bootstrap/*.bootstrap.tar.xz", "bootstrap/*.active.json", "bootstrap.latest",
		"cluster-package-info.json", "cluster-package-list.latest", "package_lists/*.package_list.json",
		"packages/dcos-config/dcos-config--setup_*.tar.xz", "packages/dcos-metadata/dcos-metadata--setup_*.tar.xz",
	} {
		found, err := filepath.Glob(filepath.Join(dir, "genconf/serve", pattern))
		if err != nil || len(found) == 0 {
			t.Errorf("serve/ lacks %s", pattern)
		}
	}
	list := func() string {
		raw, err := os.ReadFile(filepath.Join(dir, "genconf/serve/cluster-package-list.latest"))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	before := list()
	if call(t, dir, modern, nil); list() != before {
		t.Error("the same configuration gave another package list")
	}
	if err := os.WriteFile(filepath.Join(dir, "genconf/config.yaml"), []byte(goodConfig+"dns_search: example.org\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if call(t, dir, modern, nil); list() == before {
		t.Error("another configuration gave the same package list")
	}
}

func TestUpgradeScriptURLIsTheLastLine(t *testing.T) {
	dir := workdir(t, goodConfig)
	got := call(t, dir, modern, nil, "-v", "--generate-node-upgrade-script", "1.13.0")
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	m := regexp.MustCompile(`^Node upgrade script URL: file:///srv/bundle(/upgrade/[0-9a-f]{32}/dcos_node_upgrade\.sh)$`).FindStringSubmatch(lines[len(lines)-1])
	if m == nil {
		t.Fatalf("got last line %q, want the URL", lines[len(lines)-1])
	}
	raw, err := os.ReadFile(filepath.Join(dir, "genconf/serve", m[1]))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), "does not match expected: 1.13.0") {
		t.Error("the script does not check the version that it was made for")
	}
}

func TestDirectoryWithSpaceFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := call(t, dir, modern, []string{"DCOS_INSTALLER_CONTAINER_NAME=standin-test-space"}, "--version"); got.code == 0 {
		t.Error("a working directory with a space worked; the real installer does not quote it")
	}
}

func TestContainerNameMustBeFree(t *testing.T) {
	dir := workdir(t, "")
	call(t, dir, modern, nil, "--version")
	name := "standin-test-taken-" + filepath.Base(dir)
	raw, err := os.ReadFile(modern)
	if err != nil {
		t.Fatal(err)
	}
	image := regexp.MustCompile(`mesosphere/dcos-genconf:\S+`).Find(raw)
	if out, err := exec.Command("docker", "create", "--name", name, string(image)).CombinedOutput(); err != nil {
		t.Fatalf("docker create: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("docker", "rm", "-v", name).CombinedOutput(); err != nil {
			t.Errorf("docker rm: %v: %s", err, out)
		}
	})
	if got := call(t, dir, modern, []string{"DCOS_INSTALLER_CONTAINER_NAME=" + name}, "--version"); got.code == 0 || !strings.Contains(got.stderr, "already in use") {
		t.Errorf("got code %d, stderr %q; want a conflict", got.code, got.stderr)
	}
}

func TestOldInstallerPublishesItsPort(t *testing.T) {
	for installer, want := range map[string]bool{old: true, modern: false} {
		raw, err := os.ReadFile(installer)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := bytes.Cut(raw, []byte("\n#EOF#\n"))
		if got := bytes.Contains(script, []byte(`-p "$PORT":9000`)); got != want {
			t.Errorf("%s publishes port 9000: got %t, want %t", installer, got, want)
		}
	}
}
