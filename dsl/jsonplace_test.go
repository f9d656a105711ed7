package dsl

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// TestJSONPlaces: whatever is escaped before it, a reference is found where it
// stands in the file.
func TestJSONPlaces(t *testing.T) {
	tests := []struct {
		name, value string
		want        []string
	}{
		{"no escapes", `"a ${step.b.stdout}"`, []string{"step.b.stdout"}},
		{"a quote", `"a \"q\" ${step.b.stdout} ${step.c[\"k\"].stdout}"`, []string{"step.b.stdout", `step.c[\"k\"].stdout`}},
		{"lines", `"one\ntwo\t${step.b.stdout}\n${local.x}"`, []string{"step.b.stdout", "local.x"}},
		{"alone", `"${try(step.b[\"k\"].stdout, local.x)}"`, []string{`step.b[\"k\"].stdout`, "local.x"}},
		{"splat", `"\\ ${step.b[*].stdout}"`, []string{"step.b[*].stdout"}},
		{"for", `"\n${join(\",\", [for s in var.list : s.name if s != local.x])}"`, []string{"var.list", "local.x"}},
		{"object", `{"a\"b": "\n${var.x}", "${var.y}": ["\"${var.z}"]}`, []string{"var.x", "var.y", "var.z"}},
		{"wide letters", `"ä\n${var.x}"`, []string{"var.x"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := load(t, map[string]string{"a.hcl.json": `{"output": {"o": {"value": ` + test.value + `}}}`})
			var got []string
			for _, ref := range References(w.Outputs[0].Value) {
				if ref.Range.Start.Line != 1 || ref.Range.End.Line != 1 {
					t.Errorf("got %v, want a range on line 1", ref.Range)
				}
				got = append(got, string(ref.Range.SliceBytes(w.Files["a.hcl.json"].Bytes)))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("text at the ranges (-want +got):\n%s", diff)
			}
		})
	}
}

// TestJSONPlacesOfMistakes: the parser's complaints are moved, too.
func TestJSONPlacesOfMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"template", `{"output": {"o": {"value": "\"\n${1 +* 2}"}}}`, `*`},
		{"reference", `{"step": {"run": {"x": {"depends_on": ["step.a[\"\\n\" +* 2]"]}}}}`, `*`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, diags := Load(disk(map[string]string{"a.hcl.json": test.text}), "/w", nil)
			if len(diags) == 0 {
				t.Fatal("got no diagnostics, want some")
			}
			if got := string(diags[0].Subject.SliceBytes(w.Files["a.hcl.json"].Bytes)); got != test.want {
				t.Errorf("got %v at %q, want it at %q", diags, got, test.want)
			}
		})
	}
}

// TestJSONUnusualEscapes are not counted, and harm nothing.
func TestJSONUnusualEscapes(t *testing.T) {
	w := load(t, map[string]string{"a.hcl.json": `{"output": {"o": {"value": "\u0041 ${var.x}"}}}`})
	refs := References(w.Outputs[0].Value)
	if len(refs) != 1 || refs[0].Name != "x" || refs[0].Range == (hcl.Range{}) {
		t.Errorf("got %+v, want one reference with a place", refs)
	}
}
