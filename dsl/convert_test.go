package dsl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

const variableBlocks = `
variable "text" { type = string }
variable "untyped" {}
variable "count" { type = number }
variable "flag" { type = bool }
variable "names" { type = list(string) }
variable "any" { type = any }
variable "ports" { type = map(number) }
variable "like_default" { default = ["a", "b"] }
variable "empty_default" { default = [] }
variable "two_kinds" { default = ["a", 1] }
variable "secret" {
  type      = list(string)
  sensitive = true
}
variable "strict" {
  default  = "d"
  nullable = false
}
variable "server" {
  type = object({ name = string, port = optional(number, 80), tags = optional(list(string)) })
}
variable "servers" {
  type = list(object({ name = string, port = optional(number, 80) }))
}
variable "by_name" {
  type    = map(object({ size = optional(number, 1), disk = optional(object({ path = optional(string, "/"), kind = optional(string) }), {}) }))
  default = { a = {} }
}
variable "unique" { type = set(string) }
variable "pair" { type = tuple([string, number]) }`

func variables(t testing.TB) map[string]*Variable {
	t.Helper()
	byName := map[string]*Variable{}
	for _, v := range load(t, map[string]string{"a.hcl": variableBlocks}).Variables {
		byName[v.Name] = v
	}
	return byName
}

func TestParseVariable(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // as ValueText shows it; else wantErr is in the detail
		wantErr    string
	}{
		{"text", "1.10", `"1.10"`, ""},
		{"text", `"quoted"`, `"\"quoted\""`, ""},
		{"text", "", `""`, ""},
		{"untyped", "1.10", `"1.10"`, ""},
		{"count", "1.10", "1.1", ""},
		{"count", `"5"`, "5", ""},
		{"count", "abc", "", "cannot be read as number; write it as in a file, such as --var 'count=3'."},
		{"count", "", "", "cannot be read as number"},
		{"count", "[1]", "", "var.count is the tuple [1] where number is wanted"},
		{"flag", "true", "true", ""},
		{"flag", "yes", "", "--var 'flag=true'"},
		{"names", `["a", "b"]`, `["a", "b"]`, ""},
		{"names", `["a", 1]`, "", "var.names[1] is the number 1 where a string is wanted"},
		{"names", `a,b`, "", `--var 'names=["a", "b"]'`},
		{"names", `"a"`, "", "write brackets around a single element"},
		{"any", `{ a = [1] }`, "{a = [1]}", ""},
		{"ports", `{ a = 1, b = "2" }`, "{a = 1, b = 2}", ""},
		{"like_default", `["c"]`, `["c"]`, ""},
		{"empty_default", `["c"]`, `["c"]`, ""},
		{"two_kinds", `["c", 2]`, `["c", 2]`, ""},
		{"secret", `[hunter2`, "", "a sensitive text, which cannot be read"},
		{"secret", `["a", 7]`, "", "var.secret[1] is a sensitive number where a string is wanted"},
		{"strict", "null", `"null"`, ""},
		{"server", `{ name = "a" }`, `{name = "a", port = 80, tags = null}`, ""},
		{"server", `{ name = "a", prot = 1 }`, "", `var.server has no attribute "prot"; it has name, port, tags. Did you mean "port"?`},
		{"server", `{ port = 1 }`, "", `attribute "name" is required`},
		{"server", `{ name = 1 }`, "", "var.server.name is the number 1"},
		{"server", `{ name = "a", tags = ["x", 2] }`, "", "var.server.tags[1] is the number 2"},
		{"servers", `[{ name = "a" }, { name = "b", port = "90" }]`, `[{name = "a", port = 80}, {name = "b", port = 90}]`, ""},
		{"servers", `[{ name = "a" }, { name = "b", prot = 1 }]`, "", `var.servers[1] has no attribute "prot"`},
		{"servers", `[]`, "[]", ""},
		{"by_name", `{ a = {}, b = { size = 2, disk = { kind = "ssd" } } }`,
			`{a = {disk = {kind = null, path = "/"}, size = 1}, b = {disk = {kind = "ssd", path = "/"}, size = 2}}`, ""},
		{"by_name", `{ a = { disk = { pth = "/" } } }`, "", `var.by_name.a.disk has no attribute "pth"; it has kind, path. Did you mean "path"?`},
		{"by_name", `{ a = { disk = null } }`, `{a = {disk = {kind = null, path = "/"}, size = 1}}`, ""},
		{"by_name", `"x"`, "", "var.by_name is the string \"x\" where map("},
		{"unique", `["b", "a", "b"]`, `["a", "b"]`, ""},
		{"unique", `[1]`, "", "var.unique[0] is the number 1 where a string is wanted"},
		{"pair", `["a", 1]`, `["a", 1]`, ""},
		{"pair", `["a"]`, "", "var.pair has 1 elements where tuple([string,number]) is wanted"},
		{"pair", `[1, 1]`, "", "var.pair[0] is the number 1 where a string is wanted"},
	}
	byName := variables(t)
	for _, test := range tests {
		t.Run(test.name+"="+test.text, func(t *testing.T) {
			v, diags := byName[test.name].ParseVariable("--var", test.text)
			if test.wantErr != "" {
				if len(diags) != 1 || !strings.Contains(diags[0].Detail, test.wantErr) {
					t.Fatalf("got %v, want one with %q", diags, test.wantErr)
				}
				if strings.Contains(diags[0].Detail, "hunter2") {
					t.Errorf("%q shows the value of a sensitive variable", diags[0].Detail)
				}
				return
			}
			if got := ValueText(v); diags.HasErrors() || got != test.want {
				t.Errorf("got %s, %v, want %s", got, diags, test.want)
			}
		})
	}
}

