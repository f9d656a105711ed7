package plan

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
)

// digests are those of the files that steps are given by path. A file is read
// again only when its size or time has changed. They are safe for concurrent
// use.
type digests struct {
	disk fs.FS

	mu    sync.Mutex
	known map[string]*digest
}

// digest is that of one file. Whoever holds its lock reads the file; the others
// wait for the result.
type digest struct {
	mu      sync.Mutex
	size    int64
	changed time.Time
	sum     []byte
}

func newDigests(disk fs.FS) *digests {
	return &digests{disk: disk, known: map[string]*digest{}}
}

// of digests a file, or a directory with all that is in it: names, modes,
// contents, and where symbolic links lead. The path is absolute.
func (d *digests) of(absolute string) ([]byte, error) {
	root := strings.TrimPrefix(absolute, "/")
	if root == "" {
		root = "."
	}
	sum := sha256.New()
	info, err := fs.Stat(d.disk, root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		err := d.file(sum, root, info)
		return sum.Sum(nil), err
	}
	// The root may be a symbolic link to a directory, which a walk from "." enters.
	below, err := fs.Sub(d.disk, root)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(below, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q ", name)
		return d.entry(sum, path.Join(root, name), info)
	})
	return sum.Sum(nil), err
}

func (d *digests) entry(sum hash.Hash, name string, info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := fs.ReadLink(d.disk, name)
		fmt.Fprintf(sum, "link %q\n", target)
		return err
	case info.Mode().IsRegular():
		return d.file(sum, name, info)
	}
	fmt.Fprintf(sum, "%s\n", info.Mode())
	return nil
}

func (d *digests) file(sum hash.Hash, name string, info fs.FileInfo) error {
	content, err := d.content(name, info)
	fmt.Fprintf(sum, "%s %x\n", info.Mode(), content)
	return err
}

func (d *digests) content(name string, info fs.FileInfo) ([]byte, error) {
	known := d.entryOf(name)
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.sum != nil && known.size == info.Size() && known.changed.Equal(info.ModTime()) {
		return known.sum, nil
	}
	file, err := d.disk.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil, err
	}
	known.size, known.changed, known.sum = info.Size(), info.ModTime(), sum.Sum(nil)
	return known.sum, nil
}

func (d *digests) entryOf(name string) *digest {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known[name] == nil {
		d.known[name] = &digest{}
	}
	return d.known[name]
}
