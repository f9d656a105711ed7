package dsl

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func TestLoopsOverUnknownValues(t *testing.T) {
	item := cty.Object(map[string]cty.Type{"name": cty.String, "size": cty.Number, "parts": cty.List(cty.Object(map[string]cty.Type{"id": cty.String}))})
	ctx := &hcl.EvalContext{
		Functions: Functions(Host{Files: disk(nil), Dir: "/w"}),
		Variables: map[string]cty.Value{
			"list": cty.UnknownVal(cty.List(item)), "map": cty.UnknownVal(cty.Map(item)), "set": cty.UnknownVal(cty.Set(cty.String)),
			"any": cty.DynamicVal, "secret": cty.UnknownVal(cty.List(item)).Mark(Sensitive),
			"known": cty.ListVal([]cty.Value{cty.UnknownVal(item)}), "one": cty.UnknownVal(item),
		},
	}
	for _, c := range []struct{ text, want string }{
		{`[for x in list : x.name]`, ""},
		{`[for i, x in list : "${i} ${x.size}" if x.size == 1]`, ""},
		{`{ for k, x in map : k => x.parts[*].id }`, ""},
		{`[for x in any : x.nothing.at.all]`, ""},
		{`[for x in list : try(x.nothing, "")]`, ""},
		{`[for list in list : list.name]`, ""},
		{`[for one in [for one in list : one.parts] : one[*].id]`, ""},
		{`[for x in set : upper(x)]`, ""},
		{`[for x in list : x.nam]`, `Did you mean "name"?`},
		{`{ for k, x in map : k.a => x }`, "attribute"},
		{`{ for k, x in map : x.nam => k }`, `Did you mean "name"?`},
		{`[for x in list : x if x.size == "1"]`, "different types"},
		{`["a", [for x in list : [for p in x.parts : p.idd]]]`, `Did you mean "id"?`},
		{`[for x in known : [for p in x.parts : p.idd]]`, `Did you mean "id"?`},
		{`[for x in secret : x.nam]`, `Did you mean "name"?`},
		{`list[*].nam`, `Did you mean "name"?`},
		{`values(map)[*].nam`, `Did you mean "name"?`},
		{`one.parts[*].idd`, `Did you mean "id"?`},
		{`[for x in list : x.parts[*].idd]`, `Did you mean "id"?`},
	} {
		t.Run(c.text, func(t *testing.T) {
			e, diags := hclsyntax.ParseExpression([]byte(c.text), "a.hcl", hcl.InitialPos)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			compareStrictly(e)
			_, diags = EvaluateStrict(e, ctx)
			diags = Sort(diags)
			if c.want == "" && len(diags) > 0 || c.want != "" && (len(diags) != 1 || !strings.Contains(diags[0].Summary+diags[0].Detail, c.want)) {
				t.Errorf("got %v, want %q", diags, c.want)
			}
		})
	}
}
