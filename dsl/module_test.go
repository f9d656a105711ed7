package dsl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModulesShareWhatTheyLoad(t *testing.T) {
	files := map[string]string{
		"main.hcl": `
			module "a" { source = "./lib" }
			module "b" { source = "/w/x/../lib/" }
			module "c" { source = "./outer" }`,
		"outer/main.hcl":    `module "inner" { source = "../lib" }`,
		"lib/main.hcl":      `output "x" { value = 1 }`,
		"lib/more.hcl.json": `{"locals": {"l": 1}}`,
	}
	w := load(t, files)
	lib := w.Modules[0].Workflow
	if lib == nil || w.Modules[1].Workflow != lib || w.Modules[2].Workflow.Modules[0].Workflow != lib {
		t.Errorf("got %p, %p and another of ./outer, want one workflow for three calls", lib, w.Modules[1].Workflow)
	}
	if lib.Name != "lib" || lib.Dir != "/w/lib" {
		t.Errorf("got the module %s in %s, want lib in /w/lib", lib.Name, lib.Dir)
	}
	for _, name := range []string{"main.hcl", "outer/main.hcl", "lib/main.hcl", "lib/more.hcl.json"} {
		if w.Files[name] == nil || lib.Files[name] == nil {
			t.Errorf("got the files %v, want %s among them, also in the module's", w.Files, name)
		}
	}
	if _, diags := Load(disk(files), "/w/lib", nil); diags.HasErrors() {
		t.Errorf("got %v for the directory of a module alone, want a workflow", diags)
	}
}

// TestModuleSettingsAlone is a directory that is called as a module and run as
// a workflow: only the call makes its limits a mistake.
func TestModuleSettingsAlone(t *testing.T) {
	files := map[string]string{
		"main.hcl":     `module "a" { source = "./lib" }`,
		"lib/main.hcl": "workflow \"lib\" { timeout = \"5m\" }\nvariable \"timeout\" { default = 1 }\ncluster \"c\" { roles = {} }\n",
	}
	if _, diags := Load(disk(files), "/w/lib", nil); diags.HasErrors() {
		t.Errorf("got %v, want none: it is no module here", diags)
	}
	w, diags := Load(disk(files), "/w", nil)
	if len(diags) != 3 || !w.Incomplete {
		t.Errorf("got %v and incomplete %t, want three problems, and no planning after a cluster in a module", diags, w.Incomplete)
	}
}

func TestBrokenModules(t *testing.T) {
	const call = "module \"m\" { source = \"./lib\" }\n"
	tests := []struct {
		name, path string
		files      map[string]string
		want       string
		incomplete bool
	}{
		{"syntax", "/w", map[string]string{"a.hcl": call, "lib/a.hcl": "locals {"}, "lib/a.hcl:1", true},
		{"a missing directory stops no plan", "/w", map[string]string{"a.hcl": call}, "There is no directory /w/lib", false},
		{"an error in a module of a module", "/w", map[string]string{"a.hcl": call, "lib/a.hcl": "module \"n\" { source = \"./n\" }", "lib/n/a.hcl": "step \"run\" \"1\" {}"}, "lib/n/a.hcl:1", false},
		{"a file that calls its own directory", "/w/a.hcl", map[string]string{"a.hcl": "module \"m\" { source = \".\" }\n"}, `a.hcl:1 calls ".". Take`, false},
		{"a module that calls the workflow", "/w", map[string]string{"a.hcl": call, "lib/a.hcl": "module \"up\" { source = \"..\" }"}, `a.hcl:1 calls "./lib", lib/a.hcl:1 calls ".." again`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, diags := Load(disk(test.files), test.path, nil)
			if len(diags) != 1 || !strings.Contains(diags.Error(), test.want) {
				t.Errorf("got %v, want one problem with %q", diags, test.want)
			}
			if w.Incomplete != test.incomplete {
				t.Errorf("got incomplete %t, want %t", w.Incomplete, test.incomplete)
			}
		})
	}
}

// TestModuleThroughLinks has a link that leads back: the path is another one
// at every turn.
func TestModuleThroughLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.hcl"), []byte("module \"m\" { source = \"./back\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "back")); err != nil {
		t.Fatal(err)
	}
	_, diags := Load(os.DirFS("/"), dir, nil)
	if len(diags) != 1 || diags[0].Summary != "A module calls itself" {
		t.Errorf("got %v, want that the module calls itself", diags)
	}
}

func TestUnreadableModule(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.hcl"), []byte("module \"m\" { source = \"./loop\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	_, diags := Load(os.DirFS("/"), dir, nil)
	if len(diags) != 1 || diags[0].Summary != "Unreadable directory" || diags[0].Subject.Start.Line != 1 {
		t.Errorf("got %v, want that the directory cannot be read, at the source", diags)
	}
}

// TestFunctionsOfAModule is the file() of a module: beside the module's files.
func TestFunctionsOfAModule(t *testing.T) {
	fsys := disk(map[string]string{
		"a.hcl":     "module \"m\" { source = \"./lib\" }",
		"x.txt":     "the workflow's",
		"lib/x.txt": "the module's",
		"lib/a.hcl": "output \"x\" { value = join(\" \", [file(\"x.txt\"), one(fileset(\".\", \"*.txt\"))]) }",
	})
	w, diags := Load(fsys, "/w", nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	module := w.Modules[0].Workflow
	ctx := testContext(module)
	ctx.Functions = Functions(Host{Files: fsys, Dir: module.Dir})
	got, diags := EvaluateStrict(module.Outputs[0].Value, ctx)
	if diags.HasErrors() || got.AsString() != "the module's x.txt" {
		t.Errorf("got %s, %v, want what lies beside the module's files", ValueText(got), diags)
	}
}
