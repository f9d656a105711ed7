package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// axis is a declared axis of the matrix. The type is that of its values, as far
// as they have one in common.
type axis struct {
	name string
	decl *dsl.Axis
	typ  cty.Type
}

// inMatrix is where the matrix is evaluated: before there is a variant or a run.
var inMatrix = site{what: "a matrix", fixed: true}

// fixed evaluates an expression of the matrix. False means that it is not
// known, or wrong and reported.
func (b *builder) fixed(e hcl.Expression, what string) (cty.Value, *expression, bool) {
	x, diags := b.ev.root.resolve(e, inMatrix)
	v := cty.DynamicVal
	if !diags.HasErrors() {
		ctx, more := b.ev.context(&x.needs, nil, nil)
		if diags = append(diags, more...); !diags.HasErrors() {
			v, diags = dsl.EvaluateStrict(x.source, ctx)
		}
	}
	b.report(diags)
	switch {
	case diags.HasErrors():
	case v.ContainsMarked():
		b.problem(x.Range(), "Sensitive value in the matrix", "%s is sensitive. The names of variants are shown and recorded: give the secret to the steps by a variable.", capital(what))
	case v.IsNull():
		b.problem(x.Range(), "Null in the matrix", "%s is null. Leave it out instead.", capital(what))
	case v.IsKnown():
		return v, x, true
	case !b.ev.static:
		b.problem(x.Range(), "The matrix must be known before the run", "%s is not known. Use only variables, locals and functions in it.", capital(what))
	}
	unmarked, _ := v.UnmarkDeep()
	return unmarked, x, false
}

// fixedCount is count for an argument of the matrix.
func (b *builder) fixedCount(e hcl.Expression, name string) int {
	if e == nil {
		return 0
	}
	v, x, known := b.fixed(e, name)
	if !known {
		return 0
	}
	n, diags := wholeNumber(v, 1, maxCount, fmt.Sprintf("%q", name), x.Range())
	b.report(diags)
	return n
}

// entry is one value of an axis, with its label and where that stands.
type entry struct {
	label string
	value cty.Value
	rng   hcl.Range
}

// axis evaluates the values of an axis: a list of primitives, or an object
// whose keys are the labels. False means that they are not known, or wrong and
// reported.
func (b *builder) axis(a *axis) (Axis, bool) {
	made := Axis{Name: a.name}
	v, x, known := b.fixed(a.decl.Values, fmt.Sprintf("the axis %q", a.name))
	a.typ = elementType(v.Type())
	if !known {
		return made, false
	}
	var entries []entry
	switch ty := v.Type(); {
	case ty.IsListType(), ty.IsTupleType(), ty.IsSetType():
		entries, known = b.listed(a, v, x)
	case ty.IsMapType(), ty.IsObjectType():
		entries = keyed(v, x)
		known = b.whole(a, entries)
	default:
		b.problem(x.Range(), fmt.Sprintf("Axis %q is no list", a.name),
			"It is %s. Write a list of values, such as [%s], or an object of names and values.%s",
			dsl.ValueText(v), dsl.ValueText(v), dsl.Suggest(a.name, []string{"max_parallel"}))
		return made, false
	}
	if len(entries) == 0 && known {
		b.problem(x.Range(), fmt.Sprintf("Axis %q is empty", a.name), "Without a value there is no variant. Write at least one, or remove the axis.")
		return made, false
	}
	for _, e := range b.labels(a, entries) {
		made.Labels, made.Values = append(made.Labels, e.label), append(made.Values, e.value)
	}
	return made, known && len(made.Labels) == len(entries)
}

// listed reads a list of primitives; false when one of them is not known, or
// wrong and reported.
func (b *builder) listed(a *axis, v cty.Value, x *expression) ([]entry, bool) {
	written, diags := hcl.ExprList(x.source)
	literal := !diags.HasErrors() && len(written) == v.LengthInt()
	complete := true
	var entries []entry
	for i, item := range slices.Collect(elements(v)) {
		e := entry{value: item, rng: x.Range()}
		if literal {
			e.rng = written[i].Range()
		}
		switch {
		case !item.IsKnown():
			complete = b.unknownEntry(a, e) && complete
			continue
		case item.IsNull():
			b.problem(e.rng, "Null in the matrix", "A value of the axis %q is null. Leave it out instead.", a.name)
		case !item.Type().IsPrimitiveType():
			b.problem(e.rng, fmt.Sprintf("A value of the axis %q has no name", a.name),
				"Only text, numbers and booleans name themselves. Write an object of names and values instead: %s = { name = %s }.",
				a.name, dsl.ValueText(item))
			a.typ = cty.DynamicPseudoType
		case len(entries) > 0 && !entries[0].value.Type().Equals(item.Type()):
			b.problem(e.rng, fmt.Sprintf("The axis %q has values of different types", a.name),
				"%s is a %s and %s a %s. Write all of them alike.", dsl.ValueText(entries[0].value), entries[0].value.Type().FriendlyName(),
				dsl.ValueText(item), item.Type().FriendlyName())
		default:
			e.label = labelOf(item)
			entries = append(entries, e)
			continue
		}
		complete = false
	}
	return entries, complete
}

// unknownEntry is false, and a problem where all values must be known.
func (b *builder) unknownEntry(a *axis, e entry) bool {
	if !b.ev.static {
		b.problem(e.rng, "The matrix must be known before the run", "A value of the axis %q is not known. Use only variables, locals and functions in it.", a.name)
	}
	return false
}

func elements(v cty.Value) func(yield func(cty.Value) bool) {
	return func(yield func(cty.Value) bool) {
		for it := v.ElementIterator(); it.Next(); {
			if _, item := it.Element(); !yield(item) {
				return
			}
		}
	}
}

