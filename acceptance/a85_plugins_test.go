package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestA85_StepPlugin(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.bin = buildWith(t, "steps/greet", "return builtin.Types()", "return append(builtin.Types(), greet.Type())")
	s.pass("run", testdata(t, "greet.hcl")).says(t, "step.hello")
	s.pass("steps").says(t, "greet", "Says hello")
	s.pass("steps", "greet").says(t, "Who is greeted.", "What was said.")
	s.pass("schema").says(t, `"greet"`, "Who is greeted.")
	s.want(wrongInput, "validate", s.write("wrong.hcl", "step \"greet\" \"x\" {\n  nam = \"you\"\n}\n")).
		says(t, "wrong.hcl line 2", "nam", `"name"`)

	t.Run("control", func(t *testing.T) {
		s.want(stepFailed, "run", testdata(t, "greet.hcl"), "--var", "who=you").says(t, "step.greeted", `"hello, you"`)
		newSandbox(t).want(wrongInput, "run", testdata(t, "greet.hcl")).says(t, "greet.hcl line", `"greet"`)
	})
}

func TestA88_BackendPlugin(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.bin = buildWith(t, "backends/folders", "docker.Type(),", "docker.Type(),\nfolders.Type(),")
	root := "root=" + s.path("machines")
	s.pass("run", testdata(t, "folders.hcl"), "--keep", "always", "--var", root)
	if got, err := os.ReadFile(s.path("machines/c/box-1/name")); err != nil || string(got) != "box-1\n" {
		t.Errorf("the node's directory: got %q, %v", got, err)
	}
	s.pass("exec", "box-1", "--", "cat", "name").says(t, "box-1")
	s.pass("destroy", s.lastRun())
	if _, err := os.Stat(s.path("machines/c")); !os.IsNotExist(err) {
		t.Errorf("after destroy the machines are still there: %v", err)
	}
	s.pass("schema").says(t, `"folders"`, "The directory above those of the nodes.")

	t.Run("control", func(t *testing.T) {
		s.want(stepFailed, "run", testdata(t, "folders.hcl"), "--var", root, "--var", "count=1").says(t, "step.two", "box-0")
		newSandbox(t).want(wrongInput, "run", testdata(t, "folders.hcl"), "--var", root).
			says(t, "folders.hcl line", `"folders"`, "docker")
	})
}

// buildWith builds the tool with one plug-in more: a folder of testdata/plugins
// appears in the project at the given path, and one line of the list in
// cmd/dcosflow/plugins.go changes. No file of the project is touched.
func buildWith(t *testing.T, folder, line, changed string) string {
	t.Helper()
	name := filepath.Base(folder)
	list, err := os.ReadFile("../cmd/dcosflow/plugins.go")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(list), line) != 1 {
		t.Fatalf("cmd/dcosflow/plugins.go has not exactly one line %q", line)
	}
	text := strings.Replace(string(list), line, changed, 1)
	text = strings.Replace(text, "import (", "import (\n\t\"github.com/dcosflow/dcosflow/"+folder+"\"", 1)

	dir := t.TempDir()
	plugins := filepath.Join(dir, "plugins.go")
	if err := os.WriteFile(plugins, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		project(t, "cmd/dcosflow/plugins.go"): plugins,
		project(t, folder+"/"+name+".go"):     testdata(t, "plugins/"+name+"/"+name+".go"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "dcosflow")
	build := command(t, "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, "./cmd/dcosflow")
	build.Dir = project(t, ".")
	if r := finish(t, build); r.code != 0 {
		t.Fatal(r)
	}
	return bin
}

// project is the absolute path of something in the project.
func project(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
