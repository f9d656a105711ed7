package dsl

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// strictContext has values of every kind, as l(ist), m(ap), s(et), u(nknown).
func strictContext() *hcl.EvalContext {
	texts := []cty.Value{cty.StringVal("a"), cty.StringVal("b")}
	return &hcl.EvalContext{
		Functions: Functions(Host{}),
		Variables: map[string]cty.Value{
			"l":       cty.ListVal(texts),
			"empty":   cty.ListValEmpty(cty.String),
			"m":       cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v")}),
			"s":       cty.SetVal(texts),
			"u":       cty.UnknownVal(cty.String),
			"dyn":     cty.DynamicVal,
			"secret":  cty.StringVal("hunter2").Mark("sensitive"),
			"nothing": cty.NullVal(cty.String),
		},
	}
}

func TestEvaluateStrict(t *testing.T) {
	const different = "Comparison of different types"
	tests := []struct{ text, want string }{
		{`0 == 0`, "true"},
		{`0 == "0"`, different},
		{`0 != "0"`, different},
		{`true == "true"`, different},
		{`u == 1`, different},
		{`u == "a"`, "(known later)"},
		{`dyn == 1`, "(known later)"},
		{`null == 1`, "false"},
		{`nothing == 1`, "false"},
		{`nothing == null`, "true"},
		{`l == ["a", "b"]`, "true"},
		{`l != ["a"]`, "true"},
		{`l == []`, "false"},
		{`empty == []`, "true"},
		{`l == [1, 2]`, different},
		{`["a", "b"] == l`, "true"},
		{`[1, "a"] == [1, "a"]`, "true"},
		{`[1, "a"] == ["a", 1]`, different},
		{`l == "a"`, different},
		{`s == toset(["b", "a"])`, "true"},
		{`s == ["a", "b"]`, different},
		{`m == { k = "v" }`, "true"},
		{`m == { k = 1 }`, different},
		{`{ k = "v" } == m`, "true"},
		{`{ a = 1 } == { a = 1, b = 2 }`, "false"},
		{`{ a = 1 } == { a = "1" }`, different},
		{`jsondecode("[1,2]") == [1, 2]`, "true"},
		{`jsondecode("{\"v\":1}").v == "1"`, different},
		{`"${1 == "1"}"`, different},
		{`[for x in [1] : x == "1"]`, different},
		{`true || 1 == "1"`, "true"},
		{`try(1 == "1", false)`, "false"},
		{`1 < 2`, "true"},
		{`secret == "hunter2"`, "(sensitive)"},
		{`(1 == "1") ? 1 : 2`, different},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			v, diags := EvaluateStrict(expression(t, test.text), strictContext())
			got := ValueText(v)
			if diags.HasErrors() {
				got = diags[0].Summary
			}
			if got != test.want {
				t.Errorf("got %s (%v), want %s", got, diags, test.want)
			}
		})
	}
}

func TestOperands(t *testing.T) {
	tests := []struct {
		text string
		want []Operand
	}{
		{`m.k == "v"`, []Operand{{"m.k", `"v"`}}},
		{`(length(l)  <  3)`, []Operand{{"length(l)", "2"}}},
		{`m.k == "v" && !(l[0] != "a")`, []Operand{{"m.k", `"v"`}, {"l[0]", `"a"`}}},
		{`contains(l, m["k"])`, []Operand{{"l", `["a", "b"]`}, {`m["k"]`, `"v"`}}},
		{`!can(m.none)`, nil},
		{`secret == u`, []Operand{{"secret", "(sensitive)"}, {"u", "(known later)"}}},
		{`l[*] == l`, []Operand{{"l[*]", `["a", "b"]`}, {"l", `["a", "b"]`}}},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			files := map[string]*hcl.File{"test.hcl": {Bytes: []byte(test.text)}}
			got := Operands(expression(t, test.text), strictContext(), files)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("operands (-want +got):\n%s", diff)
			}
		})
	}
}

func TestText(t *testing.T) {
	const text = "max(\n  1,\n\t2\n)"
	e := expression(t, text)
	if got, want := Text(e, map[string]*hcl.File{"test.hcl": {Bytes: []byte(text)}}), "max( 1, 2 )"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Text(e, nil); got != "" {
		t.Errorf("got %q without files, want nothing", got)
	}
}
