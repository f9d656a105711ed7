package dsl

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// anything is a parameter for a list, set or tuple of whatever elements.
var anything = function.Parameter{Name: "list", Type: cty.DynamicPseudoType, AllowDynamicType: true}

// length counts letters, elements or attributes.
var length = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true, AllowMarked: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		ty := args[0].Type()
		if ty != cty.String && ty != cty.DynamicPseudoType && !isSequence(ty) && !isMapping(ty) && !ty.IsSetType() {
			return cty.Number, function.NewArgErrorf(0, "a %s has no length", ty.FriendlyName())
		}
		return cty.Number, nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		switch ty := v.Type(); {
		case ty == cty.DynamicPseudoType:
			return cty.UnknownVal(cty.Number).WithMarks(marks), nil
		case ty == cty.String:
			n, err := stdlib.Strlen(v)
			return n.WithMarks(marks), err
		case ty.IsTupleType():
			return cty.NumberIntVal(int64(ty.Length())).WithMarks(marks), nil
		case ty.IsObjectType():
			return cty.NumberIntVal(int64(len(ty.AttributeTypes()))).WithMarks(marks), nil
		}
		return v.Length().WithMarks(marks), nil
	},
})

// index is the place of a value in a list.
var index = function.New(&function.Spec{
	Params: []function.Parameter{anything, {Name: "value", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !isSequence(args[0].Type()) {
			return cty.NilVal, function.NewArgErrorf(0, "a list is needed")
		}
		i := int64(0)
		for _, item := range args[0].Elements() {
			equal := item.Equals(args[1])
			if !equal.IsKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			if equal.True() {
				return cty.NumberIntVal(i), nil
			}
			i++
		}
		return cty.NilVal, errors.New("the value is not in the list")
	},
})

var (
	allTrue = fold(cty.Bool, cty.True, cty.Value.And)
	anyTrue = fold(cty.Bool, cty.False, cty.Value.Or)
	sum     = fold(cty.Number, cty.Zero, cty.Value.Add)
)

// fold joins the elements of a list, set or tuple, each made the wanted type.
func fold(ty cty.Type, start cty.Value, join func(a, b cty.Value) cty.Value) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{anything},
		Type:   function.StaticReturnType(ty),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if t := args[0].Type(); !isSequence(t) && !t.IsSetType() {
				return cty.NilVal, function.NewArgErrorf(0, "a list or set is needed, this is a %s", t.FriendlyName())
			}
			result := start
			for _, item := range args[0].Elements() {
				item, err := convert.Convert(item, ty)
				if err != nil || item.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "every element must be a %s", ty.FriendlyName())
				}
				result = join(result, item)
			}
			return result, nil
		},
	})
}

// one is the only element, null when there is none.
var one = function.New(&function.Spec{
	Params: []function.Parameter{anything},
	Type: func(args []cty.Value) (cty.Type, error) {
		switch ty := args[0].Type(); {
		case ty.IsTupleType() && ty.Length() == 1:
			return ty.TupleElementType(0), nil
		case ty.IsListType() || ty.IsSetType():
			return ty.ElementType(), nil
		case ty.IsTupleType() && ty.Length() == 0, ty == cty.DynamicPseudoType:
			return cty.DynamicPseudoType, nil
		case ty.IsTupleType():
			return cty.NilType, function.NewArgErrorf(0, "there are %d elements; one takes a list of at most one", ty.Length())
		default:
			return cty.NilType, function.NewArgErrorf(0, "a list or set is needed, this is a %s", ty.FriendlyName())
		}
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		switch n := args[0].LengthInt(); n {
		case 0:
			return cty.NullVal(ty), nil
		case 1:
			return args[0].AsValueSlice()[0], nil
		default:
			return cty.NilVal, function.NewArgErrorf(0, "there are %d elements; one takes a list of at most one", n)
		}
	},
})

// shuffle puts a list in an order that depends on the seed only.
var shuffle = function.New(&function.Spec{
	Params: []function.Parameter{anything, {Name: "seed", Type: cty.String}},
	Type: func(args []cty.Value) (cty.Type, error) {
		switch ty := args[0].Type(); {
		case ty.IsListType(), ty == cty.DynamicPseudoType:
			return ty, nil
		case ty.Equals(cty.EmptyTuple):
			return cty.List(cty.DynamicPseudoType), nil
		case ty.IsTupleType():
			if item, _ := convert.Unify(ty.TupleElementTypes()); item != cty.NilType {
				return cty.List(item), nil
			}
			return cty.NilType, function.NewArgErrorf(0, "the elements must be of one type")
		default:
			return cty.NilType, function.NewArgErrorf(0, "a list is needed, this is a %s", ty.FriendlyName())
		}
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		listed, err := convert.Convert(args[0], ty)
		if err != nil || listed.LengthInt() == 0 {
			return listed, err
		}
		items := listed.AsValueSlice()
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(args[1].AsString()))
		rand.New(rand.NewPCG(hash.Sum64(), 0)).Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		return cty.ListVal(items), nil
	},
})
