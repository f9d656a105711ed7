package dsl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
)

var moduleSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "source"}, {Name: "for_each"}, {Name: "max_parallel"}, {Name: "depends_on"}, {Name: "during"}, {Name: "enabled"},
		{Name: "timeout"}, {Name: "deadline"}, {Name: "description"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "retry"}},
}

func moduleArguments() []string {
	var names []string
	for _, a := range moduleSchema.Attributes {
		names = append(names, a.Name)
	}
	return append(names, "retry")
}

func (d *decoder) module(block *hcl.Block) {
	d.declare("module", block.Labels[0], block.LabelRanges[0])
	before := len(d.diags)
	content, inputs := d.open(block.Body, moduleSchema)
	if content.Attributes["source"] == nil {
		inputs = d.misspeltSource(inputs)
		d.require(block.Body, content.Attributes, before, "source")
	}
	m := &Module{Name: block.Labels[0], NameRange: block.LabelRanges[0], Range: block.DefRange}
	if source := content.Attributes["source"]; source != nil {
		m.Source, m.SourceRange = d.source(source), source.Expr.Range()
	}
	for _, attr := range inputs {
		m.Inputs = append(m.Inputs, &Input{Name: attr.Name, Expr: d.expr(attr), NameRange: attr.NameRange})
	}
	content.Blocks = blocksIn(block.Body, content, moduleSchema)
	m.Meta = d.meta(content)
	d.workflow.Modules = append(d.workflow.Modules, m)
}

// misspeltSource reports and drops the argument that was meant to be source.
func (d *decoder) misspeltSource(inputs []*hcl.Attribute) []*hcl.Attribute {
	return slices.DeleteFunc(inputs, func(attr *hcl.Attribute) bool {
		hint := Suggest(attr.Name, []string{"source"})
		if hint != "" {
			d.problem(attr.NameRange, fmt.Sprintf("Unknown argument %q", attr.Name), "%s", hint[1:])
		}
		return hint != ""
	})
}

// source is the path of a directory, "" when the argument is none.
func (d *decoder) source(attr *hcl.Attribute) string {
	before := len(d.diags)
	source := d.literalString(attr)
	first, _, _ := strings.Cut(source, "/")
	if len(d.diags) > before || first == "." || first == ".." || path.IsAbs(source) {
		return source
	}
	d.problem(attr.Expr.Range(), "Invalid source of a module",
		"%q is not the path of a directory. Modules are read from this machine only, and their paths begin with ./, ../ or /, such as \"./modules/etcd\".", source)
	return ""
}

// call is a step on the way to the directory that is being loaded; module is
// nil for the first, which the user named.
type call struct {
	dir    string
	info   fs.FileInfo
	module *Module
}

// module loads what a module call names, and holds its inputs against that.
func (l *loader) module(caller *Workflow, m *Module) {
	if m.Source == "" {
		return // reported
	}
	dir := path.Clean(m.Source)
	if !path.IsAbs(dir) {
		dir = path.Join(caller.Dir, dir)
	}
	if l.modules[dir] == nil {
		l.modules[dir] = l.moduleAt(dir, m)
	}
	m.Workflow = l.modules[dir]
	if m.Workflow != nil {
		l.inputs(m)
	}
}

// moduleAt loads a directory, nil when that cannot be done.
func (l *loader) moduleAt(dir string, m *Module) *Workflow {
	info, err := fs.Stat(l.fsys, inRoot(dir))
	if errors.Is(err, fs.ErrNotExist) {
		l.problem(m.SourceRange, "No such module", "There is no directory %s; the path is relative to the directory of this file.", dir)
		return nil
	}
	if err == nil && !info.IsDir() {
		l.problem(m.SourceRange, "A module is a directory", "%s is a file. Put it into a directory of its own, and name that.", dir)
		return nil
	}
	for i, c := range l.calls {
		if c.dir == dir || os.SameFile(c.info, info) {
			l.problem(m.SourceRange, "A module calls itself", "%s. Take one of these calls out.", chain(l.calls[i+1:], m))
			return nil
		}
	}
	sources, diag := sourcesIn(l.fsys, dir)
	if diag != nil {
		diag.Subject = &m.SourceRange
		l.diags = append(l.diags, diag)
		return nil
	}
	if len(sources) == 0 {
		l.problem(m.SourceRange, "Empty module", "%s has no *.hcl or *.hcl.json file. Name a directory that has one.", dir)
		return nil
	}
	w := &Workflow{Dir: dir, Name: path.Base(dir)}
	l.calls = append(l.calls, call{dir: dir, info: info, module: m})
	l.load(w, sources, m)
	l.calls = l.calls[:len(l.calls)-1]
	return w
}

