package docker

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
)

// recipes are the Dockerfiles of node images with the files that go into them.
//
//go:embed images
var recipes embed.FS

// distribution is a node image that we know how to build.
type distribution struct {
	name string
	// folder is the one of its Dockerfile in recipes.
	folder string
	// suite is what the distribution's archive calls it; official is the image
	// of the public registry to start from.
	suite, official string
	// packages are added to those that the Dockerfile names.
	packages string
}

var distributions = []distribution{
	{name: "debian-12", folder: "images/debian", suite: "bookworm", official: "debian:bookworm-slim"},
	{name: "debian-13", folder: "images/debian", suite: "trixie", official: "debian:trixie-slim", packages: "docker-cli"},
}

// Distributions returns the names of the node images that can be built.
func Distributions() []string {
	var names []string
	for _, d := range distributions {
		names = append(names, d.name)
	}
	return names
}

func findDistribution(name string) (distribution, error) {
	for _, d := range distributions {
		if d.name == name {
			return d, nil
		}
	}
	return distribution{}, fmt.Errorf("there is no distribution %q: it is one of %s", name, strings.Join(Distributions(), ", "))
}

// base is the image that we make with debootstrap.
func (d distribution) base() string { return "dcosflow/base:" + d.name }

// ref is the image of a build context: its tag carries the content's hash, so
// a changed recipe is a new image and an unchanged one is never built twice.
func (d distribution) ref(context []byte) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", d.suite, d.packages)
	sum.Write(context)
	return "dcosflow/" + d.name + ":" + hex.EncodeToString(sum.Sum(nil))[:12]
}

// context is the tar stream that the engine builds the image from. The same
// recipe and settings give the same bytes.
func (d distribution) context(apt aptSettings) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	root, err := fs.Sub(recipes, d.folder)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return addFile(w, file{name: name, mode: 0o644, content: content})
	})
	if err != nil {
		return nil, fmt.Errorf("read the recipe of %s: %w", d.name, err)
	}
	for _, f := range apt.files(d.suite) {
		f.name = "files" + f.name
		if err := addFile(w, f); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), w.Close()
}

// file is an entry of a tar stream that we make ourselves.
type file struct {
	name    string
	mode    int64
	content []byte
}

func addFile(w *tar.Writer, f file) error {
	if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))}); err != nil {
		return fmt.Errorf("add %s to the archive: %w", f.name, err)
	}
	_, err := w.Write(f.content)
	return err
}
