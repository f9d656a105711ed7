package schema

import (
	"fmt"
	"reflect"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"
)

// NodeType is the type of a node in expressions.
var NodeType = cty.Object(map[string]cty.Type{
	"name":      cty.String,
	"role":      cty.String,
	"index":     cty.Number,
	"ip":        cty.String,
	"public_ip": cty.String,
	"hostname":  cty.String,
	"cluster":   cty.String,
})

// Expression is a deferred argument: condition and error_message of an
// assertion. It may be evaluated many times, by one caller at a time.
type Expression struct {
	// Text is the expression as the user wrote it.
	Text string
	// Eval evaluates the expression with the given value of the root `probe`
	// (cty.NilVal when the step has no probe). The operands are the two sides
	// of a comparison, or the references of any other expression, for messages;
	// they are unmarked and safe to show.
	Eval func(probe cty.Value) (cty.Value, []Operand, error)
	// Inputs are the values of what the text refers to, `probe` excepted, for
	// fingerprints; cty.NilVal at plan time.
	Inputs cty.Value
}

// Operand is a part of an expression and the value that it had.
type Operand struct {
	Text  string
	Value string
}

// ExpressionType is the type of a deferred argument in a configuration.
var ExpressionType = cty.Capsule("expression", reflect.TypeFor[Expression]())

// ExpressionOf returns the expression in a deferred argument, or nil when the
// argument is null.
func ExpressionOf(v cty.Value) *Expression {
	if v.IsNull() {
		return nil
	}
	return v.EncapsulatedValue().(*Expression)
}

// Decode copies a known configuration into a struct whose fields bear `cty`
// tags, one for every attribute and nested block of the schema. Optional
// arguments need pointers, slices, maps or cty.Value.
func Decode(cfg cty.Value, into any) error {
	return gocty.FromCtyValue(cfg, into)
}

// ParseDuration reads a duration argument: a positive number with a unit.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write a number with a unit, such as \"90s\" or \"5m\"", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative: a duration must not be", s)
	}
	return d, nil
}

// ValueType returns the type of an argument's value in a configuration.
func (a Attribute) ValueType() cty.Type {
	switch a.Kind {
	case Duration, Path:
		return cty.String
	case Node:
		return NodeType
	case Cluster:
		return cty.DynamicPseudoType
	case Deferred:
		return ExpressionType
	default:
		return a.Type.WithoutOptionalAttributesDeep()
	}
}

// Type returns the type of the object that a plug-in receives. Blocks that may
// be written more than once are a tuple of objects: their type is not known
// before.
func (b *Block) Type() cty.Type {
	attrs := make(map[string]cty.Type, len(b.Attributes)+len(b.Blocks))
	for _, a := range b.Attributes {
		attrs[a.Name] = a.ValueType()
	}
	for i := range b.Blocks {
		n := &b.Blocks[i]
		attrs[n.Name] = cty.DynamicPseudoType
		if n.Max == 1 {
			attrs[n.Name] = n.Block.Type()
		}
	}
	return cty.Object(attrs)
}

// OutputType returns the object type of a list of outputs.
func OutputType(outputs []Output) cty.Type {
	attrs := make(map[string]cty.Type, len(outputs))
	for _, o := range outputs {
		attrs[o.Name] = o.Type
	}
	return cty.Object(attrs)
}
