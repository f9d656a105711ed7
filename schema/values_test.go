package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "0s": 0} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"5": "unit", "": "unit", "-3s": "negative", "soon": "unit"} {
		if got, err := ParseDuration(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseDuration(%q) = %v, %v; want an error about %q", text, got, err, want)
		}
	}
}

func TestBlockType(t *testing.T) {
	inner := Block{Attributes: []Attribute{{Name: "every", Kind: Duration}, {Name: "node", Kind: Node}}}
	b := Block{
		Attributes: []Attribute{
			{Name: "env", Type: cty.ObjectWithOptionalAttrs(map[string]cty.Type{"a": cty.String}, []string{"a"})},
			{Name: "condition", Kind: Deferred},
			{Name: "cluster", Kind: Cluster},
		},
		Blocks: []Nested{{Name: "until", Max: 1, Block: inner}, {Name: "rule", Block: inner}},
	}
	want := cty.Object(map[string]cty.Type{
		"env":       cty.Object(map[string]cty.Type{"a": cty.String}),
		"condition": ExpressionType,
		"cluster":   cty.DynamicPseudoType,
		"until":     cty.Object(map[string]cty.Type{"every": cty.String, "node": NodeType}),
		"rule":      cty.DynamicPseudoType,
	})
	if got := b.Type(); !got.Equals(want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

func TestDecode(t *testing.T) {
	var into struct {
		Command []string `cty:"command"`
		User    *string  `cty:"user"`
		Until   *struct {
			Every *string `cty:"every"`
		} `cty:"until"`
	}
	until := cty.Object(map[string]cty.Type{"every": cty.String})
	err := Decode(cty.ObjectVal(map[string]cty.Value{
		"command": cty.ListVal([]cty.Value{cty.StringVal("ls")}),
		"user":    cty.NullVal(cty.String),
		"until":   cty.NullVal(until),
	}), &into)
	if err != nil || len(into.Command) != 1 || into.Command[0] != "ls" || into.User != nil || into.Until != nil {
		t.Errorf("got %+v, %v", into, err)
	}
}

func TestExpressionOf(t *testing.T) {
	if got := ExpressionOf(cty.NullVal(ExpressionType)); got != nil {
		t.Errorf("a null is the expression %v", got)
	}
	e := &Expression{Text: "1 == 1"}
	if got := ExpressionOf(cty.CapsuleVal(ExpressionType, e)); got != e {
		t.Errorf("got %v, want the same expression", got)
	}
}
