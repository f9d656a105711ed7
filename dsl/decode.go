package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// decoder fills a workflow from the blocks of its files.
type decoder struct {
	loader   *loader
	workflow *Workflow
	// call is what the workflow is loaded for, when that is as a module.
	call  *Module
	diags hcl.Diagnostics
	// names are the places of what must be unique, by address.
	names map[string]hcl.Range
}

// The arguments of blocks that have nothing else.
var (
	settingsArguments   = []string{"description", "timeout", "max_parallel", "fail_fast", "required_version"}
	clusterArguments    = []string{"backend", "roles"}
	outputArguments     = []string{"value", "description", "sensitive"}
	retryArguments      = []string{"attempts", "delay", "factor", "max_delay", "jitter", "on"}
	validationArguments = []string{"condition", "error_message"}
)

var topSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "workflow", LabelNames: []string{"name"}},
	{Type: "variable", LabelNames: []string{"name"}},
	{Type: "locals"},
	{Type: "matrix"},
	{Type: "backend", LabelNames: []string{"type", "name"}},
	{Type: "cluster", LabelNames: []string{"name"}},
	{Type: "step", LabelNames: []string{"type", "name"}},
	{Type: "group", LabelNames: []string{"name"}},
	{Type: "module", LabelNames: []string{"name"}},
	{Type: "output", LabelNames: []string{"name"}},
}}

func (d *decoder) file(name string) {
	shown := d.loader.display(name)
	file, diags := parse(d.loader.fsys, name, shown)
	d.diags = append(d.diags, diags...)
	d.loader.incomplete = d.loader.incomplete || diags.HasErrors()
	if file == nil || file.Body == nil {
		return
	}
	d.workflow.Files[shown] = file
	for _, block := range blocksIn(file.Body, d.content(file.Body, topSchema), topSchema) {
		d.block(block)
	}
}

// blocksIn lists the blocks of a body in order, those with a misspelt type too.
func blocksIn(body hcl.Body, content *hcl.BodyContent, schema *hcl.BodySchema) hcl.Blocks {
	blocks := append(content.Blocks, misspelt(body, schema)...)
	slices.SortStableFunc(blocks, func(a, b *hcl.Block) int { return a.DefRange.Start.Byte - b.DefRange.Start.Byte })
	return blocks
}

// misspelt reads blocks as what they were probably meant to be, so that what
// refers to them is no mistake too. Their types have been reported.
func misspelt(body hcl.Body, schema *hcl.BodySchema) hcl.Blocks {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	labels := map[string]int{}
	for _, b := range schema.Blocks {
		labels[b.Type] = len(b.LabelNames)
	}
	types := slices.Sorted(maps.Keys(labels))
	var meant hcl.Blocks
	for _, b := range native.Blocks {
		if _, right := labels[b.Type]; right {
			continue
		}
		name := nearest(b.Type, types)
		if name == "" || labels[name] != len(b.Labels) {
			continue
		}
		block := b.AsHCLBlock()
		block.Type = name
		meant = append(meant, block)
	}
	return meant
}

func (d *decoder) block(block *hcl.Block) {
	if d.call != nil && !d.fitsModule(block) {
		return
	}
	switch block.Type {
	case "workflow":
		d.settings(block)
	case "variable":
		d.variable(block)
	case "locals":
		d.locals(block)
	case "matrix":
		d.matrix(block)
	case "backend":
		d.backend(block)
	case "cluster":
		d.cluster(block)
	case "step":
		d.workflow.Steps = append(d.workflow.Steps, d.step(block))
	case "group":
		d.group(block)
	case "module":
		d.module(block)
	case "output":
		d.output(block)
	}
}

func (d *decoder) problem(rng hcl.Range, summary, detail string, args ...any) {
	d.diags = append(d.diags, problem(rng, summary, detail, args...))
}

// declare checks a name and that it is the only one of its address.
func (d *decoder) declare(kind, name string, rng hcl.Range) {
	if !hclsyntax.ValidIdentifier(name) {
		d.problem(rng, fmt.Sprintf("Invalid name %q", name),
			"The name of a %s begins with a letter and has letters, digits, underscores and dashes only.", kind)
		return
	}
	address := kind + "." + name
	if first, ok := d.names[address]; ok {
		d.problem(rng, fmt.Sprintf("Duplicate %s %q", kind, name),
			"The %s %q is declared at %s already. Give one of them another name.", kind, name, place(first))
		return
	}
	d.names[address] = rng
}

func place(rng hcl.Range) string {
	return fmt.Sprintf("%s:%d", rng.Filename, rng.Start.Line)
}

