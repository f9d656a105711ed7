package engine

import (
	"math"
	"testing"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

func TestEncodedOutputs(t *testing.T) {
	typ := &steps.Type{Name: "t", Outputs: []schema.Output{
		{Name: "text", Type: cty.String}, {Name: "number", Type: cty.Number}, {Name: "password", Type: cty.String, Sensitive: true},
		{Name: "list", Type: cty.List(cty.Bool)},
	}}
	any := &steps.Type{Name: "any", Outputs: []schema.Output{
		{Name: "content", Type: cty.DynamicPseudoType}, {Name: "key", Type: cty.String, Sensitive: true},
	}}
	const ty = `,"type":["object",{"list":["list","bool"],"number":"number","password":"string","text":"string"}]}`
	object := func(text string, number cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{
			"text": cty.StringVal(text), "number": number, "password": cty.StringVal("hidden"),
			"list": cty.ListVal([]cty.Value{cty.True}),
		})
	}
	cases := []struct {
		name string
		typ  *steps.Type
		v    cty.Value
		want string
	}{
		{"nothing", typ, cty.NilVal, ""},
		{"null", typ, cty.NullVal(cty.EmptyObject), ""},
		{"all null", typ, nullOutputs(typ), `{"value":{"list":null,"number":null,"password":null,"text":null}` + ty},
		{"integer", typ, object("a\"<\n", cty.NumberIntVal(-7)), `{"value":{"list":[true],"number":-7,"password":null,"text":"a\"\u003c\n"}` + ty},
		{"measured", typ, object("", cty.NumberFloatVal(1.25e-7)), `{"value":{"list":[true],"number":0.000000125,"password":null,"text":""}` + ty},
		{"written", typ, object("", cty.MustParseNumberVal("0.1")), `{"value":{"list":[true],"number":0.1,"password":null,"text":""}` + ty},
		{
			"dynamic", any, cty.ObjectVal(map[string]cty.Value{"content": cty.True, "key": cty.StringVal("hidden")}),
			`{"value":{"content":true,"key":null},"type":["object",{"content":"bool","key":"string"}]}`,
		},
	}
	var e encoder
	for _, c := range cases {
		got, err := e.outputs(c.typ, c.v)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
	const infinite = "cannot serialize infinity as JSON"
	if _, err := e.outputs(typ, object("", cty.PositiveInfinity)); err == nil || err.Error() != infinite {
		t.Errorf("got %v, want %s", err, infinite)
	}
}

// What was measured is read back as any JSON reader of cty does it.
func TestEncodedNumbersAreThoseOfCty(t *testing.T) {
	s := &shape{types: map[string]cty.Type{"n": cty.Number}}
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1.5, 1e21, 1e-21, 0.1, 123456.789, math.Pi, math.MaxFloat64} {
		v := cty.NumberFloatVal(f)
		want, err := ctyjson.Marshal(v, cty.Number)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.output(nil, "n", v); err != nil || string(got) != string(want) {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
