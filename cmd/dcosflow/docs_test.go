package main

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

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
		if diff := gocmp.Diff(text, string(got)); diff != "" {
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

// languageExamples are the whole workflows in the documentation. A line with a
// path before one names the file that it is, for those after it on the page.
var languageExamples = regexp.MustCompile("(?s)(?:`([a-z./-]+)`:\n\n)?```hcl\n(.*?)```")

// The documentation of the language shows workflows, and `validate` has nothing
// to say about them.
func TestLanguageExamples(t *testing.T) {
	pages, err := filepath.Glob("../../docs/language/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("got %d pages (%v), want some", len(pages), err)
	}
	for _, page := range append(pages, "../../README.md", "../../docs/suites.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "release.txt"), "3.5.16")
			write(t, filepath.Join(dir, "license.txt"), "none")
			for _, example := range languageExamples.FindAllStringSubmatch(string(text), -1) {
				file := filepath.Join(dir, cmp.Or(example[1], "example.hcl"))
				write(t, file, example[2])
				var out bytes.Buffer
				a := testApp(dir, os.LookupEnv, &out, &out, backendTypes()...)
				if code := a.run(t.Context(), []string{"validate", file}); code != exitOK {
					t.Errorf("%s\nin\n%s", &out, example[2])
				}
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// docs/cli.md has every command and every flag.
func TestCommandLinePage(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	says := func(pattern string) bool { return regexp.MustCompile(pattern).Match(text) }
	for _, cmd := range testApp(t.TempDir(), os.LookupEnv, io.Discard, io.Discard).root().Commands() {
		if cmd.Hidden {
			continue
		}
		if !says("`" + cmd.Name() + "[ `]") {
			t.Errorf("docs/cli.md lacks the command %q", cmd.Name())
		}
		for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
			flags.VisitAll(func(f *pflag.Flag) {
				if !f.Hidden && !says("--"+f.Name+"\\b") {
					t.Errorf("docs/cli.md lacks --%s of %q", f.Name, cmd.Name())
				}
			})
		}
	}
}
