package copy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps/copy"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

type args = stepstest.Args

func do(t *testing.T, tr backends.Transport, a args) (cty.Value, error) {
	t.Helper()
	typ := copy.Type()
	s, err := typ.New(stepstest.Config(t, &typ.Schema, a))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	return s.Run(t.Context(), stepstest.NewWorld(local.Transport{}, stepstest.Node("box-0", tr)).Env)
}

// tree makes a directory with one of everything.
func tree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "source")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "empty"), 0o750))
	must(os.WriteFile(filepath.Join(dir, "file.txt"), []byte("text\n"), 0o640))
	must(os.WriteFile(filepath.Join(dir, "run.sh"), []byte("#!/bin/sh\n"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "odd \\ name\n"), []byte("odd"), 0o600))
	must(os.Symlink("file.txt", filepath.Join(dir, "link")))
	must(os.Symlink("source/file.txt", filepath.Join(filepath.Dir(dir), "alias")))
	return dir
}

func sum(s string) string {
	digest := sha256.Sum256([]byte(s))
	return hex.EncodeToString(digest[:])
}

func wantFile(t *testing.T, name, content string, mode fs.FileMode) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil || string(data) != content {
		t.Errorf("%s: got %q, %v, want %q", name, data, err, content)
		return
	}
	info, err := os.Lstat(name)
	if err != nil || info.Mode() != mode {
		t.Errorf("%s: got mode %v, %v, want %v", name, info.Mode(), err, mode)
	}
}

func TestFiles(t *testing.T) {
	source := tree(t)
	tests := []struct {
		name    string
		args    args
		content string
		mode    fs.FileMode
	}{
		{"file", args{"source": source + "/file.txt"}, "text\n", 0o640},
		{"link is followed", args{"source": filepath.Dir(source) + "/alias"}, "text\n", 0o640},
		{"mode", args{"source": source + "/file.txt", "mode": "0604"}, "text\n", 0o604},
		{"set-uid", args{"source": source + "/run.sh", "mode": "4755"}, "#!/bin/sh\n", fs.ModeSetuid | 0o755},
		{"content", args{"content": "some text"}, "some text", 0o644},
		{"empty content", args{"content": ""}, "", 0o644},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := filepath.Join(t.TempDir(), "made/here/new name")
			tt.args["destination"] = at
			out, err := do(t, local.Transport{}, tt.args)
			if err != nil {
				t.Fatalf("got %v, want success", err)
			}
			wantFile(t, at, tt.content, tt.mode)
			want := cty.ObjectVal(map[string]cty.Value{
				"destination": cty.StringVal(at), "sha256": cty.StringVal(sum(tt.content)), "bytes": cty.NumberIntVal(int64(len(tt.content))),
			})
			if !out.RawEquals(want) {
				t.Errorf("outputs: got %#v, want %#v", out, want)
			}
		})
	}
}

func TestDirectory(t *testing.T) {
	source, at := tree(t), filepath.Join(t.TempDir(), "copy")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "stays"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := do(t, local.Transport{}, args{"source": source, "destination": at + "/"})
	if err != nil {
		t.Fatalf("got %v, want success", err)
	}
	wantFile(t, at+"/file.txt", "text\n", 0o640)
	wantFile(t, at+"/run.sh", "#!/bin/sh\n", 0o755)
	wantFile(t, at+"/odd \\ name\n", "odd", 0o600)
	wantFile(t, at+"/stays", "", 0o600)
	if link, err := os.Readlink(at + "/link"); err != nil || link != "file.txt" {
		t.Errorf("link: got %q, %v, want %q", link, err, "file.txt")
	}
	if info, err := os.Stat(at + "/empty"); err != nil || info.Mode() != fs.ModeDir|0o750 {
		t.Errorf("empty directory: got %v, %v, want mode 0750", info, err)
	}
	list := sum("text\n") + "  file.txt\n" + `\` + sum("odd") + `  odd \\ name\n` + "\n" + sum("#!/bin/sh\n") + "  run.sh\n"
	if got := out.GetAttr("sha256").AsString(); got != sum(list) {
		t.Errorf("sha256: got %s, want that of\n%s", got, list)
	}
}

func TestOwner(t *testing.T) {
	tr, calls := fake.NewTransport("box-0",
		fake.Script{Command: regexp.MustCompile(`(?s)chown.* nobody:daemon$`), Stdout: "65534 1\n"},
		fake.Script{Command: regexp.MustCompile(`(?s)chown.* ghost$`), Code: 1, Stderr: "chown: invalid user: 'ghost'\n"},
		fake.Script{Command: regexp.MustCompile(`^sha256sum`)},
	)
	if _, err := do(t, tr, args{"content": "x", "destination": "/srv/x", "owner": "nobody:daemon"}); err != nil {
		t.Errorf("got %v, want success", err)
	}
	if got := len(calls()); got != 3 {
		t.Errorf("got %d calls, want 3: owner, put, check", got)
	}
	_, err := do(t, tr, args{"content": "x", "destination": "/srv/x", "owner": "ghost"})
	want := `copy content to box-0:/srv/x: owner "ghost": chown: invalid user: 'ghost'`
	if err == nil || err.Error() != want {
		t.Errorf("unknown owner: got %v, want %s", err, want)
	}
}

func TestFailures(t *testing.T) {
	lost := &backends.TroubleError{Op: "check", Err: errors.New("machine lost")}
	tests := []struct {
		name   string
		args   args
		script fake.Script
		want   string
	}{
		{"missing source", args{"source": "/no/such/file"}, fake.Script{}, "copy /no/such/file to box-0:/srv/x: "},
		{"damaged on the way", args{"content": "x"}, fake.Script{Stdout: "/srv/x: FAILED\n", Code: 1}, "copy content to box-0:/srv/x: the copy differs from its source: /srv/x: FAILED"},
		{"trouble", args{"content": "x"}, fake.Script{Err: lost}, "copy content to box-0:/srv/x: check the copy: check: machine lost"},
		{"device", args{"source": "/dev/null"}, fake.Script{}, "neither a file, a directory nor a symbolic link"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr, _ := fake.NewTransport("box-0", tt.script)
			tt.args["destination"] = "/srv/x"
			_, err := do(t, tr, tt.args)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
			if tt.script.Err != nil && !errors.Is(err, tt.script.Err) {
				t.Errorf("got %v, want it to wrap %v", err, tt.script.Err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	typ := copy.Type()
	unknown := cty.UnknownVal(cty.String)
	tests := []struct {
		name string
		args args
		want []string
	}{
		{"fine", args{"content": "x", "destination": "/srv/x", "mode": "0644", "owner": "a:b"}, nil},
		{"owners", args{"content": "x", "destination": "/srv/x", "owner": ":1000"}, nil},
		{"unknown", args{"content": unknown, "destination": unknown, "mode": unknown, "owner": unknown}, nil},
		{"relative", args{"content": "x", "destination": "srv/x"}, []string{"destination: Destination is not absolute"}},
		{"root", args{"source": "/x", "destination": "//"}, []string{"destination: Destination is the root directory"}},
		{"file with a slash", args{"content": "x", "destination": "/srv/"}, []string{"destination: Destination is a directory"}},
		{"mode", args{"content": "x", "destination": "/x", "mode": "u+x"}, []string{"mode: Not a mode"}},
		{"owner", args{"content": "x", "destination": "/x", "owner": "-R root"}, []string{"owner: Not an owner"}},
		{"no owner", args{"content": "x", "destination": "/x", "owner": ""}, []string{"owner: Not an owner"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stepstest.Problems(typ.Schema.Check(stepstest.Config(t, &typ.Schema, tt.args)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
