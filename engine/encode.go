package engine

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// encoder writes the outputs of instances as the journal has them. It is made
// for many instances of few types: their shape is worked out once. Its zero
// value is ready, and safe for concurrent use.
type encoder struct {
	shapes sync.Map // *steps.Type to *shape
}

// shape is what all outputs of a step type have in common.
type shape struct {
	names     []string // in the order in which they are written
	types     map[string]cty.Type
	sensitive map[string]bool
	// json is the type; nil when only a value tells it.
	json json.RawMessage
}

func (e *encoder) shape(t *steps.Type) (*shape, error) {
	if known, ok := e.shapes.Load(t); ok {
		return known.(*shape), nil
	}
	s := &shape{types: map[string]cty.Type{}, sensitive: map[string]bool{}}
	for _, o := range t.Outputs {
		s.types[o.Name] = o.Type.WithoutOptionalAttributesDeep()
		s.sensitive[o.Name] = o.Sensitive
	}
	s.names = slices.Sorted(maps.Keys(s.types))
	if object := cty.Object(s.types); !object.HasDynamicTypes() {
		var err error
		if s.json, err = ctyjson.MarshalType(object); err != nil {
			return nil, err
		}
	}
	e.shapes.Store(t, s)
	return s, nil
}

// outputs writes what conform returned as {"value", "type"}, without the
// sensitive ones.
func (e *encoder) outputs(t *steps.Type, v cty.Value) (json.RawMessage, error) {
	if len(t.Outputs) == 0 || v == cty.NilVal || v.IsNull() {
		return nil, nil
	}
	s, err := e.shape(t)
	if err != nil {
		return nil, err
	}
	if s.json == nil {
		return encodeTyped(s.public(v))
	}
	text := []byte(`{"value":{`)
	for n, name := range s.names {
		if n > 0 {
			text = append(text, ',')
		}
		text = append(strconv.AppendQuote(text, name), ':')
		if text, err = s.output(text, name, v.GetAttr(name)); err != nil {
			return nil, err
		}
	}
	text = append(text, `},"type":`...)
	return append(append(text, s.json...), '}'), nil
}

// output appends one of them. Numbers that a program measured, not a person
// wrote, are what costs most to write with all the digits of a big.Float.
func (s *shape) output(text []byte, name string, v cty.Value) ([]byte, error) {
	switch {
	case v.IsNull() || s.sensitive[name]:
		return append(text, "null"...), nil
	case s.types[name] == cty.Number:
		big := v.AsBigFloat()
		if f, _ := big.Float64(); big.Prec() == 53 && !big.IsInf() {
			return strconv.AppendFloat(text, f, 'f', -1, 64), nil
		}
	}
	raw, err := ctyjson.Marshal(v, s.types[name])
	return append(text, raw...), err
}

// public is the value without the sensitive outputs.
func (s *shape) public(v cty.Value) cty.Value {
	attrs := v.AsValueMap()
	for name, ty := range s.types {
		if s.sensitive[name] {
			attrs[name] = cty.NullVal(ty)
		}
	}
	return cty.ObjectVal(attrs)
}

// hasSensitive says whether encoder.outputs leaves something out.
func hasSensitive(t *steps.Type, v cty.Value) bool {
	return v != cty.NilVal && !v.IsNull() && slices.ContainsFunc(t.Outputs, func(o schema.Output) bool {
		return o.Sensitive && !v.GetAttr(o.Name).IsNull()
	})
}
