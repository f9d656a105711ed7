package dsl

import (
	"io"
	"path/filepath"
	"slices"
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
	f.Add(composedNative, false)
	f.Add(composedJSON, true)
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		name := "a.hcl"
		if isJSON {
			name = "a.hcl.json"
		}
		w, diags := Load(disk(map[string]string{name: text}), "/w", nil)
		if w == nil {
			t.Fatalf("got no workflow, want one, however empty: %v", diags)
		}
		diags = append(diags, evaluateAll(t, w)...)
		Render(io.Discard, diags, w.Files, RenderOptions{Width: 40})
	})
}

// FuzzLoadModules looks for panics, for ends that are never reached, and for
// modules with more than a module has, in a directory that calls others.
func FuzzLoadModules(f *testing.F) {
	calls := `module "a" { source = "./lib" }`
	f.Add(calls, composedLib, `{"module": {"up": {"source": "../.."}}}`)
	f.Add(calls, `module "b" { source = "./inner" }`, `{"output": {"x": {"value": "${file(\"a\")}"}}}`)
	f.Add(composedNative, composedLib, composedJSON)
	f.Add(calls, `cluster "c" { roles = {} }`, `{}`)
	f.Add(calls, `workflow "x" { timeout = "5m" }`, `{"variable": {"retry": {}}}`)
	f.Fuzz(func(t *testing.T, main, lib, inner string) {
		fsys := disk(map[string]string{"main.hcl": main, "lib/a.hcl": lib, "lib/up/a.hcl": lib, "lib/inner/a.hcl.json": inner})
		w, diags := Load(fsys, "/w", nil)
		if w == nil {
			t.Fatalf("got no workflow, want one, however empty: %v", diags)
		}
		diags = append(diags, evaluateAll(t, w)...)
		for _, m := range w.Modules {
			if m.Workflow != nil {
				checkModule(t, m)
				diags = append(diags, evaluateAll(t, m.Workflow)...)
			}
		}
		Render(io.Discard, diags, w.Files, RenderOptions{Width: 40})
	})
}

func checkModule(t *testing.T, m *Module) {
	t.Helper()
	w := m.Workflow
	if len(w.Backends) > 0 || len(w.Clusters) > 0 || w.Matrix != nil || w.Settings.Timeout != nil {
		t.Errorf("got a module with %d backends, %d clusters, matrix %v and timeout %v, want none", len(w.Backends), len(w.Clusters), w.Matrix, w.Settings.Timeout)
	}
	for _, in := range m.Inputs {
		if !slices.ContainsFunc(w.Variables, func(v *Variable) bool { return v.Name == in.Name }) {
			t.Errorf("got the input %q, which is no variable", in.Name)
		}
	}
	for _, inner := range w.Modules {
		if inner.Workflow != nil {
			checkModule(t, inner)
		}
	}
}

func evaluateAll(t *testing.T, w *Workflow) hcl.Diagnostics {
	t.Helper()
	ctx := testContext(w)
	var diags hcl.Diagnostics
	evaluate := func(e hcl.Expression) {
		if e == nil {
			return
		}
		for _, ref := range References(e) {
			if !ref.Range.CanSliceBytes(w.Files[ref.Range.Filename].Bytes) {
				t.Errorf("got a reference at %v, want it in the file", ref.Range)
			}
		}
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
	for _, v := range w.Variables {
		diags = append(diags, v.Validate(ctx)...)
	}
	for _, m := range w.Modules {
		evaluate(m.Meta.ForEach)
		for _, in := range m.Inputs {
			evaluate(in.Expr)
		}
	}
	if w.Matrix != nil {
		for _, axis := range w.Matrix.Axes {
			evaluate(axis.Values)
		}
	}
	all := slices.Clone(w.Steps)
	for _, g := range w.Groups {
		evaluate(g.Meta.Nodes)
		all = append(all, g.Steps...)
	}
	for _, s := range all {
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
