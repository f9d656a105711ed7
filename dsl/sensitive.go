package dsl

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Mark is the type of the marks that values bear in cty.
type Mark string

// Sensitive marks what nothing may show: values of sensitive variables,
// arguments and outputs, what sensitive() returns, and all that is made of them.
const Sensitive Mark = "sensitive"

// whatever is a parameter that takes every value as it is.
var whatever = function.Parameter{
	Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
}

// sensitive marks a value, so that it is hidden wherever it would be shown.
var sensitive = function.New(&function.Spec{
	Params: []function.Parameter{whatever},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return args[0].Mark(Sensitive), nil
	},
})

// nonsensitive takes the mark of a value away, for what is made of a secret and
// tells nothing of it. Marks on parts of the value stay, as in Terraform.
var nonsensitive = function.New(&function.Spec{
	Params: []function.Parameter{whatever},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		delete(marks, Sensitive)
		return v.WithMarks(marks), nil
	},
})

func sameType(args []cty.Value) (cty.Type, error) {
	return args[0].Type(), nil
}
