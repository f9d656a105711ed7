package copy

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// rewriter gives the files of an archive their new name, owner and mode, and
// notes the digest of each.
type rewriter struct {
	// base is the new name of the topmost file or directory.
	base     string
	mode     *int64 // of regular files; nil keeps
	uid, gid int

	directory bool
	files     []file
}

// file is a regular file that was copied; its name begins with the base.
type file struct {
	name   string
	sha256 string
	size   int64
}

func (r *rewriter) rewrite(in io.Reader, out io.Writer) error {
	from, to := tar.NewReader(in), tar.NewWriter(out)
	top := ""
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			// The rest of the stream is padding that its writer must get rid of.
			_, err = io.Copy(io.Discard, in)
			return errors.Join(err, to.Close())
		}
		if err != nil {
			return err
		}
		if top == "" {
			top = strings.TrimSuffix(h.Name, "/")
			r.directory = h.Typeflag == tar.TypeDir
		}
		if err := r.entry(h, top, from, to); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func (r *rewriter) entry(h *tar.Header, top string, content io.Reader, to *tar.Writer) error {
	changed := &tar.Header{
		Typeflag: h.Typeflag, Name: r.base + strings.TrimPrefix(h.Name, top), Linkname: h.Linkname,
		Mode: h.Mode, Uid: r.uid, Gid: r.gid, Size: h.Size, ModTime: h.ModTime,
	}
	switch h.Typeflag {
	case tar.TypeReg:
		if r.mode != nil {
			changed.Mode = *r.mode
		}
	case tar.TypeDir, tar.TypeSymlink:
	default:
		return errors.New("neither a file, a directory nor a symbolic link: it cannot be copied")
	}
	if err := to.WriteHeader(changed); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), content)
	r.files = append(r.files, file{name: changed.Name, sha256: hex.EncodeToString(sum.Sum(nil)), size: n})
	return err
}

// packContent writes the archive of one file with the given text.
func packContent(w io.Writer, content string) error {
	to := tar.NewWriter(w)
	err := to.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "content", Mode: 0o644, Size: int64(len(content))})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(to, content); err != nil {
		return err
	}
	return to.Close()
}
