package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// block is a body checked against a schema, with its expressions resolved. It
// is made once and decoded for every instance.
type block struct {
	schema *schema.Block
	rng    hcl.Range
	args   map[string]*argument
	blocks map[string][]*block
	needs  needs
	// flawed blocks have a problem in their text: only their sound arguments
	// are looked at.
	flawed bool
}

// argument is a written argument.
type argument struct {
	attr *schema.Attribute
	expr *expression
	// planned is the value at plan time when it is the same for all instances,
	// cty.NilVal before it has been evaluated. Marked says that it is sensitive
	// somewhere.
	planned cty.Value
	marked  bool
	// broken arguments have a problem in their text.
	broken bool
}

// compiler makes blocks and collects what is wrong in their text.
type compiler struct {
	ev    *evaluator
	scope *scope
	site  site
	// meta says that the body is a step's, which has meta-arguments too.
	meta  bool
	diags hcl.Diagnostics
}

func (c *compiler) problem(rng hcl.Range, summary, detail string, args ...any) {
	c.diags = append(c.diags, problem(rng, summary, detail, args...))
}

// block checks a body. Owner says in messages whose arguments they are.
func (c *compiler) block(body hcl.Body, s *schema.Block, rng hcl.Range, owner string) *block {
	lenient := bodySchema(s)
	content, rest, diags := body.PartialContent(lenient)
	c.diags = append(c.diags, diags...)
	b := &block{schema: s, rng: rng, args: map[string]*argument{}, blocks: map[string][]*block{}}
	b.needs.scope = c.scope
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if written, ok := content.Attributes[a.Name]; ok {
			b.args[a.Name] = c.argument(b, a, written)
		}
	}
	for i := range s.Blocks {
		c.nested(b, &s.Blocks[i], content.Blocks.OfType(s.Blocks[i].Name), owner)
	}
	typos := c.unknown(body, rest, lenient, s, owner)
	c.missing(b, typos, owner)
	c.exclusive(b, typos)
	b.flawed = c.diags.HasErrors()
	return b
}

