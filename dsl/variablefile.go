package dsl

import (
	"io/fs"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// VariableValue is a value from a file of variable values.
type VariableValue struct {
	Value cty.Value
	Range hcl.Range
}

// LoadVariables reads a file of variable values, `NAME = value` without
// references, or a JSON object when the path ends in .json. It returns the
// values by name, and the parsed file by its displayed name for snippets.
func LoadVariables(fsys fs.FS, path, display string) (map[string]VariableValue, map[string]*hcl.File, hcl.Diagnostics) {
	values := map[string]VariableValue{}
	file, diags := parse(fsys, path, display)
	if file == nil {
		return values, nil, diags
	}
	files := map[string]*hcl.File{display: file}
	if diags.HasErrors() {
		return values, files, Sort(diags)
	}
	attrs, diags := file.Body.JustAttributes()
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		v, valueDiags := attrs[name].Expr.Value(nil)
		diags = append(diags, valueDiags...)
		if !valueDiags.HasErrors() {
			values[name] = VariableValue{Value: v, Range: attrs[name].Expr.Range()}
		}
	}
	return values, files, Sort(diags)
}
