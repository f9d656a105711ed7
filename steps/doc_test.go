package steps_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

var update = flag.Bool("update", false, "write the golden files")

// sample has one of everything that a schema can say.
func sample() *steps.Type {
	return &steps.Type{
		Name: "brew",
		Doc:  "Brews coffee\non a node. It takes a while.",
		Schema: schema.Block{
			Attributes: []schema.Attribute{
				{Name: "beans", Type: cty.String, Required: true, Values: []string{"arabica", "robusta"}, Doc: "Which beans."},
				{Name: "cups", Type: cty.Number, Default: cty.NumberIntVal(2), Doc: "How many | at least one."},
				{Name: "command", Type: cty.List(cty.String), Doc: "What to run."},
				{Name: "script", Type: cty.String, Doc: "A script instead."},
				{Name: "filter", Kind: schema.Path, Required: true, Doc: "The filter."},
				{Name: "settings", Type: cty.Map(cty.String), Example: "{ heat = 93 }", Doc: "Any settings."},
				{Name: "pin", Type: cty.String, Sensitive: true, Doc: "The pin of the machine."},
			},
			Blocks: []schema.Nested{{
				Name: "until", Min: 1, Max: 1, Doc: "When it is done.",
				Block: schema.Block{
					Attributes: []schema.Attribute{
						{Name: "every", Kind: schema.Duration, Required: true, Doc: "The pause."},
						{Name: "condition", Kind: schema.Deferred, Doc: "What must hold."},
					},
					Blocks: []schema.Nested{{
						Name: "http", Doc: "A page.",
						Block: schema.Block{Attributes: []schema.Attribute{{Name: "url", Type: cty.String, Required: true, Doc: "Its address."}}},
					}},
				},
			}},
			OneOf:     [][]string{{"command", "script"}},
			AtMostOne: [][]string{{"settings", "pin"}},
		},
		Outputs: []schema.Output{
			{Name: "temperature", Type: cty.Number, Doc: "In degrees."},
			{Name: "taste", Type: cty.Object(map[string]cty.Type{"sour": cty.Bool, "notes": cty.Set(cty.String)}), Sensitive: true, Doc: "How it is."},
		},
		Placement: steps.NeedsNode,
	}
}

func TestMarkdown(t *testing.T) {
	backend := &backends.Type{
		Name: "kitchen", Doc: "Machines in a kitchen.",
		Schema: schema.Block{Attributes: []schema.Attribute{{Name: "floor", Type: cty.Number, Doc: "Which floor."}}},
		Role:   schema.Block{Attributes: []schema.Attribute{{Name: "mounts", Type: cty.DynamicPseudoType, Doc: "What hangs where."}}},
	}
	for name, got := range map[string]string{
		"step.md":    steps.Markdown(sample()),
		"nothing.md": steps.Markdown(&steps.Type{Name: "nothing", Doc: "Does nothing."}),
		"backend.md": steps.BackendMarkdown(backend),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs; `go test ./steps -update` writes it (-want +got):\n%s", path, diff)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	for doc, want := range map[string]string{
		"Brews coffee\non a node. It takes a while.": "Brews coffee on a node",
		"Runs v1.2 of it.":                           "Runs v1.2 of it",
		"No stop":                                    "No stop",
		"":                                           "",
	} {
		if got := steps.Summary(doc); got != want {
			t.Errorf("Summary(%q) = %q, want %q", doc, got, want)
		}
	}
}
