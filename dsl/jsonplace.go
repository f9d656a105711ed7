package dsl

import (
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// jsonEscapes are the letters that every writer of JSON escapes, as it does.
var jsonEscapes = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`)

// placer puts what was found in the text of a JSON string where it stands in
// the file: an escape is longer there than the letter that it means, and a line
// break of the text is none.
type placer struct {
	start hcl.Pos
	text  string
	done  map[part]bool
}

// part is a place in memory that was seen to: expressions share some.
type part struct {
	address uintptr
	typ     reflect.Type
}

// placeIn moves the ranges in an expression, and in diagnostics about it, that
// count from the first letter of a JSON string with this text. A string with
// unusual escapes (\u0041) is left alone, because the text does not tell them.
func placeIn(text string, rng hcl.Range, e hcl.Expression, diags hcl.Diagnostics) {
	escaped := jsonEscapes.Replace(text)
	if escaped == text || len(escaped)+2 != rng.End.Byte-rng.Start.Byte {
		return
	}
	p := &placer{start: insideQuotes(rng), text: text, done: map[part]bool{}}
	p.walk(reflect.ValueOf(e))
	for _, d := range diags {
		p.walk(reflect.ValueOf(d.Subject))
		p.walk(reflect.ValueOf(d.Context))
	}
}

var (
	rangeType = reflect.TypeFor[hcl.Range]()
	valueType = reflect.TypeFor[cty.Value]()
)

// walk moves every range below a value. The steps of a traversal are structs in
// interfaces, which must be replaced as a whole.
func (p *placer) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		p.walk(v.Elem())
	case reflect.Interface:
		inner := v.Elem()
		if inner.Kind() == reflect.Struct && v.CanSet() {
			moved := reflect.New(inner.Type()).Elem()
			moved.Set(inner)
			p.walk(moved)
			v.Set(moved)
			return
		}
		p.walk(inner)
	case reflect.Slice:
		for i := range v.Len() {
			p.walk(v.Index(i))
		}
	case reflect.Struct:
		p.walkStruct(v)
	}
}

func (p *placer) walkStruct(v reflect.Value) {
	if !v.CanSet() || v.Type() == valueType {
		return
	}
	here := part{v.Addr().Pointer(), v.Type()}
	if p.done[here] {
		return
	}
	p.done[here] = true
	if v.Type() == rangeType {
		rng := v.Addr().Interface().(*hcl.Range)
		rng.Start, rng.End = p.at(rng.Start), p.at(rng.End)
		return
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			p.walk(v.Field(i))
		}
	}
}

// at is where a place in the text stands in the file.
func (p *placer) at(pos hcl.Pos) hcl.Pos {
	offset := min(max(pos.Byte-p.start.Byte, 0), len(p.text))
	before := jsonEscapes.Replace(p.text[:offset])
	return hcl.Pos{
		Line:   p.start.Line,
		Column: p.start.Column + len([]rune(before)),
		Byte:   p.start.Byte + len(before),
	}
}
