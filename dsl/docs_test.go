package dsl

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty/function"
)

const docs = "../docs/language"

// Examples in JSON can be loaded. Those in the native syntax are validated where
// the step types are known.
func TestJSONExamples(t *testing.T) {
	block := regexp.MustCompile("(?s)```json\n(.*?)```")
	pages, err := filepath.Glob(filepath.Join(docs, "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("got %d pages in %s (%v), want some", len(pages), docs, err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range block.FindAllStringSubmatch(string(text), -1) {
			if _, diags := Load(disk(map[string]string{"a.hcl.json": example[1]}), "/w", nil); len(diags) > 0 {
				t.Errorf("%s: got %v, want no diagnostics for\n%s", page, diags, example[1])
			}
		}
	}
}

// Every block and every argument of it has a heading in its page. Those of
// backends and steps are of their types, which have pages of their own.
func TestBlocksAreDocumented(t *testing.T) {
	pages := map[string]struct {
		page  string
		names []string
	}{
		"workflow": {"workflow.md", settingsArguments},
		"variable": {"variables.md", namesOf(variableSchema)},
		"locals":   {"locals.md", nil},
		"matrix":   {"matrix.md", namesOf(matrixSchema)},
		"backend":  {"clusters.md", nil},
		"cluster":  {"clusters.md", clusterArguments},
		"step":     {"steps.md", MetaArguments()},
		"group":    {"groups.md", slices.DeleteFunc(namesOf(groupSchema), func(name string) bool { return name == "step" })},
		"module":   {"modules.md", namesOf(moduleSchema)},
		"output":   {"outputs.md", outputArguments},
	}
	for _, block := range topSchema.Blocks {
		if pages[block.Type].page == "" {
			t.Errorf("the block %q has no page", block.Type)
		}
	}
	pages["retry"] = struct {
		page  string
		names []string
	}{"retries.md", retryArguments}
	for block, want := range pages {
		text, err := os.ReadFile(filepath.Join(docs, want.page))
		if err != nil {
			t.Errorf("%s: %v", block, err)
			continue
		}
		headings := strings.Join(regexp.MustCompile("(?m)^#+ .*$").FindAllString(string(text), -1), "\n")
		if !strings.Contains(strings.ToLower(headings), strings.TrimSuffix(block, "y")) {
			t.Errorf("%s has no heading for the block %q", want.page, block)
		}
		for _, name := range want.names {
			if !strings.Contains(headings, "`"+name+"`") {
				t.Errorf("%s has no heading for %s of %q", want.page, name, block)
			}
		}
	}
}

func namesOf(schema *hcl.BodySchema) []string {
	var names []string
	for _, a := range schema.Attributes {
		names = append(names, a.Name)
	}
	for _, b := range schema.Blocks {
		names = append(names, b.Type)
	}
	return names
}

// Every function has a heading in the page of functions, and what its examples
// are said to be is what they are.
func TestFunctionsPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docs, "functions.md"))
	if err != nil {
		t.Fatal(err)
	}
	host := Host{
		Files: disk(map[string]string{"release.txt": "3.5.16\n"}), Dir: "/w",
		Env: func(string) (string, bool) { return "", false },
	}
	functions := Functions(host)
	var got []string
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		name = strings.Trim(name, "`")
		got = append(got, name)
		if !strings.Contains(body, name+"(") {
			t.Errorf("%s has no example", name)
		}
		for _, example := range regexp.MustCompile("(?s)`([^`]+)`\\s+is `([^`]+)`").FindAllStringSubmatch(body, -1) {
			checkExample(t, example[1], example[2], functions)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(functions)), got); diff != "" {
		t.Errorf("functions of the page (-there are +documented):\n%s", diff)
	}
}

func checkExample(t *testing.T, expression, want string, functions map[string]function.Function) {
	t.Helper()
	equal := "(" + expression + ") == (" + want + ")"
	e, diags := hclsyntax.ParseExpression([]byte(equal), "functions.md", hcl.InitialPos)
	if diags.HasErrors() {
		t.Errorf("%s: %v", equal, diags)
		return
	}
	compareStrictly(e)
	v, diags := EvaluateStrict(e, &hcl.EvalContext{Functions: functions})
	if diags.HasErrors() || !v.True() {
		t.Errorf("%s: got %s %v, want true", equal, ValueText(v), diags)
	}
}
