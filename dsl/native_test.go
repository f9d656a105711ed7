package dsl

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

const nativeForm = `
step "run" "x" {
  nodes      = cluster.c.nodes
  depends_on = [step.a, step.b[node.name]]
  command    = ["echo", "v${step.c["k"].stdout}", 3, true, null]
  env        = { A = step.d.stdout, (var.k) = step.e[*].stdout }
  enabled    = var.n == 1
  until {
    every = "1s"
  }
}`

const jsonForm = `{"step": {"run": {"x": {
  "//": "a comment",
  "nodes": "${cluster.c.nodes}",
  "depends_on": ["step.a", "step.b[node.name]"],
  "command": ["echo", "v${step.c[\"k\"].stdout}", 3, true, null],
  "env": {"A": "${step.d.stdout}", "${var.k}": "${step.e[*].stdout}"},
  "enabled": "${var.n == 1}",
  "until": {"every": "1s"}
}}}}`

var stepSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "command"}, {Name: "env"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "until"}},
}

func TestRule25_JSONHasTheSameEdges(t *testing.T) {
	want := edges(t, load(t, map[string]string{"a.hcl": nativeForm}).Steps[0])
	got := edges(t, load(t, map[string]string{"a.hcl.json": jsonForm}).Steps[0])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("references (-native +json):\n%s", diff)
	}
	if len(want) != 9 {
		t.Errorf("got %d references %q, want 9", len(want), want)
	}
}

func edges(t *testing.T, s *Step) []string {
	t.Helper()
	content, diags := s.Body.Content(stepSchema)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	refs := append(s.Meta.DependsOn, References(s.Meta.Nodes)...)
	refs = append(refs, References(s.Meta.Enabled)...)
	refs = append(refs, References(content.Attributes["command"].Expr)...)
	refs = append(refs, References(content.Attributes["env"].Expr)...)
	var all []string
	for _, ref := range refs {
		all = append(all, describe(ref))
	}
	for _, key := range References(s.Meta.DependsOn[1].Key) {
		all = append(all, "key "+describe(key))
	}
	return all
}

func TestJSONComparesStrictly(t *testing.T) {
	s := load(t, map[string]string{"a.hcl.json": jsonForm}).Steps[0]
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{"n": cty.StringVal("1")})}}
	_, diags := s.Meta.Enabled.Value(ctx)
	if !diags.HasErrors() {
		t.Error(`got no error for "1" == 1 in JSON, want one`)
	}
}

func TestJSONErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown block", `{"stepp": {}}`, `Unknown name "stepp"`},
		{"unknown argument", `{"cluster": {"c": {"roles": {}, "role": 1}}}`, `Unknown name "role"`},
		{"a reference that is none", `{"step": {"run": {"x": {"depends_on": ["1 + 1"]}}}}`, "Not a reference"},
		{"a template for a reference", `{"step": {"run": {"x": {"depends_on": ["${step.a}"]}}}}`, "Not a reference"},
		{"depends_on is no list", `{"step": {"run": {"x": {"depends_on": "step.a"}}}}`, "depends_on is no list"},
		{"bad template", `{"output": {"x": {"value": "${"}}}`, "Missing expression"},
		{"the end is missing", "{\n", "Missing value"},
		{"unknown name in a group", `{"group": {"g": {"stepp": {}}}}`, `Unknown name "stepp"`},
		{"fan-out in a group", `{"group": {"g": {"step": {"run": {"a": {"nodes": []}}}}}}`, `"nodes" in a step of a group`},
		{"during is no list", `{"group": {"g": {"during": "step.a", "step": {"run": {"a": {}}}}}}`, "during is no list"},
		{"misspelt source", `{"module": {"m": {"sorce": "./lib"}}}`, `Unknown argument "sorce"`},
		{"no source", `{"module": {"m": {}}}`, "Missing argument"},
		{"no such module", `{"module": {"m": {"source": "./lib"}}}`, "No such module"},
		{"axis max_parallel", `{"matrix": {"os": ["a"], "max_parallel": [1]}}`, `No axis "max_parallel"`},
		{"unknown axis", `{"matrix": {"os": ["a"], "exclude": {"so": "a"}}}`, `Unknown axis "so"`},
		{"invalid axis", `{"matrix": {"a b": ["a"]}}`, `Invalid name "a b"`},
		{"validation without message", `{"variable": {"x": {"validation": {"condition": "${var.x > 1}"}}}}`, "Missing argument"},
		{"unknown name in a validation", `{"variable": {"x": {"validation": {"condition": true, "error_mesage": "no"}}}}`, `Unknown name "error_mesage"`},
		{"invalid name", `{"locals": {"a b": 1}}`, `Invalid name "a b"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, diags := Load(disk(map[string]string{"a.hcl.json": test.text}), "/w", nil)
			if len(diags) != 1 || diags[0].Summary != test.want {
				t.Errorf("got %v, want only %q", diags, test.want)
			}
		})
	}
}
