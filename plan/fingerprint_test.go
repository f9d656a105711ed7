package plan

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
)

// printOf is the fingerprint of an instance of a workflow.
func printOf(t *testing.T, text string, id dag.ID, key string, f Facts) string {
	t.Helper()
	p := mustBuild(t, text)
	sum, err := p.Fingerprint([]byte(key), p.Graph.Value(id), configure(t, p, id, f))
	if err != nil {
		t.Fatalf("fingerprint of %s: %v", id, err)
	}
	return string(sum)
}

func TestFingerprint(t *testing.T) {
	const step = `step "run" "x" {
  nodes = cluster.c.master
  command = ["a", "b"]
}`
	const check = `variable "limit" { default = 3 }
step "assert" "x" { condition = probe.exit_code < var.limit }`
	cases := []struct {
		name, id, text, edit, into string
		same                       bool
	}{
		{"nothing", `step.x["master-0"]`, step, "", "", true},
		{"an argument", `step.x["master-0"]`, step, `"b"`, `"c"`, false},
		{"elements are not joined", `step.x["master-0"]`, step, `"a", "b"`, `"ab"`, false},
		{"one more argument", `step.x["master-0"]`, step, "  command", "  user = \"me\"\n  command", false},
		{"a default that is written", `step.x["master-0"]`, step, "  command", "  user = \"root\"\n  command", true},
		{"meta-arguments", `step.x["master-0"]`, step, "  command", "  timeout = \"5s\"\n  on_failure = \"continue\"\n  max_parallel = 1\n  description = \"d\"\n  command", true},
		{"null", `step.x["master-0"]`, step, "  command", "  password = null\n  command", true},
		{"a condition", "step.x", check, "<", ">", false},
		{"a value in a condition", "step.x", check, "3", "4", false},
		{"the same condition", "step.x", check, "3", "3.0", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := printOf(t, lab+c.text, dag.ID(c.id), "key", &facts{})
			after := printOf(t, lab+strings.Replace(c.text, c.edit, c.into, 1), dag.ID(c.id), "key", &facts{})
			if (before == after) != c.same {
				t.Errorf("equal fingerprints: got %v, want %v", before == after, c.same)
			}
		})
	}
	if printOf(t, lab+step, `step.x["master-0"]`, "key", &facts{}) == printOf(t, lab+step, `step.x["master-1"]`, "key", &facts{}) {
		t.Error("two nodes have the same fingerprint")
	}
	if printOf(t, lab+step, `step.x["master-0"]`, "key", &facts{}) == printOf(t, lab+step, `step.x["master-0"]`, "other", &facts{}) {
		t.Error("two keys make the same fingerprint")
	}
}

// What comes from other steps counts as a value, and a provision is about its
// own node, however large the cluster is.
func TestFingerprintOfValues(t *testing.T) {
	const chain = `step "run" "one" { command = ["a"] }
step "run" "x" { command = [step.one.stdout] }`
	one := printOf(t, lab+chain, "step.x", "k", &facts{outputs: map[dag.ID]cty.Value{"step.one": ran("1")}})
	two := printOf(t, lab+chain, "step.x", "k", &facts{outputs: map[dag.ID]cty.Value{"step.one": ran("2")}})
	if one == two {
		t.Error("another output makes the same fingerprint")
	}
	const nodes = `step "provision" "n" { cluster = cluster.c }`
	small := printOf(t, lab+nodes, `step.n["master-0"]`, "k", &facts{})
	large := printOf(t, strings.Replace(lab, "agent = 1", "agent = 5", 1)+nodes, `step.n["master-0"]`, "k", &facts{})
	if small != large {
		t.Error("one more node makes another fingerprint of those that there are")
	}
}

func TestDigests(t *testing.T) {
	file := func(text string, mode fs.FileMode) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(text), Mode: mode, ModTime: time.Unix(int64(len(text)), 0)}
	}
	tree := fstest.MapFS{"d/a": file("1", 0o644), "d/sub/b": file("22", 0o644)}
	cases := []struct {
		name, path string
		disk       fstest.MapFS
		same       bool
	}{
		{"equal", "/d", fstest.MapFS{"d/a": file("1", 0o644), "d/sub/b": file("22", 0o644)}, true},
		{"content", "/d", fstest.MapFS{"d/a": file("1", 0o644), "d/sub/b": file("21", 0o644)}, false},
		{"name", "/d", fstest.MapFS{"d/a": file("1", 0o644), "d/sub/c": file("22", 0o644)}, false},
		{"mode", "/d", fstest.MapFS{"d/a": file("1", 0o755), "d/sub/b": file("22", 0o644)}, false},
		{"one more", "/d", fstest.MapFS{"d/a": file("1", 0o644), "d/sub/b": file("22", 0o644), "d/z": file("", 0o644)}, false},
		{"one file", "/d/a", fstest.MapFS{"d/a": file("1", 0o644)}, true},
		{"another file", "/d/a", fstest.MapFS{"d/a": file("2", 0o644)}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, err := newDigests(tree).of(c.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := newDigests(c.disk).of(c.path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(got, want) != c.same {
				t.Errorf("equal digests: got %v, want %v", !c.same, c.same)
			}
		})
	}
	if _, err := newDigests(tree).of("/missing"); err == nil {
		t.Error("a missing file has a digest")
	}
}

// A file that changes during the run is read again; a link counts by where it
// leads, and a directory behind a link by what is in it.
func TestDigestsOnDisk(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := newDigests(os.DirFS("/"))
	sum := func() string {
		t.Helper()
		got, err := d.of(filepath.Join(dir, "behind"))
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	write("real/file", "one")
	if err := os.Symlink("file", filepath.Join(dir, "real/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "behind")); err != nil {
		t.Fatal(err)
	}
	first := sum()
	if sum() != first {
		t.Error("the same directory has two digests")
	}
	write("real/file", "longer")
	second := sum()
	if second == first {
		t.Error("another content has the same digest")
	}
	if err := os.Remove(filepath.Join(dir, "real/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", filepath.Join(dir, "real/link")); err != nil {
		t.Fatal(err)
	}
	if sum() == second {
		t.Error("a link that leads elsewhere has the same digest")
	}
}
