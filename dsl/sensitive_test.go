package dsl

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// secretCalls has for every function a call that gets a secret, the text "1",
// and results in something that hangs on it.
var secretCalls = map[string]string{
	"abs": `abs(-s)`, "alltrue": `alltrue([s == "1"])`, "anytrue": `anytrue([s == "1"])`,
	"base64decode": `base64decode("YW${s}h")`, "base64encode": `base64encode(s)`,
	"ceil": `ceil(s)`, "chomp": `chomp(s)`, "chunklist": `chunklist([s], 1)`, "coalesce": `coalesce(s)`, "coalescelist": `coalescelist([s])`,
	"compact": `compact([s])`, "concat": `concat([s], ["a"])`, "contains": `contains([s], "1")`, "csvdecode": `csvdecode("a\n${s}")`,
	"distinct": `distinct([s])`, "duration": `duration("${s}s")`, "element": `element([s], 0)`, "endswith": `endswith(s, "1")`,
	"env": `env("NONE", s)`, "file": `file("${s}.txt")`, "fileexists": `fileexists("${s}.txt")`, "fileset": `fileset(".", "${s}.*")`,
	"filesha256": `filesha256("${s}.txt")`, "flatten": `flatten([[s]])`, "floor": `floor(s)`, "format": `format("%s", s)`,
	"formatdate": `formatdate("D", "2000-01-0${s}T00:00:00Z")`, "formatlist": `formatlist("%s", [s])`, "indent": `indent(2, s)`,
	"index": `index([s], "1")`, "join": `join(",", [s])`, "jsondecode": `jsondecode(s)`, "jsonencode": `jsonencode([s])`, "keys": `keys({ (s) = 1 })`,
	"length": `length(s)`, "log": `log(s, 10)`, "lookup": `lookup({ a = s }, "a", "")`, "lower": `lower(s)`, "max": `max(s, 0)`,
	"merge": `merge({ a = s }, {})`, "min": `min(s, 9)`, "one": `one([s])`, "parseint": `parseint(s, 10)`, "pow": `pow(s, 2)`,
	"range": `range(s)`, "regex": `regex("1", s)`, "regexall": `regexall("1", s)`, "replace": `replace(s, "x", "y")`, "reverse": `reverse([s])`,
	"semver_compare": `semver_compare(s, "2")`, "sensitive": `sensitive("x")`, "setintersection": `setintersection([s], ["1"])`,
	"setproduct": `setproduct([s], ["a"])`, "setsubtract": `setsubtract([s], ["a"])`, "setunion": `setunion([s], ["a"])`, "sha256": `sha256(s)`,
	"shuffle": `shuffle([s], 1)`, "signum": `signum(s)`, "slice": `slice([s], 0, 1)`, "sort": `sort([s])`, "split": `split(",", s)`,
	"startswith": `startswith(s, "1")`, "strcontains": `strcontains(s, "1")`, "strrev": `strrev(s)`, "substr": `substr(s, 0, 1)`,
	"sum": `sum([s])`, "templatefile": `templatefile("x.tpl", { v = s })`, "timeadd": `timeadd("2000-01-01T00:00:00Z", "${s}s")`, "title": `title(s)`,
	"tobool": `tobool(s == "1")`, "tolist": `tolist([s])`, "tomap": `tomap({ a = s })`, "tonumber": `tonumber(s)`, "toset": `toset([s])`, "tostring": `tostring(s)`,
	"trim": `trim(s, " ")`, "trimprefix": `trimprefix(s, "x")`, "trimspace": `trimspace(s)`, "trimsuffix": `trimsuffix(s, "x")`,
	"try": `try(local.none, s)`, "upper": `upper(s)`, "urlencode": `urlencode(s)`, "values": `values({ a = s })`,
	"yamldecode": `yamldecode(s)`, "yamlencode": `yamlencode([s])`, "zipmap": `zipmap(["a"], [s])`,
}

