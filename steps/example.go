package steps

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/schema"
)

// Example returns the smallest block of a type as HCL: its label, where it
// runs, what is required or has an example, and the first choice where one of
// several arguments must be written. It refers to a cluster "web" with a role
// "server".
func Example(t *Type) string {
	lines := []line{}
	if t.Placement == NeedsNode || t.Placement == MayHaveNode {
		lines = append(lines, line{"nodes", "cluster.web.nodes"})
	}
	var body strings.Builder
	writeExample(&body, "  ", lines, &t.Schema)
	if body.Len() == 0 {
		return fmt.Sprintf("step %q \"example\" {}\n", t.Name)
	}
	return fmt.Sprintf("step %q \"example\" {\n%s}\n", t.Name, &body)
}

type line struct{ name, value string }

// writeExample writes the arguments with their equals signs aligned, as the
// formatter of the language does, then the blocks.
func writeExample(b *strings.Builder, indent string, lines []line, block *schema.Block) {
	for i := range block.Attributes {
		if a := &block.Attributes[i]; a.Required || a.Example != "" || chosen(block, a.Name) {
			lines = append(lines, line{a.Name, placeholder(a)})
		}
	}
	width := 0
	for _, l := range lines {
		width = max(width, len(l.name))
	}
	for _, l := range lines {
		fmt.Fprintf(b, "%s%-*s = %s\n", indent, width, l.name, l.value)
	}
	for i := range block.Blocks {
		n := &block.Blocks[i]
		if n.Min == 0 && !chosen(block, n.Name) {
			continue
		}
		if len(lines) > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%s%s {\n", indent, n.Name)
		writeExample(b, indent+"  ", nil, &n.Block)
		fmt.Fprintf(b, "%s}\n", indent)
	}
}

// chosen says whether a name is the first of a set of which one must be
// written.
func chosen(block *schema.Block, name string) bool {
	return slices.ContainsFunc(block.OneOf, func(set []string) bool {
		return len(set) > 0 && set[0] == name
	})
}

func placeholder(a *schema.Attribute) string {
	if a.Example != "" {
		return a.Example
	}
	switch a.Kind {
	case schema.Duration:
		return `"30s"`
	case schema.Path:
		return `"./file"`
	case schema.Node:
		return "cluster.web.server[0]"
	case schema.Cluster:
		return "cluster.web"
	case schema.Deferred:
		return "true"
	}
	if len(a.Values) > 0 {
		return fmt.Sprintf("%q", a.Values[0])
	}
	return placeholderOf(a.Type)
}

func placeholderOf(t cty.Type) string {
	switch {
	case t == cty.Number:
		return "1"
	case t == cty.Bool:
		return "true"
	case t.IsListType() || t.IsSetType():
		return "[" + placeholderOf(t.ElementType()) + "]"
	case t.IsMapType():
		return "{ name = " + placeholderOf(t.ElementType()) + " }"
	default:
		return `"..."`
	}
}

// valueText writes a default as HCL would: JSON is the same for what defaults
// are made of.
func valueText(v cty.Value) string {
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return v.GoString()
	}
	return string(text)
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
