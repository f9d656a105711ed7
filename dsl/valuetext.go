package dsl

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxValueText is how many letters of a value a message shows.
const maxValueText = 200

// ValueText shows a value on one line, as one would write it, cut when it is
// long. Sensitive values are redacted; any mark means sensitive.
func ValueText(v cty.Value) string {
	text := []rune(valueText(v))
	if len(text) > maxValueText {
		return string(text[:maxValueText]) + "..."
	}
	return string(text)
}

func valueText(v cty.Value) string {
	switch ty := v.Type(); {
	case v.IsMarked():
		return "(sensitive)"
	case !v.IsKnown():
		return "(known later)"
	case v.IsNull():
		return "null"
	case ty == cty.String:
		return strconv.Quote(v.AsString())
	case ty == cty.Number:
		return numberText(v.AsBigFloat())
	case ty == cty.Bool:
		return strconv.FormatBool(v.True())
	case isSequence(ty) || ty.IsSetType():
		return "[" + strings.Join(itemTexts(v), ", ") + "]"
	case isMapping(ty):
		return "{" + strings.Join(attributeTexts(v), ", ") + "}"
	default:
		return ty.FriendlyName()
	}
}

// numberText writes a number as one would. Of one with very many digits it
// says only how large it is: to compute them takes minutes.
func numberText(f *big.Float) string {
	if e := f.MantExp(nil); e > 1000 || e < -1000 {
		return fmt.Sprintf("about 10^%.0f", float64(e)*math.Log10(2))
	}
	if n, accuracy := f.Int64(); accuracy == big.Exact { // much the faster way
		return strconv.FormatInt(n, 10)
	}
	return f.Text('f', -1)
}

func itemTexts(v cty.Value) []string {
	var items []string
	for _, item := range v.Elements() {
		items = append(items, valueText(item))
	}
	return items
}

func attributeTexts(v cty.Value) []string {
	var attrs []string
	for key, item := range v.Elements() {
		name := key.AsString()
		if !hclsyntax.ValidIdentifier(name) {
			name = strconv.Quote(name)
		}
		attrs = append(attrs, fmt.Sprintf("%s = %s", name, valueText(item)))
	}
	slices.Sort(attrs)
	return attrs
}