func TestConvertNull(t *testing.T) {
	byName := variables(t)
	if v, diags := byName["text"].Convert(cty.NullVal(cty.DynamicPseudoType), hcl.Range{}); diags.HasErrors() || !v.IsNull() || v.Type() != cty.String {
		t.Errorf("nullable: got %#v, %v, want a null string", v, diags)
	}
	if v, diags := byName["strict"].Convert(cty.NullVal(cty.DynamicPseudoType), hcl.Range{}); diags.HasErrors() || ValueText(v) != `"d"` {
		t.Errorf("not nullable with a default: got %#v, %v, want the default", v, diags)
	}
	required := &Variable{Name: "x", Type: cty.String}
	if _, diags := required.Convert(cty.NullVal(cty.String), hcl.Range{}); len(diags) != 1 || !strings.Contains(diags[0].Detail, "var.x must not be null") {
		t.Errorf("not nullable without a default: got %v, want an error about null", diags)
	}
}

// TestDefaults: a default is completed as a given value is.
func TestDefaults(t *testing.T) {
	byName := variables(t)
	want := map[string]string{
		"by_name": `{a = {disk = {kind = null, path = "/"}, size = 1}}`, "strict": `"d"`, "like_default": `["a", "b"]`, "two_kinds": `["a", 1]`, "empty_default": "[]",
	}
	for name, text := range want {
		v := byName[name]
		if got := ValueText(v.Default); got != text || !v.Default.Type().Equals(v.Type) && v.Type != cty.List(cty.DynamicPseudoType) {
			t.Errorf("%s: got %s of type %s, want %s of type %s", name, got, v.Default.Type().FriendlyName(), text, v.Type.FriendlyName())
		}
	}
	for _, name := range []string{"text", "server", "secret"} {
		if v := byName[name]; v.Default != cty.NilVal {
			t.Errorf("%s: got the default %s, want none", name, ValueText(v.Default))
		}
	}
}

func TestLoadVariables(t *testing.T) {
	fsys := disk(map[string]string{
		"a.vars.hcl": "text  = \"x\"\nnames = [\"a\"]\n",
		"b.json":     `{"text": "${not} a template", "count": 3}`,
		"c.hcl":      "text = var.other\nfine = 1\n",
		"d.hcl":      "text = \n",
	})
	tests := []struct {
		file    string
		want    map[string]string
		wantErr string
	}{
		{"a.vars.hcl", map[string]string{"text": `"x"`, "names": `["a"]`}, ""},
		{"b.json", map[string]string{"text": `"${not} a template"`, "count": "3"}, ""},
		{"c.hcl", map[string]string{"fine": "1"}, "Variables not allowed"},
		{"d.hcl", map[string]string{}, "Invalid expression"},
		{"none.hcl", map[string]string{}, "No such file"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			values, _, diags := LoadVariables(fsys, "/w/"+test.file, test.file)
			got := map[string]string{}
			for name, v := range values {
				got[name] = ValueText(v.Value)
				if v.Range.Filename != test.file {
					t.Errorf("got %s at %v, want a place in %s", name, v.Range, test.file)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			switch {
			case test.wantErr == "" && diags.HasErrors():
				t.Error(diags)
			case test.wantErr != "" && (len(diags) != 1 || diags[0].Summary != test.wantErr):
				t.Errorf("got %v, want %q", diags, test.wantErr)
			}
		})
	}
}