// chain says who calls whom.
func chain(calls []call, last *Module) string {
	var b strings.Builder
	for _, c := range calls {
		fmt.Fprintf(&b, "%s calls %q, ", place(c.module.Range), c.module.Source)
	}
	fmt.Fprintf(&b, "%s calls %q", place(last.Range), last.Source)
	if len(calls) > 0 {
		b.WriteString(" again")
	}
	return b.String()
}

func (l *loader) problem(rng hcl.Range, summary, detail string, args ...any) {
	l.diags = append(l.diags, problem(rng, summary, detail, args...))
}

// inputs reports and drops inputs that the module has no variable for, and
// reports those that are missing.
func (l *loader) inputs(m *Module) {
	var names []string
	for _, v := range m.Workflow.Variables {
		names = append(names, v.Name)
	}
	given := map[string]bool{}
	before := len(l.diags)
	m.Inputs = slices.DeleteFunc(m.Inputs, func(in *Input) bool {
		given[in.Name] = true
		if slices.Contains(names, in.Name) {
			return false
		}
		l.problem(in.NameRange, fmt.Sprintf("Unknown input %q", in.Name), "%s", m.knownNames(in.Name, names))
		return true
	})
	if len(l.diags) > before {
		return // what is missing may be what was meant
	}
	var missing []string
	for _, v := range m.Workflow.Variables {
		if v.Default == cty.NilVal && !given[v.Name] {
			missing = append(missing, v.wanted())
		}
	}
	if len(missing) > 0 {
		l.problem(m.Range, fmt.Sprintf("Missing inputs of module %q", m.Name), "The module has variables without a default:\n%s\nGive them in the call, as arguments.", strings.Join(missing, "\n"))
	}
}

// knownNames says what may be written in the place of an unknown input.
func (m *Module) knownNames(given string, variables []string) string {
	if refused := Refused(given); refused != "" {
		return refused
	}
	has := "has no variables"
	if len(variables) > 0 {
		has = "has the variables " + list(variables)
	}
	detail := fmt.Sprintf("%s The module %s; every module call has %s.",
		Suggest(given, slices.Concat(variables, moduleArguments())), has, list(moduleArguments()))
	return strings.TrimSpace(detail)
}

// wanted is a line that says what value a variable needs.
func (v *Variable) wanted() string {
	text := fmt.Sprintf("  %s (%s), declared at %s", v.Name, typeexpr.TypeString(v.Type), place(v.Range))
	if v.Description != "" {
		text += ": " + v.Description
	}
	return text
}

// fitsModule says whether a block may be in a module; it reports when not.
func (d *decoder) fitsModule(block *hcl.Block) bool {
	var advice string
	switch block.Type {
	case "cluster":
		advice = fmt.Sprintf(`Pass the cluster as an input: declare variable "%[1]s" here with type = any, use var.%[1]s, and write %[1]s = cluster.%[1]s in the call.`, block.Labels[0])
	case "backend":
		advice = "Declare it in the workflow that calls the module, and pass the cluster that it makes as an input."
	case "matrix":
		advice = "Declare it in the workflow that is run, and pass its values as inputs: x = matrix.x."
	default:
		return true
	}
	d.problem(block.DefRange, fmt.Sprintf("A module has no %s", block.Type), "The directory is called as a module at %s. %s", place(d.call.Range), advice)
	d.loader.incomplete = true // what refers to it would be a mistake too
	return false
}

// limitsOfModule reports and drops settings that only a workflow that is run
// can have.
func (d *decoder) limitsOfModule(attrs hcl.Attributes) {
	if d.call == nil {
		return
	}
	for _, attr := range inOrder(attrs) {
		if attr.Name == "description" || attr.Name == "required_version" {
			continue
		}
		delete(attrs, attr.Name)
		d.problem(attr.NameRange, fmt.Sprintf("%q in a module", attr.Name),
			"The directory is called as a module at %s. Limits of the whole run belong to the workflow that is run; a module call has timeout and max_parallel of its own.", place(d.call.Range))
	}
}
