package steps

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
)

// Summary returns the first sentence of a documentation text, without its full
// stop, on one line.
func Summary(doc string) string {
	first, _, _ := strings.Cut(strings.Join(strings.Fields(doc), " ")+" ", ". ")
	return strings.TrimSpace(first)
}

// Markdown returns the documentation of a step type: what it does, where it
// runs, an example, and every argument, block and output of its schema.
func Markdown(t *Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", t.Name, strings.TrimSpace(t.Doc))
	fmt.Fprintf(&b, "%s\n\n", placementText(t))
	fmt.Fprintf(&b, "## Example\n\nThe least that it takes:\n\n```hcl\n%s```\n\n", Example(t))
	writeBlock(&b, "", &t.Schema)
	writeOutputs(&b, t)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// BackendMarkdown returns the documentation of a backend type in the form of
// Markdown.
func BackendMarkdown(t *backends.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", t.Name, strings.TrimSpace(t.Doc))
	writeBlock(&b, "", &t.Schema)
	if len(t.Role.Attributes)+len(t.Role.Blocks) > 0 {
		fmt.Fprintf(&b, "## Block `role`\n\nWhat differs for one role, whose name is the label: `role \"agent\" {}`.\n\n")
		writeBlock(&b, "role.", &t.Role)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func placementText(t *Type) string {
	switch t.Placement {
	case MayHaveNode:
		return "It runs on a node (`node`), on several (`nodes`), or without one."
	case NeedsNode:
		return "It runs on a node (`node`) or on several (`nodes`); one of them must be written."
	case EachNode:
		return "It makes one instance for every node of its `cluster`, keyed by the node's name."
	default:
		return "It runs without a node: `node` and `nodes` are refused."
	}
}

// writeBlock writes the arguments of a block and then the blocks in it, each
// below a heading with its path.
func writeBlock(b *strings.Builder, path string, block *schema.Block) {
	if len(block.Attributes) > 0 {
		fmt.Fprintf(b, "%s\n\n| Argument | Type | Meaning |\n|---|---|---|\n", argumentsHeading(path))
		for i := range block.Attributes {
			a := &block.Attributes[i]
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", a.Name, cell(TypeText(a)), cell(attributeText(a)))
		}
		b.WriteString("\n")
	}
	for _, set := range block.OneOf {
		fmt.Fprintf(b, "Exactly one of %s must be written.\n\n", codeList(set))
	}
	for _, set := range block.AtMostOne {
		fmt.Fprintf(b, "At most one of %s may be written.\n\n", codeList(set))
	}
	for i := range block.Blocks {
		n := &block.Blocks[i]
		fmt.Fprintf(b, "## Block `%s%s`\n\n%s %s\n\n", path, n.Name, strings.TrimSpace(n.Doc), timesText(n))
		writeBlock(b, path+n.Name+".", &n.Block)
	}
}

func argumentsHeading(path string) string {
	if path == "" {
		return "## Arguments"
	}
	return fmt.Sprintf("Arguments of `%s`:", strings.TrimSuffix(path, "."))
}

func timesText(n *schema.Nested) string {
	switch {
	case n.Min == 1 && n.Max == 1:
		return "It must be written once."
	case n.Min == 0 && n.Max == 1:
		return "It may be written once."
	case n.Min > 0:
		return fmt.Sprintf("It must be written at least %d times.", n.Min)
	default:
		return "It may be written any number of times."
	}
}

func writeOutputs(b *strings.Builder, t *Type) {
	if len(t.Outputs) == 0 {
		b.WriteString("## Outputs\n\nNone.\n")
		return
	}
	b.WriteString("## Outputs\n\n| Output | Type | Meaning |\n|---|---|---|\n")
	for _, o := range t.Outputs {
		doc := o.Doc
		if o.Sensitive {
			doc += " Never shown."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", o.Name, cell(ValueTypeText(o.Type)), cell(doc))
	}
}

// attributeText is the documentation of an argument with everything that the
// schema knows beside it.
func attributeText(a *schema.Attribute) string {
	parts := []string{}
	if a.Required {
		parts = append(parts, "**Required.**")
	}
	parts = append(parts, strings.TrimSpace(a.Doc))
	if len(a.Values) > 0 {
		parts = append(parts, "Allowed: "+codeList(a.Values)+".")
	}
	if a.Default != cty.NilVal && !a.Default.IsNull() {
		parts = append(parts, fmt.Sprintf("Default: `%s`.", valueText(a.Default)))
	}
	if a.Sensitive {
		parts = append(parts, "Never shown.")
	}
	return strings.Join(parts, " ")
}

// TypeText says in words of the language which value an argument wants.
func TypeText(a *schema.Attribute) string {
	switch a.Kind {
	case schema.Duration:
		return "duration"
	case schema.Path:
		return "path"
	case schema.Node:
		return "node"
	case schema.Cluster:
		return "cluster"
	case schema.Deferred:
		return "expression"
	default:
		return ValueTypeText(a.Type)
	}
}

// ValueTypeText writes a type as a `type` argument would.
func ValueTypeText(t cty.Type) string {
	switch {
	case t == cty.DynamicPseudoType:
		return "any"
	case t == cty.Bool:
		return "bool"
	case t.IsListType():
		return "list(" + ValueTypeText(t.ElementType()) + ")"
	case t.IsSetType():
		return "set(" + ValueTypeText(t.ElementType()) + ")"
	case t.IsMapType():
		return "map(" + ValueTypeText(t.ElementType()) + ")"
	case t.IsObjectType():
		return objectText(t)
	default:
		return t.FriendlyNameForConstraint()
	}
}

func objectText(t cty.Type) string {
	if t.Equals(schema.NodeType) {
		return "node"
	}
	fields := make([]string, 0, len(t.AttributeTypes()))
	for _, name := range sortedKeys(t.AttributeTypes()) {
		fields = append(fields, name+" = "+ValueTypeText(t.AttributeType(name)))
	}
	return "object({ " + strings.Join(fields, ", ") + " })"
}

func codeList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "`" + n + "`"
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " and " + quoted[len(quoted)-1]
}

// cell makes text fit into one cell of a Markdown table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}
