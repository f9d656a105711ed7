package main

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// evaluateFile is the floor of a plan: HCL alone. It parses the file, decodes the
// blocks, evaluates the keys of each step, and every argument for each key. Of
// what a step waits for, it only asks for the names. It keeps nothing.
func evaluateFile(path string) error {
	file, diags := hclparse.NewParser().ParseHCLFile(path)
	if diags.HasErrors() {
		return diags
	}
	content, diags := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "step", LabelNames: []string{"type", "name"}}}})
	if diags.HasErrors() {
		return diags
	}
	functions := &hcl.EvalContext{Functions: map[string]function.Function{"upper": stdlib.UpperFunc, "toset": toSet}}
	for _, block := range content.Blocks {
		if err := evaluateStep(block.Body, functions); err != nil {
			return err
		}
	}
	return nil
}

// toSet makes a set of strings; the file has no others.
var toSet = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "v", Type: cty.List(cty.String)}},
	Type:   function.StaticReturnType(cty.Set(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.SetVal(args[0].AsValueSlice()), nil
	},
})

func evaluateStep(body hcl.Body, functions *hcl.EvalContext) error {
	arguments, diags := body.JustAttributes()
	if diags.HasErrors() {
		return diags
	}
	keys, diags := arguments["for_each"].Expr.Value(functions)
	if diags.HasErrors() {
		return diags
	}
	for _, reference := range arguments["depends_on"].Expr.Variables() {
		if name := reference.RootName(); name != "step" && name != "each" {
			return fmt.Errorf("%s: %s is no step", reference.SourceRange(), name)
		}
	}
	delete(arguments, "for_each")
	delete(arguments, "depends_on")
	for _, key := range keys.AsValueSlice() {
		each := functions.NewChild()
		each.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": key})}
		for _, argument := range arguments {
			if _, diags := argument.Expr.Value(each); diags.HasErrors() {
				return diags
			}
		}
	}
	return nil
}
