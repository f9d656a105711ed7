package dsl

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func TestReferences(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{`step.x`, []string{"step.x"}},
		{`step.x.stdout`, []string{"step.x .stdout"}},
		{`step.x["a"].out`, []string{`step.x["a"] .out`}},
		{`step.x[0]`, []string{`step.x[0]`}},
		{`step.x[node.name].stdout`, []string{"step.x[...] .stdout", "node.name"}},
		{`step.x["${node.name}"].stdout`, []string{"step.x[...] .stdout", "node.name"}},
		{`step.x[step.y[each.key].stdout].files[0].name`, []string{"step.x[...] .files[0].name", "step.y[...] .stdout", "each.key"}},
		{`step.x[*].stdout`, []string{"step.x[*] .stdout"}},
		{`step.x.*.stdout`, []string{"step.x[*] .stdout"}},
		{`step.x[*]`, []string{"step.x[*]"}},
		{`values(step.x)[*].stdout`, []string{"step.x"}},
		{`cluster.c.nodes`, []string{"cluster.c .nodes"}},
		{`cluster.c.member[var.i].ip`, []string{"cluster.c .member", "var.i"}},
		{`local.x["k"].y`, []string{`local.x["k"] .y`}},
		{`backend[var.b]`, []string{"backend.[...]", "var.b"}},
		{`step[var.b]`, []string{"step.[...]", "var.b"}},
		{`step["x"]`, []string{`step.["x"]`}},
		{`node`, []string{"node."}},
		{`(step.x)[node.name].out`, []string{"step.x[...] .out", "node.name"}},
		{`"a ${step.x.out} b ${var.y}"`, []string{"step.x .out", "var.y"}},
		{`"%{if var.a}${step.x.out}%{endif}"`, []string{"var.a", "step.x .out"}},
		{`var.a ? step.x.out : step.y.out`, []string{"var.a", "step.x .out", "step.y .out"}},
		{`[for n in step.x : n.out if n.ok == var.ok]`, []string{"step.x", "var.ok"}},
		{`[for step in cluster.c.nodes : step.name]`, []string{"cluster.c .nodes"}},
		{`[for var in [1] : [for x in step.a : var.q]]`, []string{"step.a"}},
		{`{ for k, v in step.x : k => step.y[k].out }`, []string{"step.x", "step.y[...] .out"}},
		{`{ step = 1, (var.k) = 2 }`, []string{"var.k"}},
		{`try(step.x.out, "")`, []string{"step.x .out"}},
		{`!(step.x.ok && -var.n < 3)`, []string{"step.x .ok", "var.n"}},
		{`step.x[node.name][0].y`, []string{"step.x[...] [0].y", "node.name"}},
		{`step.x[node.name].f[each.key].y`, []string{"step.x[...] .f", "node.name", "each.key"}},
		{`"text"`, nil},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			var got []string
			for _, ref := range References(expression(t, test.text)) {
				got = append(got, describe(ref))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferenceRange(t *testing.T) {
	text := `upper("${step.x[node.name].stdout}")`
	ref := References(expression(t, text))[0]
	if got, want := string(ref.Range.SliceBytes([]byte(text))), "step.x[node.name].stdout"; got != want {
		t.Errorf("got the range of %q, want that of %q", got, want)
	}
	if got, want := string(ref.NameRange.SliceBytes([]byte(text))), "x"; got != want {
		t.Errorf("got the name's range of %q, want that of %q", got, want)
	}
}

func TestParseReference(t *testing.T) {
	for _, text := range []string{`step.a`, `step.a[node.name]`, `step.a["k"]`, `module.m`} {
		if _, diags := ParseReference(expression(t, text)); diags.HasErrors() {
			t.Errorf("%s: got %v, want a reference", text, diags)
		}
	}
	for _, text := range []string{`"step.a"`, `[step.a]`, `1`, `step.a == 1`, `upper(step.a)`} {
		_, diags := ParseReference(expression(t, text))
		if len(diags) != 1 || diags[0].Summary != "Not a reference" {
			t.Errorf("%s: got %v, want %q", text, diags, "Not a reference")
		}
	}
}

// expression parses as the loader does.
func expression(t testing.TB, text string) hclsyntax.Expression {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(text), "test.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", text, diags)
	}
	compareStrictly(e)
	return e
}

// describe writes a reference as root.name[key] .rest; a key that is no literal
// is [...].
func describe(r Reference) string {
	s := r.Root + "." + r.Name
	switch {
	case r.Splat:
		s += "[*]"
	case r.Key != nil:
		s += "[" + keyText(r.Key) + "]"
	}
	if len(r.Rest) > 0 {
		s += " "
	}
	for _, step := range r.Rest {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			s += "." + step.Name
		case hcl.TraverseIndex:
			s += "[" + ValueText(step.Key) + "]"
		}
	}
	return s
}

func keyText(e hcl.Expression) string {
	if literal, ok := e.(*hclsyntax.LiteralValueExpr); ok && literal.Val.Type() != cty.DynamicPseudoType {
		return fmt.Sprint(ValueText(literal.Val))
	}
	return "..."
}
