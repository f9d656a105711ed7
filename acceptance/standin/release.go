package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/dcosflow/dcosflow/acceptance/standin/archive"
)

//go:embed dcos_generate_config.sh.in
var header embed.FS

// release is one version of DC/OS: what every cluster of it gets, and the ids
// that follow from the contents.
type release struct {
	Version, Variant    string
	Commit, BootstrapID string
	bootstrap, core     []byte
	coreID              string
}

func newRelease(version string, ee bool, dir string) (*release, error) {
	r := &release{Version: version, Commit: hexSum([]byte("dcos " + version))}
	if ee {
		r.Variant = "ee"
	}
	program, err := os.ReadFile(filepath.Join(dir, "node"))
	if err != nil {
		return nil, err
	}
	if r.bootstrap, err = pack(bootstrapFiles(program)); err != nil {
		return nil, err
	}
	r.BootstrapID = hexSum(r.bootstrap, []byte(version))
	if r.core, err = pack(r.coreFiles()); err != nil {
		return nil, err
	}
	r.coreID = "dcos-core--" + hexSum(r.core)
	return r, nil
}

// Modern says 2.0 or later: no port, no legacy modes, a bootstrap CA.
func (r *release) Modern() bool {
	major, _, _ := strings.Cut(r.Version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 2
}

// HeaderVariant is the variant as the header says it: Python's None for none.
func (r *release) HeaderVariant() string {
	if r.Variant == "" {
		return "None"
	}
	return r.Variant
}

// TarName is the only member of the payload.
func (r *release) TarName() string { return "dcos-genconf." + r.ids() + ".tar" }

// Image is what that member loads.
func (r *release) Image() string { return "mesosphere/dcos-genconf:" + r.ids() }

func (r *release) ids() string { return r.Commit[:18] + "-" + r.BootstrapID[:18] }

func (r *release) fileName() string {
	if r.Variant == "ee" {
		return "dcos_generate_config.ee.sh"
	}
	return "dcos_generate_config.sh"
}

// write makes the image, saves it, and puts script and payload into one file.
func (r *release) write(ctx context.Context, dir, path string) error {
	saved := filepath.Join(dir, r.TarName())
	if err := r.saveImage(ctx, dir, saved); err != nil {
		return err
	}
	t, err := template.ParseFS(header, "dcos_generate_config.sh.in")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.Execute(f, r); err != nil {
		return err
	}
	tar := exec.CommandContext(ctx, "tar", "-c", "-C", dir, r.TarName())
	tar.Stdout, tar.Stderr = f, os.Stderr
	if err := tar.Run(); err != nil {
		return fmt.Errorf("append the payload: %w", err)
	}
	return f.Close()
}

// saveImage imports the installer's file system and saves it; the engine keeps
// no trace, so that the installer's own load is a real one.
func (r *release) saveImage(ctx context.Context, dir, to string) error {
	files, err := r.imageFiles(dir)
	if err != nil {
		return err
	}
	var root bytes.Buffer
	if err := archive.Tar(&root, files); err != nil {
		return err
	}
	changes := []string{"import", "-c", `ENTRYPOINT ["/installer_internal_wrapper"]`, "-c", "WORKDIR /", "-c", "VOLUME /genconf", "-", r.Image()}
	if err := docker(ctx, &root, changes...); err != nil {
		return err
	}
	if err := docker(ctx, nil, "save", "-o", to, r.Image()); err != nil {
		return err
	}
	return docker(ctx, nil, "rmi", r.Image())
}

func (r *release) imageFiles(dir string) ([]archive.File, error) {
	installer, err := os.ReadFile(filepath.Join(dir, "installer"))
	if err != nil {
		return nil, err
	}
	build, err := json.Marshal(map[string]any{
		"version": r.Version, "variant": r.Variant, "commit": r.Commit,
		"bootstrap_id": r.BootstrapID, "modern": r.Modern(), "packages": []string{r.coreID},
	})
	if err != nil {
		return nil, err
	}
	serve := "artifacts/serve/"
	return []archive.File{
		{Name: "installer_internal_wrapper", Mode: 0o755, Data: installer},
		{Name: "artifacts/build.json", Mode: 0o644, Data: build},
		{Name: serve + "bootstrap/" + r.BootstrapID + ".bootstrap.tar.xz", Mode: 0o644, Data: r.bootstrap},
		{Name: serve + "bootstrap/" + r.BootstrapID + ".active.json", Mode: 0o644, Data: []byte("[]")},
		{Name: serve + "bootstrap.latest", Mode: 0o644, Data: []byte(r.BootstrapID)},
		{Name: serve + "packages/dcos-core/" + r.coreID + ".tar.xz", Mode: 0o644, Data: r.core},
		{Name: "genconf/.keep", Mode: 0o644},
		{Name: "tmp/.keep", Mode: 0o644},
	}, nil
}

// compile builds one of the programs next to this one, static.
func compile(ctx context.Context, program, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", to, "github.com/dcosflow/dcosflow/acceptance/standin/"+program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w", program, err)
	}
	return nil
}

func docker(ctx context.Context, stdin io.Reader, args ...string) error {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdin = stdin
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker %s: %w: %s", args[0], err, out)
	}
	return nil
}

func pack(files []archive.File) ([]byte, error) {
	var b bytes.Buffer
	err := archive.TarXZ(&b, files)
	return b.Bytes(), err
}

func hexSum(parts ...[]byte) string {
	sum := sha1.Sum(bytes.Join(parts, []byte{0}))
	return hex.EncodeToString(sum[:])
}
