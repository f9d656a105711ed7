package dsl

import (
	"strings"
	"testing"
)

// JSON that a program made may be one long line, and a file no text at all.
func TestLongLines(t *testing.T) {
	filler := strings.Repeat("ä", 3000)
	for name, text := range map[string]string{
		"a.hcl":      `output "x" { value = ["` + filler + `", var.nix, "` + filler + `"] }`,
		"a.hcl.json": `{"output": {"x": {"value": ["` + filler + `", "${var.nix}", "` + filler + `"]}}}`,
	} {
		w := load(t, map[string]string{name: text})
		_, diags := EvaluateStrict(w.Outputs[0].Value, testContext(w))
		views := JSON(diags, w.Files)
		if len(views) != 1 || views[0].Snippet == nil {
			t.Fatalf("%s: got %v, want one with a snippet", name, diags)
		}
		s := views[0].Snippet
		if marked := s.Code[s.HighlightStart:s.HighlightEnd]; len(s.Code) > 600 || !strings.HasSuffix(marked, "nix") || strings.ContainsRune(s.Code, '\uFFFD') {
			t.Errorf("%s: got %d bytes %q with %q marked, want fewer with a part of var.nix", name, len(s.Code), s.Code, marked)
		}
	}
	_, diags := Load(disk(map[string]string{"a.hcl": strings.Repeat("\x1b\x00", 5000)}), "/w", nil)
	if len(diags) == 0 || len(diags) > 3 {
		t.Errorf("got %d diagnostics of a file that is no text, want a few", len(diags))
	}
}
