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
		if v.Default == cty.NilVal && !given[v.Name] && !slices.Contains(moduleArguments(), v.Name) {
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
