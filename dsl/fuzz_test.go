package dsl

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad looks for panics, and for places outside the file, in loading a file
// of either syntax, listing its references, evaluating and rendering.
func FuzzLoad(f *testing.F) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(string(file.Data), false)
		}
	}
	f.Add(nativeForm, false)
	f.Add(variableBlocks, false)
	f.Add(jsonForm, true)
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		name := "a.hcl"
		if isJSON {
			name = "a.hcl.json"
		}
		w, diags := Load(disk(map[string]string{name: text}), "/w", nil)
		if w == nil {
			t.Fatalf("got no workflow, want one, however empty: %v", diags)
		}
		diags = append(diags, evaluateAll(w)...)
		Render(io.Discard, diags, w.Files, RenderOptions{Width: 40})
	})
}

func evaluateAll(w *Workflow) hcl.Diagnostics {
	ctx := testContext(w)
	var diags hcl.Diagnostics
	evaluate := func(e hcl.Expression) {
		if e == nil {
			return
		}
		References(e)
		Operands(e, ctx, w.Files)
		_, more := EvaluateStrict(e, ctx)
		diags = append(diags, more...)
	}
	for _, o := range w.Outputs {
		evaluate(o.Value)
	}
	for _, l := range w.Locals {
		evaluate(l.Expr)
	}
	for _, s := range w.Steps {
		evaluate(s.Meta.Nodes)
		attrs, more := s.Body.JustAttributes()
		diags = append(diags, more...)
		for _, attr := range attrs {
			evaluate(attr.Expr)
		}
	}
	return diags
}

// FuzzParseVariable looks for panics, and for values of another type than the
// variable's.
func FuzzParseVariable(f *testing.F) {
	for _, text := range []string{"", "1.10", `"a"`, `["a", 1]`, `{ name = "a", port = null }`, "null", "var.x", "file(\"x\")", "[", "{ a = { b = [1] } }", "<<E\nE\n"} {
		f.Add(text)
	}
	byName := variables(f)
	f.Fuzz(func(t *testing.T, text string) {
		for name, v := range byName {
			val, diags := v.ParseVariable("--var", text)
			if diags.HasErrors() {
				Render(io.Discard, diags, nil, RenderOptions{Width: 40})
				continue
			}
			if problems := val.Type().TestConformance(v.Type); len(problems) > 0 {
				t.Errorf("%s=%q: got a %s, want a %s: %v", name, text, val.Type().FriendlyName(), v.Type.FriendlyName(), problems)
			}
		}
	})
}
