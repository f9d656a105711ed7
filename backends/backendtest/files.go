package backendtest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/dcosflow/dcosflow/backends"
)

// entry is a file of an archive, comparable in a message.
type entry struct {
	name string
	mode int64
	link string
	data string
}

func (e entry) String() string {
	return fmt.Sprintf("%s %04o link=%q data=%s", e.name, e.mode, e.link, show(e.data))
}

// sample has one of everything that can be copied.
func sample() []entry {
	return []entry{
		{name: "tree/", mode: 0o750},
		{name: "tree/empty", mode: 0o644},
		{name: "tree/empty dir/", mode: 0o755},
		{name: "tree/link", mode: 0o777, link: "sub/script"},
		{name: "tree/sub/", mode: 0o700},
		{name: "tree/sub/big", mode: 0o600, data: string(pattern(3 << 20))},
		{name: "tree/sub/script", mode: 0o755, data: "#!/bin/sh\necho ran\n"},
		{name: "tree/sub/two words 'x' \"y\" ü", mode: 0o640, data: "text\n"},
		{name: "tree/sub/" + strings.Repeat("long-name-", 15), mode: 0o644, data: "pax"},
	}
}

func pack(t *testing.T, entries []entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data)), Linkname: e.link, Typeflag: tar.TypeReg}
		switch {
		case e.link != "":
			h.Typeflag = tar.TypeSymlink
		case strings.HasSuffix(e.name, "/"):
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatalf("pack %s: %v", e.name, err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatalf("pack %s: %v", e.name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("pack: %v", err)
	}
	return buf.Bytes()
}

// unpack returns the entries sorted by name, the modes of links aside.
func unpack(t *testing.T, archive io.Reader) []entry {
	t.Helper()
	var got []entry
	r := tar.NewReader(archive)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			slices.SortFunc(got, func(a, b entry) int { return strings.Compare(a.name, b.name) })
			return got
		}
		if err != nil {
			t.Fatalf("read archive: %v", err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("read archive: %s: %v", h.Name, err)
		}
		e := entry{name: strings.TrimPrefix(h.Name, "./"), mode: h.Mode & 0o7777, link: h.Linkname, data: string(data)}
		if h.Typeflag == tar.TypeDir && !strings.HasSuffix(e.name, "/") {
			e.name += "/"
		}
		if h.Typeflag == tar.TypeSymlink {
			e.mode = 0o777
		}
		got = append(got, e)
	}
}

func get(t *testing.T, tr backends.Transport, name string) ([]entry, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var buf bytes.Buffer
	if err := tr.Get(ctx, name, &buf); err != nil {
		return nil, err
	}
	return unpack(t, &buf), nil
}

func put(t *testing.T, tr backends.Transport, archive io.Reader, dir string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return tr.Put(ctx, archive, dir)
}

func mustPut(t *testing.T, tr backends.Transport, entries []entry, dir string) {
	t.Helper()
	if err := put(t, tr, bytes.NewReader(pack(t, entries)), dir); err != nil {
		t.Fatalf("put into %s: got %v, want success", dir, err)
	}
}

func wantEntries(t *testing.T, tr backends.Transport, name string, want []entry) {
	t.Helper()
	got, err := get(t, tr, name)
	if err != nil {
		t.Errorf("get %s: got %v, want success", name, err)
		return
	}
	if !slices.Equal(got, want) {
		t.Errorf("get %s:\n got %v\nwant %v", name, got, want)
	}
}