func (d *decoder) settings(block *hcl.Block) {
	w := d.workflow
	if w.Settings.Range.Filename != "" {
		d.problem(block.DefRange, "Duplicate workflow block", "There is a workflow block at %s already. One workflow has at most one.", place(w.Settings.Range))
		return
	}
	attrs := d.arguments(block.Body, nil, settingsArguments...)
	d.limitsOfModule(attrs)
	w.Name = block.Labels[0]
	if !hclsyntax.ValidIdentifier(w.Name) {
		d.declare("workflow", w.Name, block.LabelRanges[0])
	}
	w.Description = d.literalString(attrs["description"])
	w.Settings = Settings{
		Timeout:     d.expr(attrs["timeout"]),
		MaxParallel: d.expr(attrs["max_parallel"]),
		FailFast:    d.expr(attrs["fail_fast"]),
		Range:       block.DefRange,
	}
	d.requireVersion(attrs["required_version"])
}

func (d *decoder) requireVersion(attr *hcl.Attribute) {
	text := d.literalString(attr)
	if text == "" {
		return
	}
	wanted, err := version.NewConstraint(text)
	if err != nil {
		d.problem(attr.Expr.Range(), "Invalid version constraint", `%q is no constraint. Write one such as ">= 0.1" or "~> 1.2".`, text)
		return
	}
	if d.loader.tooNew == nil && !wanted.Check(version.Must(version.NewVersion(Version))) {
		d.loader.tooNew = problem(attr.Expr.Range(), "Another version of dcosflow is required",
			"The workflow requires %s, this is dcosflow %s. Install a version that fits, or change required_version.", text, Version)
	}
}

func (d *decoder) locals(block *hcl.Block) {
	attrs, diags := block.Body.JustAttributes()
	d.diags = append(d.diags, diags...)
	for _, attr := range inOrder(attrs) {
		d.declare("local", attr.Name, attr.NameRange)
		d.workflow.Locals = append(d.workflow.Locals, &Local{Name: attr.Name, Expr: d.expr(attr), Range: attr.NameRange})
	}
}

func (d *decoder) backend(block *hcl.Block) {
	d.declare("backend", block.Labels[1], block.LabelRanges[1])
	d.workflow.Backends = append(d.workflow.Backends, &Backend{
		Type:      block.Labels[0],
		Name:      block.Labels[1],
		Body:      asNative(block.Body),
		TypeRange: block.LabelRanges[0],
		NameRange: block.LabelRanges[1],
		Range:     block.DefRange,
	})
}

func (d *decoder) cluster(block *hcl.Block) {
	d.declare("cluster", block.Labels[0], block.LabelRanges[0])
	before := len(d.diags)
	attrs := d.arguments(block.Body, []string{"roles"}, clusterArguments...)
	d.workflow.Clusters = append(d.workflow.Clusters, &Cluster{
		Name:    block.Labels[0],
		Backend: d.expr(attrs["backend"]),
		Roles:   d.expr(attrs["roles"]),
		Flawed:  len(d.diags) > before,
		Range:   block.DefRange,
	})
}

func (d *decoder) output(block *hcl.Block) {
	d.declare("output", block.Labels[0], block.LabelRanges[0])
	attrs := d.arguments(block.Body, []string{"value"}, outputArguments...)
	d.workflow.Outputs = append(d.workflow.Outputs, &Output{
		Name:        block.Labels[0],
		Value:       d.expr(attrs["value"]),
		Description: d.literalString(attrs["description"]),
		Sensitive:   d.literalBool(attrs["sensitive"], false),
		Range:       block.DefRange,
	})
}

// expr is the expression of an argument, nil when it is not written.
func (d *decoder) expr(attr *hcl.Attribute) hcl.Expression {
	if attr == nil {
		return nil
	}
	e, diags := native(attr.Expr)
	d.diags = append(d.diags, diags...)
	return e
}

func (d *decoder) literalString(attr *hcl.Attribute) string {
	v := d.literal(attr, cty.String, "text in quotes")
	if v.IsNull() {
		return ""
	}
	return v.AsString()
}

func (d *decoder) literalBool(attr *hcl.Attribute, absent bool) bool {
	v := d.literal(attr, cty.Bool, "true or false")
	if v.IsNull() {
		return absent
	}
	return v.True()
}

// literal evaluates an argument that is needed before anything else.
func (d *decoder) literal(attr *hcl.Attribute, ty cty.Type, wanted string) cty.Value {
	if attr == nil {
		return cty.NullVal(ty)
	}
	v, diags := attr.Expr.Value(nil)
	d.diags = append(d.diags, diags...)
	if diags.HasErrors() || v.IsNull() {
		return cty.NullVal(ty)
	}
	if v.Type() != ty {
		d.problem(attr.Expr.Range(), "Wrong type", "%s is %s; write %s.", attr.Name, withType(v), wanted)
		return cty.NullVal(ty)
	}
	return v
}

// inOrder lists attributes by place: HCL keeps them in a map.
func inOrder(attrs hcl.Attributes) []*hcl.Attribute {
	return slices.SortedFunc(maps.Values(attrs), func(a, b *hcl.Attribute) int {
		return a.Range.Start.Byte - b.Range.Start.Byte
	})
}

func list(names []string) string {
	return strings.Join(names, ", ")
}