func secretContext() *hcl.EvalContext {
	host := Host{Files: disk(map[string]string{"1.txt": "hush", "x.tpl": "${v}"}), Dir: "/w"}
	return &hcl.EvalContext{
		Functions: Functions(host),
		Variables: map[string]cty.Value{"s": cty.StringVal("1").Mark(Sensitive)},
	}
}

// TestEveryFunctionKeepsSecrets: what is made of a secret is one. A can() says
// only whether something fails.
func TestEveryFunctionKeepsSecrets(t *testing.T) {
	ctx := secretContext()
	names := slices.Sorted(maps.Keys(ctx.Functions))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "nonsensitive" || name == "can" })
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(secretCalls))); diff != "" {
		t.Fatalf("calls in the table (-functions +calls):\n%s", diff)
	}
	for _, name := range names {
		v, diags := EvaluateStrict(expression(t, secretCalls[name]), ctx)
		if diags.HasErrors() || !v.ContainsMarked() {
			t.Errorf("%s: got %s, %v, want something sensitive", secretCalls[name], ValueText(v), diags)
		}
	}
}

// TestErrorsKeepSecrets: no message shows what a failed function got.
func TestErrorsKeepSecrets(t *testing.T) {
	ctx := secretContext()
	ctx.Variables["s"] = cty.StringVal("hush").Mark(Sensitive)
	for _, text := range []string{
		`tonumber(s)`, `duration(s)`, `semver_compare(s, "1")`, `file(s)`, `parseint(s, 10)`, `base64decode(s)`, `jsondecode(s)`,
		`tonumber("${s}!")`, `index(["a"], s).x`, `regex(s, "a")`, `formatdate("D", s)`, `env(s)`, `fileset(s, "*")`, `yamldecode("{${s}")`,
		`lookup({ a = 1 }, s)`, `{ a = 1 }[s]`, `templatefile("x.tpl", { (s) = 1 })`, `s.x`, `s == 1`, `sum([s])`, `[1][s]`,
	} {
		_, diags := EvaluateStrict(expression(t, text), ctx)
		var shown strings.Builder
		Render(&shown, diags, nil, RenderOptions{})
		if !diags.HasErrors() || strings.Contains(shown.String(), "hush") {
			t.Errorf("%s: got %q, want an error without the secret", text, shown.String())
		}
	}
}

func TestSensitive(t *testing.T) {
	ctx := secretContext()
	ctx.Variables["later"] = cty.UnknownVal(cty.String)
	marked := func(v cty.Value) cty.Value { return v.Mark(Sensitive) }
	tests := []struct {
		text string
		want cty.Value
	}{
		{`sensitive("a")`, marked(cty.StringVal("a"))},
		{`sensitive(sensitive("a"))`, marked(cty.StringVal("a"))},
		{`sensitive(null)`, marked(cty.NullVal(cty.DynamicPseudoType))},
		{`sensitive(later)`, marked(cty.UnknownVal(cty.String))},
		{`sensitive([s])`, marked(cty.TupleVal([]cty.Value{marked(cty.StringVal("1"))}))},
		{`sensitive(file("1.txt"))`, marked(cty.StringVal("hush"))},
		{`sensitive(env("TOKEN", "t"))`, marked(cty.StringVal("t"))},
		{`nonsensitive("a")`, cty.StringVal("a")},
		{`nonsensitive(s)`, cty.StringVal("1")},
		{`nonsensitive(sha256(s)) == sha256("1")`, cty.True},
		{`nonsensitive(sensitive(null))`, cty.NullVal(cty.DynamicPseudoType)},
		{`nonsensitive(sensitive(later))`, cty.UnknownVal(cty.String)},
		{`nonsensitive([s])`, cty.TupleVal([]cty.Value{marked(cty.StringVal("1"))})},
	}
	for _, test := range tests {
		got, diags := EvaluateStrict(expression(t, test.text), ctx)
		if diags.HasErrors() || !got.RawEquals(test.want) {
			t.Errorf("%s: got %#v, %v, want %#v", test.text, got, diags, test.want)
		}
	}
}