// TestFiles checks Put and Get by what one returns of the other, so that
// transports without programs can run it too.
func TestFiles(t *testing.T, tr backends.Transport, opts Options) {
	t.Run("tree", func(t *testing.T) {
		dir := scratch(t, tr, opts) + "/made/on the way"
		mustPut(t, tr, sample(), dir)
		want := slices.SortedFunc(slices.Values(sample()), func(a, b entry) int { return strings.Compare(a.name, b.name) })
		wantEntries(t, tr, dir+"/tree", want)
		wantEntries(t, tr, dir+"/tree/sub/script", []entry{{"script", 0o755, "", "#!/bin/sh\necho ran\n"}})
		wantEntries(t, tr, dir+"/tree/link", []entry{{"link", 0o777, "sub/script", ""}})
		wantEntries(t, tr, dir+"/tree/empty dir/", []entry{{"empty dir/", 0o755, "", ""}})
	})
	t.Run("replaces", func(t *testing.T) { testReplaces(t, tr, opts) })
	t.Run("missing path", func(t *testing.T) {
		missing := scratch(t, tr, opts) + "/no such file"
		if _, err := get(t, tr, missing); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want an error that wraps fs.ErrNotExist", err)
		}
	})
	t.Run("broken archive", func(t *testing.T) {
		whole := pack(t, sample())
		if err := put(t, tr, bytes.NewReader(whole[:len(whole)/2]), scratch(t, tr, opts)); err == nil {
			t.Error("half an archive: got success, want an error")
		}
		reading := errors.New("reading the archive")
		broken := io.MultiReader(bytes.NewReader(whole[:600]), failing{reading})
		if err := put(t, tr, broken, scratch(t, tr, opts)); !errors.Is(err, reading) {
			t.Errorf("archive that cannot be read: got %v, want it to wrap %v", err, reading)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		ctx, stop := context.WithCancelCause(t.Context())
		stop(errStop)
		if err := tr.Put(ctx, bytes.NewReader(pack(t, sample())), scratch(t, tr, opts)); !errors.Is(err, errStop) {
			t.Errorf("put: got %v, want the cause %v", err, errStop)
		}
		if err := tr.Get(ctx, "/", io.Discard); !errors.Is(err, errStop) {
			t.Errorf("get: got %v, want the cause %v", err, errStop)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// testReplaces writes over a file, and over a link, whose target must stay.
func testReplaces(t *testing.T, tr backends.Transport, opts Options) {
	dir := scratch(t, tr, opts)
	mustPut(t, tr, []entry{
		{name: "target", mode: 0o644, data: "target"},
		{name: "file", mode: 0o600, data: "a much longer text than the next"},
		{name: "link", mode: 0o777, link: "target"},
	}, dir)
	mustPut(t, tr, []entry{
		{name: "file", mode: 0o755, data: "new"},
		{name: "link", mode: 0o644, data: "no link now"},
	}, dir)
	wantEntries(t, tr, dir, []entry{
		{path.Base(dir) + "/", 0o755, "", ""},
		{path.Base(dir) + "/file", 0o755, "", "new"},
		{path.Base(dir) + "/link", 0o644, "", "no link now"},
		{path.Base(dir) + "/target", 0o644, "", "target"},
	})
}

// testFilesOnMachine looks at what Put made with the machine's own programs.
func testFilesOnMachine(t *testing.T, tr backends.Transport, opts Options) {
	dir := scratch(t, tr, opts)
	mustPut(t, tr, sample(), dir)
	wantText(t, "program", mustRun(t, tr, dir+"/tree/sub/script"), "ran\n")
	wantText(t, "program through the link", mustRun(t, tr, dir+"/tree/link"), "ran\n")
	wantText(t, "link", mustRun(t, tr, "readlink", dir+"/tree/link"), "sub/script\n")
	wantText(t, "modes", mustRun(t, tr, "stat", "-c", "%a", dir+"/tree", dir+"/tree/sub/big", dir+"/tree/sub/script"), "750\n600\n755\n")
	wantText(t, "content", mustRun(t, tr, "cat", dir+"/tree/sub/big"), string(pattern(3<<20)))
	if opts.Owners {
		testOwners(t, tr, dir)
	}
}

func testOwners(t *testing.T, tr backends.Transport, dir string) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "owned", Mode: 0o4750, Uid: 1234, Gid: 4321}
	if err := errors.Join(w.WriteHeader(h), w.Close()); err != nil {
		t.Fatalf("pack: %v", err)
	}
	if err := put(t, tr, &buf, dir); err != nil {
		t.Fatalf("put: got %v, want success", err)
	}
	wantText(t, "owner and mode", mustRun(t, tr, "stat", "-c", "%u:%g %a", dir+"/owned"), "1234:4321 4750\n")
}
