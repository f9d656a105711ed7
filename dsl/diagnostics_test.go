package dsl

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

func at(file string, line, from, to int) *hcl.Range {
	return &hcl.Range{
		Filename: file,
		Start:    hcl.Pos{Line: line, Column: from + 1, Byte: from},
		End:      hcl.Pos{Line: line, Column: to + 1, Byte: to},
	}
}

func TestSort(t *testing.T) {
	diags := hcl.Diagnostics{
		{Summary: "d", Subject: at("b", 1, 0, 1)},
		{Summary: "c", Subject: at("a", 1, 7, 9)},
		{Summary: "b", Subject: at("a", 1, 7, 8)},
		{Summary: "c", Subject: at("a", 1, 7, 9), Detail: "an echo"},
		{Summary: "a", Detail: "no place"},
		{Summary: "a", Detail: "another"},
		{Summary: "a", Detail: "no place"},
	}
	var got []string
	for _, d := range Sort(diags) {
		got = append(got, d.Summary+" "+d.Detail)
	}
	want := []string{"a no place", "a another", "b ", "c ", "d "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diags[0].Summary != "d" {
		t.Error("Sort changed its argument")
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"stdout", "stderr", "exit_code", "x", "run"}
	tests := map[string]string{
		"stdot":    ` Did you mean "stdout"?`,
		"STDOUT":   ` Did you mean "stdout"?`,
		"exitcode": ` Did you mean "exit_code"?`,
		"rum":      ` Did you mean "run"?`,
		"rnu":      ` Did you mean "run"?`,
		"sdtuot":   ` Did you mean "stdout"?`,
		"y":        "",
		"banana":   "",
		"":         "",
	}
	for given, want := range tests {
		if got := Suggest(given, known); got != want {
			t.Errorf("Suggest(%q) got %q, want %q", given, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	files := map[string]*hcl.File{"a.hcl": {Bytes: []byte("x = var.a\n")}}
	diags := hcl.Diagnostics{{
		Severity:    hcl.DiagWarning,
		Summary:     "S",
		Detail:      "D",
		Subject:     at("a.hcl", 1, 4, 9),
		Expression:  expression(t, "    var.a"),
		EvalContext: &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{"a": cty.True})}},
	}}
	files["test.hcl"] = files["a.hcl"]
	got, err := json.Marshal(JSON(diags, files))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"severity":"warning","summary":"S","detail":"D",` +
		`"range":{"filename":"a.hcl","start":{"line":1,"column":5,"byte":4},"end":{"line":1,"column":10,"byte":9}},` +
		`"snippet":{"code":"x = var.a","start_line":1,"highlight_start_offset":4,"highlight_end_offset":9,"values":[{"traversal":"var.a","value":"true"}]}}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if got, err := json.Marshal(JSON(nil, nil)); err != nil || string(got) != "[]" {
		t.Errorf("got %s, %v for no diagnostics, want []", got, err)
	}
}

func TestRenderPlaces(t *testing.T) {
	const src = "one\n\ttwo \u00e4 three\nfour"
	files := map[string]*hcl.File{"a": {Bytes: []byte(src)}}
	tests := []struct {
		name string
		rng  *hcl.Range
		want string
	}{
		{"no place", nil, "Error: S\n"},
		{"no source", at("b", 7, 1, 2), "Error: S\n  on b line 7:\n"},
		{"a tab", at("a", 2, 5, 8), "Error: S\n  on a line 2:\n     2: \ttwo \u00e4 three\n        \t^^^\n"},
		{"wide letters", at("a", 2, 9, 17), "Error: S\n  on a line 2:\n     2: \ttwo \u00e4 three\n        \t    ^^^^^^^\n"},
		{"empty", at("a", 1, 3, 3), "Error: S\n  on a line 1:\n     1: one\n           ^\n"},
		{"lines", at("a", 1, 1, 8), "Error: S\n  on a line 1:\n     1: one\n         ^^\n     2: \ttwo \u00e4 three\n        \t^^^\n"},
		{"the end", at("a", 3, 22, 22), "Error: S\n  on a line 3:\n     3: four\n            ^\n"},
		{"past the end", at("a", 9, 100, 200), "Error: S\n  on a line 9:\n     3: four\n            ^\n"},
		{"backwards", at("a", 1, 2, -5), "Error: S\n  on a line 1:\n     1: one\n          ^\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			Render(&b, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "S", Subject: test.rng}}, files, RenderOptions{})
			if diff := cmp.Diff(test.want, b.String()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenderLongRange(t *testing.T) {
	src := strings.Repeat("line\n", 9)
	var b bytes.Buffer
	Render(&b, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "S", Subject: at("a", 1, 0, len(src))}},
		map[string]*hcl.File{"a": {Bytes: []byte(src)}}, RenderOptions{})
	if !strings.HasSuffix(b.String(), "     5: line\n        ^^^^\n        ... 4 more lines\n") {
		t.Errorf("got\n%swant five lines and how many more there are", b.String())
	}
}

func TestRenderColor(t *testing.T) {
	var b bytes.Buffer
	Render(&b, hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "S"}}, nil, RenderOptions{Color: true})
	if got, want := b.String(), "\x1b[1;33mWarning\x1b[0m: \x1b[1mS\x1b[0m\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	tests := []struct{ text, want string }{
		{"one two three", "one two\nthree"},
		{"one two\nthree", "one two\nthree"},
		{" kept as it is, however long", " kept as it is, however long"},
		{"unbreakable words", "unbreakable\nwords"},
		{"\u00e4\u00e4\u00e4 \u00e4\u00e4\u00e4\u00e4 \u00e4", "\u00e4\u00e4\u00e4 \u00e4\u00e4\u00e4\u00e4\n\u00e4"},
		{"", ""},
	}
	for _, test := range tests {
		if got := wrap(test.text, 8); got != test.want {
			t.Errorf("wrap(%q) got %q, want %q", test.text, got, test.want)
		}
	}
	if got := wrap("one two three", 0); got != "one two three" {
		t.Errorf("got %q without a width, want the text as it is", got)
	}
}

func TestValueText(t *testing.T) {
	tests := []struct {
		v    cty.Value
		want string
	}{
		{cty.NumberFloatVal(1e3), "1000"},
		{cty.NumberFloatVal(0.5), "0.5"},
		{cty.MustParseNumberVal("1e99999999"), "about 10^99999999"},
		{cty.PositiveInfinity, "+Inf"},
		{cty.StringVal(strings.Repeat("x", 300)), `"` + strings.Repeat("x", maxValueText-1) + "..."},
		{cty.ObjectVal(map[string]cty.Value{"b": cty.True, "a b": cty.NullVal(cty.Bool)}), `{"a b" = null, b = true}`},
		{cty.ListVal([]cty.Value{cty.UnknownVal(cty.String)}), "[(known later)]"},
		{cty.TupleVal([]cty.Value{cty.StringVal("s").Mark("sensitive")}), "[(sensitive)]"},
		{cty.SetVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}), `["a", "b"]`},
	}
	for _, test := range tests {
		if got := ValueText(test.v); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
