package engine

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// conform makes what a step returned an object of the declared outputs. A step
// that returned nothing has null outputs.
func conform(t *steps.Type, v cty.Value) (cty.Value, error) {
	want := schema.OutputType(t.Outputs)
	if v == cty.NilVal || v.IsNull() {
		return nullOutputs(t), nil
	}
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		return cty.NilVal, fmt.Errorf("the step type %q returned an unknown output: this is a bug of the step type", t.Name)
	}
	if v.Type().Equals(want) {
		return v, nil
	}
	got, err := convert.Convert(v, want)
	if err != nil {
		return cty.NilVal, fmt.Errorf("the step type %q returned outputs that it does not declare: %w: this is a bug of the step type", t.Name, err)
	}
	return got, nil
}

func nullOutputs(t *steps.Type) cty.Value {
	attrs := make(map[string]cty.Value, len(t.Outputs))
	for _, o := range t.Outputs {
		attrs[o.Name] = cty.NullVal(o.Type)
	}
	return cty.ObjectVal(attrs)
}

// encodeTyped writes a value as {"type", "value"}; sensitive parts are null.
func encodeTyped(v cty.Value) (json.RawMessage, error) {
	if !v.ContainsMarked() {
		return ctyjson.Marshal(v, cty.DynamicPseudoType)
	}
	public, err := cty.Transform(v, func(_ cty.Path, part cty.Value) (cty.Value, error) {
		if part.IsMarked() {
			return cty.NullVal(part.Type()), nil
		}
		return part, nil
	})
	if err != nil {
		return nil, err
	}
	return ctyjson.Marshal(public, cty.DynamicPseudoType)
}

// sensitiveOutputs lists the secrets among the outputs of a step.
func sensitiveOutputs(t *steps.Type, v cty.Value) []string {
	var secrets []string
	for _, o := range t.Outputs {
		if o.Sensitive && !v.IsNull() {
			secrets = append(secrets, stringsIn(v.GetAttr(o.Name), o.Printed)...)
		}
	}
	return secrets
}

// stringsIn lists the strings in a value, and the numbers unless it was printed:
// to hide each 200 because a server answered with it would help nobody.
func stringsIn(v cty.Value, printed bool) []string {
	var found []string
	_ = cty.Walk(v, func(_ cty.Path, part cty.Value) (bool, error) { // the callback has no errors
		if part.IsNull() || !part.IsKnown() {
			return false, nil
		}
		switch {
		case part.Type() == cty.String:
			found = append(found, part.AsString())
		case part.Type() == cty.Number && !printed:
			found = append(found, part.AsBigFloat().Text('f', -1))
		}
		return true, nil
	})
	return found
}