// labelOf is the text of a primitive value.
func labelOf(v cty.Value) string {
	if v.Type() == cty.String {
		return v.AsString()
	}
	return dsl.ValueText(v)
}

// keyed reads an object, in the order of the file where it is written there,
// else of its keys.
func keyed(v cty.Value, x *expression) []entry {
	values := v.AsValueMap()
	var entries []entry
	for _, w := range places(x) {
		if value, has := values[w.name]; has {
			entries = append(entries, entry{w.name, value, w.key})
			delete(values, w.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		entries = append(entries, entry{name, values[name], x.Range()})
	}
	return entries
}

// whole says whether the values of an object are known. Those that are not, and
// null ones, are reported.
func (b *builder) whole(a *axis, entries []entry) bool {
	complete := true
	for _, e := range entries {
		if !e.value.IsWhollyKnown() {
			complete = b.unknownEntry(a, e)
		} else if e.value.IsNull() {
			b.problem(e.rng, "Null in the matrix", "A value of the axis %q is null. Leave it out instead.", a.name)
			complete = false
		}
	}
	return complete
}

// labels checks the labels and returns the entries whose label is good.
func (b *builder) labels(a *axis, entries []entry) []entry {
	seen := map[string]entry{}
	var good []entry
	for _, e := range entries {
		first, twice := seen[e.label]
		seen[e.label] = e
		switch bad := unfit(e.label); {
		case e.label == "":
			b.problem(e.rng, "Empty name in the matrix", "A value of the axis %q is named by the empty text. The value is a part of the variant's name: write an object of names and values instead.", a.name)
		case bad != "":
			b.problem(e.rng, fmt.Sprintf("Refused name %q in the matrix", e.label),
				"It is a part of the variant's name, which may not have %s. Write an object of names and values instead: %s = { name = %s }.", bad, a.name, dsl.ValueText(e.value))
		case twice:
			b.problem(e.rng, fmt.Sprintf("%q stands twice in the axis %q", e.label, a.name), "The first one is at %s. Two variants cannot have one name.", place(first.rng))
		default:
			good = append(good, e)
		}
	}
	return good
}

// unfit says what a label has that the name of a variant may not, "" for
// nothing.
func unfit(label string) string {
	for _, c := range label {
		switch {
		case c == ' ':
			return "a space"
		case unicode.IsControl(c), unicode.IsSpace(c), !unicode.IsPrint(c):
			return fmt.Sprintf("the character %s", strconv.QuoteRuneToASCII(c))
		case strings.ContainsRune("[],\"'`\\$*?|&;<>(){}", c):
			return fmt.Sprintf("the character %c", c)
		}
	}
	return ""
}

// excludes evaluates the exclude blocks to labels by axis; false when one is not
// known, or wrong and reported.
func (b *builder) excludes(axes []Axis) ([]map[string]string, bool) {
	complete := true
	var all []map[string]string
	for _, decl := range b.in.Workflow.Matrix.Excludes {
		labels := map[string]string{}
		for _, given := range decl.Values {
			i := slices.IndexFunc(axes, func(a Axis) bool { return a.Name == given.Name })
			if i < 0 {
				complete = false // reported by the loader
				continue
			}
			label, known := b.excludedLabel(&axes[i], given)
			labels[given.Name], complete = label, complete && known
		}
		if len(labels) > 0 {
			all = append(all, labels)
		}
	}
	return all, complete
}

func (b *builder) excludedLabel(a *Axis, given *dsl.Axis) (string, bool) {
	v, x, known := b.fixed(given.Values, fmt.Sprintf("the excluded value of %q", a.Name))
	if !known || len(a.Labels) == 0 {
		return "", false
	}
	if !v.Type().IsPrimitiveType() {
		b.problem(x.Range(), "Wrong value in an exclude block", "It is %s. Write one value of the axis %q; %s", v.Type().FriendlyName(), a.Name, thereIs(a.Labels))
		return "", false
	}
	label := labelOf(v)
	if !slices.Contains(a.Labels, label) {
		b.problem(x.Range(), fmt.Sprintf("The axis %q has no value %s", a.Name, dsl.ValueText(v)), "Nothing is excluded by it. %s%s", thereIs(a.Labels), dsl.Suggest(label, a.Labels))
		return "", false
	}
	return label, true
}

// elementType is the type of what is in a collection, as far as that has one.
func elementType(ty cty.Type) cty.Type {
	switch {
	case ty.IsListType(), ty.IsSetType(), ty.IsMapType():
		return ty.ElementType()
	case ty.IsTupleType():
		return common(ty.TupleElementTypes())
	case ty.IsObjectType():
		attrs := ty.AttributeTypes()
		var types []cty.Type
		for _, name := range slices.Sorted(maps.Keys(attrs)) {
			types = append(types, attrs[name])
		}
		return common(types)
	}
	return cty.DynamicPseudoType
}

// common is the type that all have, part by part; anything where they differ.
func common(types []cty.Type) cty.Type {
	if len(types) == 0 {
		return cty.DynamicPseudoType
	}
	all := types[0]
	for _, ty := range types[1:] {
		all = both(all, ty)
	}
	return all
}

func both(a, b cty.Type) cty.Type {
	switch {
	case a.Equals(b):
		return a
	case a.IsObjectType() && b.IsObjectType() && slices.Equal(slices.Sorted(maps.Keys(a.AttributeTypes())), slices.Sorted(maps.Keys(b.AttributeTypes()))):
		attrs := map[string]cty.Type{}
		for name, ty := range a.AttributeTypes() {
			attrs[name] = both(ty, b.AttributeType(name))
		}
		return cty.Object(attrs)
	}
	return cty.DynamicPseudoType
}