// bodySchema is the schema for HCL. Nothing is required in it: what is missing
// is reported here, but not beside a typo.
func bodySchema(s *schema.Block) *hcl.BodySchema {
	hs := &hcl.BodySchema{}
	for _, a := range s.Attributes {
		hs.Attributes = append(hs.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	for _, n := range s.Blocks {
		hs.Blocks = append(hs.Blocks, hcl.BlockHeaderSchema{Type: n.Name})
	}
	return hs
}

func (c *compiler) argument(b *block, a *schema.Attribute, written *hcl.Attribute) *argument {
	at := c.site
	at.probe, at.late = a.Kind == schema.Deferred, a.Late
	expr, diags := c.scope.resolve(written.Expr, at)
	c.diags = append(c.diags, diags...)
	b.needs.merge(&expr.needs)
	if a.Kind == schema.Plain {
		c.literals(written.Expr, a.Type, a.Name)
	}
	return &argument{attr: a, expr: expr, broken: diags.HasErrors()}
}

func (c *compiler) nested(b *block, n *schema.Nested, written hcl.Blocks, owner string) {
	for i, w := range written {
		if n.Max > 0 && i >= n.Max {
			c.problem(w.DefRange, fmt.Sprintf("Too many %q blocks", n.Name), "There may be %d; there is one already at %s.", n.Max, place(written[0].DefRange))
			continue
		}
		inner := compiler{ev: c.ev, scope: c.scope, site: c.site}
		compiled := inner.block(w.Body, &n.Block, w.DefRange, owner+", block "+n.Name)
		c.diags = append(c.diags, inner.diags...)
		b.needs.merge(&compiled.needs)
		b.blocks[n.Name] = append(b.blocks[n.Name], compiled)
	}
}

// unknown reports arguments and blocks that the schema does not have, and
// returns their names.
func (c *compiler) unknown(body, rest hcl.Body, lenient *hcl.BodySchema, s *schema.Block, owner string) []string {
	attributes, blocks := s.Names()
	known := slices.Concat(attributes, blocks)
	var typos []string
	attrs, _ := rest.JustAttributes() // its complaint about blocks is made better below
	for _, attr := range slices.SortedFunc(maps.Values(attrs), byPlace) {
		typos = append(typos, attr.Name)
		if slices.Contains(blocks, attr.Name) {
			c.problem(attr.NameRange, fmt.Sprintf("%q is a block", attr.Name), "Write %s { ... } without an equals sign.", attr.Name)
			continue
		}
		c.problem(attr.NameRange, fmt.Sprintf("Unknown argument %q", attr.Name), "%s", c.knownNames(attr.Name, known, owner))
	}
	_, diags := body.Content(lenient)
	for _, d := range diags {
		if d.Summary != "Unsupported block type" || d.Subject == nil {
			continue
		}
		_, name, _ := strings.Cut(d.Detail, `"`)
		name, _, _ = strings.Cut(name, `"`)
		typos = append(typos, name)
		if slices.Contains(attributes, name) {
			c.problem(*d.Subject, fmt.Sprintf("%q is no block", name), "Write %s = ... with an equals sign.", name)
			continue
		}
		c.problem(*d.Subject, fmt.Sprintf("Unknown block %q", name), "%s", c.knownNames(name, known, owner))
	}
	return typos
}

func byPlace(a, b *hcl.Attribute) int {
	return cmp.Or(strings.Compare(a.NameRange.Filename, b.NameRange.Filename), cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte))
}

func (c *compiler) knownNames(name string, known []string, owner string) string {
	if refused := dsl.Refused(name); refused != "" && c.meta {
		return refused
	}
	text := fmt.Sprintf("%s has no arguments of its own", capital(owner))
	if len(known) > 0 {
		text = fmt.Sprintf("%s has %s", capital(owner), strings.Join(known, ", "))
	}
	if c.meta {
		text += "; every step has " + strings.Join(dsl.MetaArguments(), ", ")
		known = slices.Concat(known, dsl.MetaArguments())
	}
	return text + "." + dsl.Suggest(name, known)
}

// missing reports required arguments and blocks that are not there, except
// those that a typo was meant to be.
func (c *compiler) missing(b *block, typos []string, owner string) {
	var absent []string
	nouns := map[string]string{}
	for _, a := range b.schema.Attributes {
		if a.Required && b.args[a.Name] == nil {
			absent, nouns[a.Name] = append(absent, a.Name), "argument"
		}
	}
	for _, n := range b.schema.Blocks {
		if len(b.blocks[n.Name]) < n.Min {
			absent, nouns[n.Name] = append(absent, n.Name), "block"
		}
	}
	for _, name := range notMeant(absent, typos) {
		c.problem(b.rng, fmt.Sprintf("Missing %s %q", nouns[name], name), "%s needs it.", capital(owner))
	}
}

// notMeant removes the names that typos may have been meant to be: those near
// to one, and all when a typo is near to none.
func notMeant(absent, typos []string) []string {
	for _, typo := range typos {
		near := slices.DeleteFunc(slices.Clone(absent), func(name string) bool {
			return name != typo && dsl.Suggest(typo, []string{name}) == ""
		})
		if len(near) == 0 {
			return nil
		}
		absent = slices.DeleteFunc(absent, func(name string) bool { return slices.Contains(near, name) })
	}
	return absent
}

// exclusive checks the sets of which one, or at most one, may be written.
func (c *compiler) exclusive(b *block, typos []string) {
	for _, set := range b.schema.OneOf {
		written := b.written(set)
		if len(written) == 0 && len(typos) == 0 {
			c.problem(b.rng, "Missing argument", "Write one of %s.", enumerate(set))
		}
		c.atMostOne(b, written)
	}
	for _, set := range b.schema.AtMostOne {
		c.atMostOne(b, b.written(set))
	}
}

func (c *compiler) atMostOne(b *block, written []string) {
	if len(written) > 1 {
		c.problem(b.place(written[1]), fmt.Sprintf("Both %q and %q", written[0], written[1]), "Write only one of %s.", enumerate(written))
	}
}

func (b *block) written(names []string) []string {
	var written []string
	for _, name := range names {
		if b.args[name] != nil || len(b.blocks[name]) > 0 {
			written = append(written, name)
		}
	}
	return written
}

// place is where an argument stands, dotted for nested blocks; the block where
// it is not written.
func (b *block) place(name string) hcl.Range {
	first, rest, dotted := strings.Cut(name, ".")
	if arg := b.args[first]; arg != nil && !dotted {
		return arg.expr.Range()
	}
	if inner := b.blocks[first]; len(inner) > 0 {
		return inner[0].place(rest)
	}
	return b.rng
}

// clusterArgument is the expression of the first argument that is a cluster,
// nil when it is not written or broken.
func (b *block) clusterArgument() *expression {
	for _, a := range b.schema.Attributes {
		if arg := b.args[a.Name]; a.Kind == schema.Cluster && arg != nil && !arg.broken {
			return arg.expr
		}
	}
	return nil
}

// literals reports number literals where strings are wanted (rule 18).
func (c *compiler) literals(e hcl.Expression, want cty.Type, name string) {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		c.literals(e.Expression, want, name)
		return
	case *hclsyntax.UnaryOpExpr:
		c.literals(e.Val, want, name)
		return
	case *hclsyntax.LiteralValueExpr:
		if want == cty.String && e.Val.Type() == cty.Number && !e.Val.IsNull() {
			c.problem(e.Range(), "A number where text is wanted", "%q wants a string. Write it in quotes, so that it stays as it is: %q.",
				name, dsl.Text(e, c.ev.files))
		}
		return
	}
	c.literalItems(e, want, name)
}

func (c *compiler) literalItems(e hcl.Expression, want cty.Type, name string) {
	if want.IsCollectionType() || want.IsTupleType() {
		items, diags := hcl.ExprList(e)
		for i, item := range items {
			if !diags.HasErrors() && want.IsCollectionType() {
				c.literals(item, want.ElementType(), fmt.Sprintf("%s[%d]", name, i))
			}
		}
	}
	if !want.IsMapType() && !want.IsObjectType() {
		return
	}
	pairs, _ := hcl.ExprMap(e)
	for _, pair := range pairs {
		key, diags := pair.Key.Value(nil)
		if diags.HasErrors() || key.Type() != cty.String || key.IsNull() || !key.IsKnown() {
			continue
		}
		switch item := key.AsString(); {
		case want.IsMapType():
			c.literals(pair.Value, want.ElementType(), name+"."+item)
		case want.HasAttribute(item):
			c.literals(pair.Value, want.AttributeType(item), name+"."+item)
		}
	}
}
