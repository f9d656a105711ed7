package dsl

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/zclconf/go-cty/cty"
)

var update = flag.Bool("update", false, "write what the tests got into testdata")

// disk makes a file system of files below /w.
func disk(files map[string]string) fs.FS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys["w/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// TestDiagnostics loads the workflow of an archive; when it is without errors
// it evaluates the outputs. What is rendered must equal the archive's "want".
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("got %d archives in testdata (%v), want some", len(archives), err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string]string{}, -1
			for i, f := range archive.Files {
				if f.Name == "want" {
					want = i
				} else {
					files[f.Name] = string(f.Data)
				}
			}
			got := rendered(disk(files))
			if *update {
				if want < 0 {
					archive.Files = append(archive.Files, txtar.File{Name: "want"})
					want = len(archive.Files) - 1
				}
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want < 0 {
				t.Fatalf("%s has no file %q; run the test with -update", name, "want")
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
				t.Errorf("rendered diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

func rendered(fsys fs.FS) string {
	w, diags := Load(fsys, "/w", nil)
	var files map[string]*hcl.File
	if w != nil {
		files = w.Files
	}
	if !diags.HasErrors() {
		ctx := testContext(w)
		for _, output := range w.Outputs {
			_, more := EvaluateStrict(output.Value, ctx)
			diags = append(diags, more...)
		}
	}
	var b bytes.Buffer
	Render(&b, diags, files, RenderOptions{Width: 78})
	return b.String()
}

// testContext has the defaults of the variables, marked when sensitive, and one
// finished step.
func testContext(w *Workflow) *hcl.EvalContext {
	vars := map[string]cty.Value{}
	for _, v := range w.Variables {
		val := v.Default
		if val == cty.NilVal {
			val = cty.UnknownVal(v.Type)
		}
		if v.Sensitive {
			val = val.Mark(Sensitive)
		}
		vars[v.Name] = val
	}
	return &hcl.EvalContext{
		Functions: Functions(Host{Files: disk(nil), Dir: "/w"}),
		Variables: map[string]cty.Value{
			"var": cty.ObjectVal(vars),
			"step": cty.ObjectVal(map[string]cty.Value{"version": cty.ObjectVal(map[string]cty.Value{
				"stdout":    cty.StringVal("3.5.16\n"),
				"exit_code": cty.NumberIntVal(0),
			})}),
		},
	}
}

func TestLoad(t *testing.T) {
	w := load(t, map[string]string{
		"b.hcl": `
			step "wait" "up" {
				node       = cluster.etcd.member[0]
				depends_on = [step.nodes, step.copy["a"]]
				retry { attempts = 3 }
				until { every = "1s" }
			}
			output "x" { value = 1 }`,
		"a.hcl": `
			workflow "upgrade" {
				description = "Upgrades."
				timeout     = "5m"
			}
			variable "n" { default = 3 }
			locals {
				b = 1
				a = 2
			}
			backend "docker" "local" { distribution = "debian-12" }
			cluster "etcd" { roles = { member = 3 } }
			step "provision" "nodes" { cluster = cluster.etcd }`,
		"x.vars.hcl":   `n = 4`,
		"y.lock.hcl":   `broken {`,
		".hidden.hcl":  `broken {`,
		"README.md":    `broken {`,
		"sub/file.hcl": `broken {`,
	})
	type summary struct {
		Name, Description, Dir string
		Names                  []string
	}
	got := summary{Name: w.Name, Description: w.Description, Dir: w.Dir}
	for _, v := range w.Variables {
		got.Names = append(got.Names, "variable "+v.Name+" "+v.Type.FriendlyName())
	}
	for _, l := range w.Locals {
		got.Names = append(got.Names, "local "+l.Name)
	}
	for _, s := range w.Steps {
		got.Names = append(got.Names, "step "+s.Type+" "+s.Name+" "+s.Range.Filename)
	}
	want := summary{
		Name: "upgrade", Description: "Upgrades.", Dir: "/w",
		Names: []string{"variable n number", "local b", "local a", "step provision nodes a.hcl", "step wait up b.hcl"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workflow (-want +got):\n%s", diff)
	}
	checkWait(t, w.Steps[1])
}

func checkWait(t *testing.T, s *Step) {
	t.Helper()
	if s.Meta.Retry == nil || s.Meta.Retry.Attempts == nil || s.Meta.Retry.Delay != nil {
		t.Errorf("got retry %+v, want attempts only", s.Meta.Retry)
	}
	var names []string
	for _, ref := range s.Meta.DependsOn {
		names = append(names, ref.Name)
	}
	if diff := cmp.Diff([]string{"nodes", "copy"}, names); diff != "" {
		t.Errorf("depends_on (-want +got):\n%s", diff)
	}
	content, diags := s.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "until"}}})
	if diags.HasErrors() || len(content.Blocks) != 1 {
		t.Errorf("got a body with %d blocks (%v), want one until block and no meta-arguments", len(content.Blocks), diags)
	}
}

func load(t testing.TB, files map[string]string) *Workflow {
	t.Helper()
	w, diags := Load(disk(files), "/w", nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return w
}

func TestLoadPath(t *testing.T) {
	fsys := disk(map[string]string{
		"up.hcl":          `output "x" { value = 1 }`,
		"two.hcl.json":    `{"output": {"y": {"value": 2}}}`,
		"empty/notes":     ``,
		"vars/a.vars.hcl": ``,
	})
	tests := []struct{ path, name, want string }{
		{"/w/up.hcl", "up", ""},
		{"/w/two.hcl.json", "two", ""},
		{"/w", "w", ""},
		{"/w/none.hcl", "", "There is no file or directory /w/none.hcl."},
		{"/w/empty", "", "/w/empty has no *.hcl or *.hcl.json file."},
		{"/w/vars", "", "/w/vars has no *.hcl or *.hcl.json file."},
	}
	for _, test := range tests {
		w, diags := Load(fsys, test.path, nil)
		if test.want == "" {
			if diags.HasErrors() || w == nil || w.Name != test.name {
				t.Errorf("Load(%s) got %+v, %v, want the name %q", test.path, w, diags, test.name)
			}
			continue
		}
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, test.want) || w != nil {
			t.Errorf("Load(%s) got %+v, %v, want no workflow and %q", test.path, w, diags, test.want)
		}
	}
}

func TestDisplay(t *testing.T) {
	fsys := disk(map[string]string{"up.hcl": `step "run" "x" {}`})
	w, _ := Load(fsys, "/w/up.hcl", func(abs string) string { return "../.." + abs })
	if got, want := w.Steps[0].Range.Filename, "../../w/up.hcl"; got != want {
		t.Errorf("got the range in %s, want %s", got, want)
	}
}
