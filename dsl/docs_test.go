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
)

const docs = "../docs/language"

// TestExamples loads every example of the pages of the language.
func TestExamples(t *testing.T) {
	block := regexp.MustCompile("(?s)```(hcl|json)\n(.*?)```")
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
			name := "a.hcl"
			if example[1] == "json" {
				name = "a.hcl.json"
			}
			if _, diags := Load(disk(map[string]string{name: example[2]}), "/w", nil); len(diags) > 0 {
				t.Errorf("%s: got %v, want no diagnostics for\n%s", page, diags, example[2])
			}
		}
	}
}

// TestFunctionsAreDocumented holds the table of functions against the page.
func TestFunctionsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docs, "expressions.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Functions")
	var got []string
	for _, row := range regexp.MustCompile(`(?m)^\|.*\|$`).FindAllString(section, -1) {
		for _, name := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(row, -1) {
			got = append(got, name[1])
		}
	}
	slices.Sort(got)
	want := slices.Sorted(maps.Keys(Functions(Host{})))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions in the page (-there are +documented):\n%s", diff)
	}
}
