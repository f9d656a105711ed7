package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/dcosflow/dcosflow/acceptance/standin/archive"
)

//go:embed *.in
var templates embed.FS

// script is what the templates of node scripts need.
type script struct {
	build
	From                       string
	BootstrapURL, PackageList  string
	PackageIDs, KnobsLine      string
	InstallKnobs, UpgradeKnobs []string
}

// genconf validates the configuration and writes genconf/serve.
func (in installer) genconf() error {
	c, err := in.config()
	if err != nil {
		return err
	}
	in.dawdle(c.knobs, "genconf")
	s, err := in.serve(c)
	if err != nil {
		return err
	}
	return in.render("dcos_install.sh.in", s, filepath.Join(in.dir, "serve", "dcos_install.sh"))
}

// upgradeScript writes serve anew and a script for nodes of version from, and
// prints its URL as the last line.
func (in installer) upgradeScript(from string) error {
	c, err := in.config()
	if err != nil {
		return err
	}
	in.dawdle(c.knobs, "genconf")
	s, err := in.serve(c)
	if err != nil {
		return err
	}
	if err := in.render("dcos_install.sh.in", s, filepath.Join(in.dir, "serve", "dcos_install.sh")); err != nil {
		return err
	}
	s.From = from
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	name := hex.EncodeToString(id)
	if err := in.render("dcos_node_upgrade.sh.in", s, filepath.Join(in.dir, "serve", "upgrade", name, "dcos_node_upgrade.sh")); err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "Node upgrade script URL: %s/upgrade/%s/dcos_node_upgrade.sh\n", s.BootstrapURL, name)
	return nil
}

// dawdle does what the knobs of a phase ask for: "<phase>_seconds", and
// "<phase>_hang", which ignores every polite signal.
func (in installer) dawdle(knobs map[string]any, phase string) {
	if n, ok := knobs[phase+"_seconds"].(float64); ok {
		time.Sleep(time.Duration(n * float64(time.Second)))
	}
	if knobs[phase+"_hang"] == true {
		ignoreSignals()
		time.Sleep(24 * time.Hour)
	}
}

func (in installer) serve(c config) (script, error) {
	serve := filepath.Join(in.dir, "serve")
	if err := copyMissing(in.artifacts, serve); err != nil {
		return script{}, fmt.Errorf("copy artifacts to genconf/serve: %w", err)
	}
	s := script{build: in.build, BootstrapURL: fmt.Sprint(c.values["bootstrap_url"])}
	id := digest(c.raw, []byte(c.ipDetect), []byte(in.build.Version))
	packages, err := in.configPackages(c, id)
	if err != nil {
		return s, err
	}
	ids := append([]string{}, in.build.Packages...)
	for _, p := range packages {
		ids = append(ids, p.id)
		if err := writeArchive(filepath.Join(serve, "packages", p.name, p.id+".tar.xz"), p.files); err != nil {
			return s, err
		}
	}
	raw, err := json.Marshal(ids)
	if err != nil {
		return s, err
	}
	s.PackageList, s.PackageIDs = digest(raw), strings.Join(ids, " ")
	info := map[string]map[string]string{}
	for _, id := range ids {
		name, _, _ := strings.Cut(id, "--")
		info[name] = map[string]string{"id": id, "filename": "packages/" + name + "/" + id + ".tar.xz"}
	}
	infoRaw, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return s, err
	}
	for name, data := range map[string][]byte{
		"serve/package_lists/" + s.PackageList + ".package_list.json": raw,
		"serve/cluster-package-list.latest":                           []byte(s.PackageList),
		"serve/cluster-package-info.json":                             infoRaw,
		"cluster_packages.json":                                       infoRaw,
	} {
		if err := writeFile(filepath.Join(in.dir, name), data, 0o644); err != nil {
			return s, err
		}
	}
	knobs, err := json.Marshal(c.knobs)
	if err != nil {
		return s, err
	}
	s.KnobsLine = string(knobs)
	s.InstallKnobs, s.UpgradeKnobs = phaseKnobs(c.knobs, "install"), phaseKnobs(c.knobs, "upgrade")
	in.logf("package list %s: %s", s.PackageList, s.PackageIDs)
	return s, nil
}

// pkg is a package made for one configuration.
type pkg struct {
	name, id string
	files    []archive.File
}

func (in installer) configPackages(c config, id string) ([]pkg, error) {
	full, err := json.MarshalIndent(c.values, "", "  ")
	if err != nil {
		return nil, err
	}
	metadata, err := json.Marshal(map[string]any{"ssl_enabled": in.build.Variant == "ee"})
	if err != nil {
		return nil, err
	}
	info := archive.File{Name: "pkginfo.json", Mode: 0o644, Data: []byte("{}")}
	return []pkg{
		{"dcos-config", "dcos-config--setup_" + id, []archive.File{
			info,
			{Name: "etc/expanded.config.json", Mode: 0o644, Data: full},
			{Name: "etc/expanded.config.full.json", Mode: 0o600, Data: full},
			{Name: "etc/user.config.yaml", Mode: 0o644, Data: c.raw},
			{Name: "bin/detect_ip", Mode: 0o755, Data: []byte(c.ipDetect)},
		}},
		{"dcos-metadata", "dcos-metadata--setup_" + id, []archive.File{
			info,
			{Name: "etc/bootstrap-config.json", Mode: 0o644, Data: metadata},
		}},
	}, nil
}

// phaseKnobs are the shell lines that make a phase on the nodes slow, loud,
// hanging or failing.
func phaseKnobs(knobs map[string]any, phase string) []string {
	var out []string
	if n, ok := knobs[phase+"_seconds"].(float64); ok {
		out = append(out, fmt.Sprintf("sleep %v", n))
	}
	if n, ok := knobs[phase+"_noise"].(float64); ok {
		out = append(out, fmt.Sprintf("head -c %d /dev/urandom | tee /var/log/dcos-%s-noise", int64(n), phase))
	}
	if host, ok := knobs[phase+"_fail"].(string); ok {
		out = append(out, fmt.Sprintf(`if [ "$(hostname)" = '%s' ]; then printf 'asked to fail' >&2; exit 7; fi`, host))
	}
	if knobs[phase+"_hang"] == true {
		out = append(out, "trap '' HUP INT TERM; bash -c 'exec -a dcos-standin-hang sleep 86400'")
	}
	return out
}

func (in installer) render(name string, s script, to string) error {
	t, err := template.ParseFS(templates, name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return err
	}
	return writeFile(to, b.Bytes(), 0o755)
}

func writeArchive(path string, files []archive.File) error {
	var b bytes.Buffer
	if err := archive.TarXZ(&b, files); err != nil {
		return err
	}
	return writeFile(path, b.Bytes(), 0o644)
}

func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

func copyMissing(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if _, err := os.Stat(target); err == nil && rel != "bootstrap.latest" {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return writeFile(target, raw, 0o644)
	})
}

func digest(parts ...[]byte) string {
	h := sha1.New()
	for _, p := range parts {
		_, _ = io.Writer(h).Write(p) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}
