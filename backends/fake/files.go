package fake

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dcosflow/dcosflow/backends"
)

// file is one entry of a machine's memory, by absolute path.
type file struct {
	header tar.Header
	data   []byte
}

var _ backends.Transport = (*transport)(nil)

// Put keeps the files of a tar stream in memory.
func (t *transport) Put(ctx context.Context, archive io.Reader, dir string) error {
	err := t.put(ctx, archive, path.Clean(dir))
	return t.backend.record(Call{Op: "put", Node: t.node, Path: dir, Err: err})
}

func (t *transport) put(ctx context.Context, archive io.Reader, dir string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r := tar.NewReader(archive)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			t.keep(dir, file{header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755}})
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack into %s: %w", dir, err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("unpack %s into %s: %w", h.Name, dir, err)
		}
		t.keep(path.Join(dir, h.Name), file{header: *h, data: data})
	}
}

// keep stores a file; a directory that exists keeps what it has.
func (t *transport) keep(name string, f file) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files == nil {
		t.files = map[string]file{}
	}
	if _, exists := t.files[name]; exists && f.header.Typeflag == tar.TypeDir {
		return
	}
	t.files[name] = f
}

// Get writes what Put kept.
func (t *transport) Get(ctx context.Context, name string, w io.Writer) error {
	err := t.get(ctx, path.Clean(name), w)
	return t.backend.record(Call{Op: "get", Node: t.node, Path: name, Err: err})
}

func (t *transport) get(ctx context.Context, name string, w io.Writer) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, exists := t.files[name]; !exists {
		return fmt.Errorf("read %s on %s: %w", name, t.node, fs.ErrNotExist)
	}
	out := tar.NewWriter(w)
	for _, at := range slices.Sorted(maps.Keys(t.files)) {
		if at != name && !strings.HasPrefix(at, name+"/") {
			continue
		}
		f := t.files[at]
		f.header.Name = strings.TrimPrefix(strings.TrimPrefix(at, path.Dir(name)), "/")
		if f.header.Typeflag == tar.TypeDir {
			f.header.Name += "/"
		}
		if err := out.WriteHeader(&f.header); err != nil {
			return err
		}
		if _, err := io.Copy(out, bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	return out.Close()
}
