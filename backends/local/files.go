package local

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Put unpacks a tar stream below dir. Links in the stream cannot lead its files
// out of dir. Owners are set only by root. See backends.Transport.
func (Transport) Put(ctx context.Context, archive io.Reader, dir string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := unpacker{root: root, modes: map[string]fs.FileMode{}}
	if err := u.unpack(tar.NewReader(stopReader(ctx, archive))); err != nil {
		return fmt.Errorf("unpack into %s: %w", dir, err)
	}
	return nil
}

// unpacker sets the modes of directories at the end, so that a read-only one
// can be filled.
type unpacker struct {
	root  *os.Root
	dirs  []string
	modes map[string]fs.FileMode
}

func (u *unpacker) unpack(r *tar.Reader) error {
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return u.finish()
		}
		if err != nil {
			return err
		}
		if err := u.entry(h, r); err != nil {
			return err
		}
	}
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	name := filepath.Clean(strings.TrimPrefix(h.Name, "/"))
	if err := u.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := h.FileInfo().Mode()
	if h.Typeflag == tar.TypeDir {
		return u.directory(name, mode, h)
	}
	if err := u.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return u.file(name, mode, h, content)
	case tar.TypeSymlink:
		return errors.Join(u.root.Symlink(h.Linkname, name), u.own(name, h))
	case tar.TypeLink:
		return u.root.Link(filepath.Clean(h.Linkname), name)
	default:
		return fmt.Errorf("%s: entries of type %q cannot be unpacked", h.Name, h.Typeflag)
	}
}

func (u *unpacker) directory(name string, mode fs.FileMode, h *tar.Header) error {
	if err := u.root.MkdirAll(name, 0o700); err != nil {
		return err
	}
	u.dirs = append(u.dirs, name)
	u.modes[name] = mode
	return u.own(name, h)
}

func (u *unpacker) file(name string, mode fs.FileMode, h *tar.Header, content io.Reader) error {
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	// The owner comes before the mode: changing it clears the set-uid bit.
	return errors.Join(err, u.own(name, h), f.Chmod(mode), f.Close())
}

func (u *unpacker) own(name string, h *tar.Header) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return u.root.Lchown(name, h.Uid, h.Gid)
}

func (u *unpacker) finish() error {
	for i := len(u.dirs) - 1; i >= 0; i-- {
		if err := u.root.Chmod(u.dirs[i], u.modes[u.dirs[i]]); err != nil {
			return err
		}
	}
	return nil
}

// Get writes a tar stream of a file or directory. Symbolic links stay links;
// sockets are left out. See backends.Transport.
func (Transport) Get(ctx context.Context, path string, w io.Writer) error {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	out := tar.NewWriter(w)
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case d.Type()&fs.ModeSocket != 0:
			return nil
		}
		in, err := filepath.Rel(parent, name)
		if err != nil {
			return err
		}
		return pack(ctx, out, name, in, d)
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return out.Close()
}

// pack writes one file, called in inside the archive.
func pack(ctx context.Context, out *tar.Writer, name, in string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(name); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name = in
	if d.IsDir() {
		h.Name += "/"
	}
	if err := out.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	// A file may grow meanwhile; the archive holds what its header says.
	_, err = io.CopyN(out, stopReader(ctx, f), h.Size)
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// stopReader reads until ctx ends, and fails with its cause then.
func stopReader(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	})
}
