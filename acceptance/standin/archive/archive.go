// Package archive writes the .tar.xz files of the stand-in installer.
package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"time"
)

// File is one member. A Link makes it a symbolic link.
type File struct {
	Name string
	Mode int64
	Data []byte
	Link string
}

// TarXZ writes files as a compressed archive, owned by root, with a fixed time,
// so that equal contents give equal bytes.
func TarXZ(w io.Writer, files []File) error {
	zw := newXZWriter(w)
	if err := Tar(zw, files); err != nil {
		return err
	}
	return zw.Close()
}

// Tar writes files as a plain archive with their parent directories.
func Tar(w io.Writer, files []File) error {
	tw := tar.NewWriter(w)
	seen := map[string]bool{".": true}
	for _, f := range files {
		if err := parents(tw, path.Dir(f.Name), seen); err != nil {
			return err
		}
		h := &tar.Header{Name: f.Name, Mode: f.Mode, Size: int64(len(f.Data)), Typeflag: tar.TypeReg, ModTime: epoch}
		if f.Link != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.Link, 0
		}
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("write header of %s: %w", f.Name, err)
		}
		if _, err := io.Copy(tw, bytes.NewReader(f.Data[:h.Size])); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
	}
	return tw.Close()
}

var epoch = time.Unix(1_500_000_000, 0)

func parents(tw *tar.Writer, dir string, seen map[string]bool) error {
	var missing []string
	for d := dir; !seen[d] && d != "/"; d = path.Dir(d) {
		missing = append(missing, d)
		seen[d] = true
	}
	for _, d := range slices.Backward(missing) {
		h := &tar.Header{Name: d + "/", Mode: 0o755, Typeflag: tar.TypeDir, ModTime: epoch}
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("write header of %s: %w", d, err)
		}
	}
	return nil
}
