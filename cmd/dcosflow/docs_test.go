package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

const stepDocs = "../../docs/steps"

// docs/steps has one page for every step type, made from its schema.
func TestStepPages(t *testing.T) {
	want := map[string]string{}
	for _, typ := range stepTypes() {
		want[typ.Name+".md"] = steps.Markdown(&typ)
	}
	if *update {
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(stepDocs, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(stepDocs, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("%s is not what the schema says; `go test ./cmd/dcosflow -update` writes it (-want +got):\n%s", name, diff)
		}
	}
	pages, err := filepath.Glob(filepath.Join(stepDocs, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && want[name] == "" {
			t.Errorf("%s documents no step type", page)
		}
	}
}

// The example of every step type is a valid workflow.
func TestStepExamples(t *testing.T) {
	for _, typ := range stepTypes() {
		t.Run(typ.Name, func(t *testing.T) {
			dir := t.TempDir()
			text := `
backend "docker" "local" {}

cluster "web" {
  roles = { server = 2 }
}

step "genconf" "bundle" {
  cluster   = cluster.web
  installer = "./file"
}

` + steps.Example(&typ)
			file := filepath.Join(dir, "example.hcl")
			for path, content := range map[string]string{file: text, filepath.Join(dir, "file"): ""} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			disk := os.DirFS("/")
			wf, diags := dsl.Load(disk, file, filepath.Base)
			if diags.HasErrors() {
				t.Fatalf("%v in\n%s", diags, text)
			}
			_, diags = plan.Build(plan.Input{Workflow: wf, Steps: stepTypes(), Backends: backendTypes(), Files: disk, WorkingDir: dir, Env: os.LookupEnv})
			if diags.HasErrors() {
				var shown strings.Builder
				dsl.Render(&shown, diags, wf.Files, dsl.RenderOptions{})
				t.Errorf("%s\nin\n%s", shown.String(), text)
			}
		})
	}
}

// Every example of the page about the matrix is a valid workflow.
func TestMatrixExamples(t *testing.T) {
	page, err := os.ReadFile("../../docs/language/matrix.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllSubmatch(page, -1)
	if len(examples) == 0 {
		t.Fatal("the page has no examples")
	}
	for i, example := range examples {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("example-%d.hcl", i))
		if err := os.WriteFile(file, example[1], 0o644); err != nil {
			t.Fatal(err)
		}
		var printed bytes.Buffer
		a := testApp(filepath.Dir(file), os.LookupEnv, &printed, &printed, backendTypes()...)
		if code := a.run(t.Context(), []string{"validate", file}); code != exitOK {
			t.Errorf("example %d has mistakes:\n%s", i+1, printed.String())
		}
	}
}
