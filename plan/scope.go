package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
)

// scope is where names are looked up: all that a file or directory declares,
// once for each instance of a module.
type scope struct {
	ev *evaluator
	// parent is the scope of the module call that it is an instance of; nil for
	// that of the workflow.
	parent *scope
	// call is that module call, and frame its instance.
	call  *module
	frame *frame
	// path is what the addresses in it begin with: "", or module.m["k"]. with
	// the dot.
	path string
	// dir is its directory; functions are those for its files; roots are the names that never
	// change: var, path, run.
	dir       string
	functions map[string]function.Function
	roots     map[string]cty.Value

	// variables are those of the workflow, inputs those of a module, and outputs
	// what a module gives.
	variables named[*dsl.Variable]
	inputs    named[*binding]
	outputs   named[*binding]
	locals    named[*binding]
	backends  named[*dsl.Backend]
	clusters  named[*cluster]
	steps     named[*step]
	axes      named[*axis]
	groups    named[*group]
	// region is the innermost one around all of it; nil for none.
	region *region
	around
	// modules are the calls in it.
	modules named[*module]
}

// named is a list of things in the order of their declaration, found by name.
type named[T any] struct {
	list   []T
	byName map[string]T
	names  []string
}

// add keeps the first of two things of one name; the loader reports the second,
// for which it returns false.
func (n *named[T]) add(name string, thing T) bool {
	if _, exists := n.byName[name]; exists {
		return false
	}
	if n.byName == nil {
		n.byName = map[string]T{}
	}
	n.byName[name] = thing
	n.list = append(n.list, thing)
	n.names = append(n.names, name)
	return true
}

// cluster is a declared cluster. Before its roles are evaluated, or when they
// cannot be, open is true: its roles and nodes are not known then.
type cluster struct {
	name  string
	decl  *dsl.Cluster
	roles []backends.RoleCount
	nodes []backends.Node
	index map[string]int // of nodes, by name
	// named says that its roles are known, open that not all of their counts are.
	named, open bool
	typ         *backends.Type
	// provisioner is the step that makes its nodes; nil when they exist.
	provisioner *step
}

func newScope(ev *evaluator, w *dsl.Workflow) *scope {
	s := &scope{ev: ev, dir: w.Dir}
	for _, l := range w.Locals {
		s.locals.add(l.Name, &binding{
			title: "local." + l.Name, local: l.Name, home: s, scope: s, source: l.Expr, rng: l.Range,
			at: site{what: "a local", steps: true, clusters: true},
		})
	}
	if w.Matrix != nil {
		for _, a := range w.Matrix.Axes {
			s.axes.add(a.Name, &axis{name: a.Name, decl: a, typ: cty.DynamicPseudoType})
		}
	}
	for _, b := range w.Backends {
		s.backends.add(b.Name, b)
	}
	for _, c := range w.Clusters {
		s.clusters.add(c.Name, &cluster{name: c.Name, decl: c, open: true})
	}
	return s
}

// names lists the declared names of a root, nil for roots without any.
func (s *scope) names(root string) []string {
	switch root {
	case "var":
		return slices.Concat(s.variables.names, s.inputs.names)
	case "local":
		return s.locals.names
	case "backend":
		return s.backends.names
	case "cluster":
		return s.clusters.names
	case "step":
		return s.steps.names
	case "matrix":
		return s.axes.names
	case "group":
		return s.groups.names
	case "module":
		return s.modules.names
	}
	return nil
}

// kind is a root with declared names, and what such a thing is called.
type kind struct{ root, noun string }

var kinds = []kind{
	{"var", "variable"}, {"local", "local"}, {"step", "step"}, {"group", "group"}, {"module", "module"}, {"cluster", "cluster"},
	{"backend", "backend"}, {"matrix", "matrix axis"},
}

func nounOf(root string) string {
	for _, k := range kinds {
		if k.root == root {
			return k.noun
		}
	}
	return root
}

// unknownName is the diagnostic of a name that its root does not have: it shows
// the other kind that has it, or else near names of the same kind.
func (s *scope) unknownName(root, name string, rng hcl.Range) *hcl.Diagnostic {
	noun := nounOf(root)
	detail := fmt.Sprintf("No %s %q is declared.", noun, name)
	if other := s.elsewhere(root, name); other != "" {
		detail += other
	} else if hint := dsl.Suggest(name, s.names(root)); hint != "" {
		detail += hint
	} else if known := s.names(root); len(known) > 0 {
		detail += " " + thereIs(known)
	} else {
		detail += fmt.Sprintf(" The %s has no %s.", s.what(), noun)
	}
	if s.parent != nil && (root == "cluster" || root == "backend") {
		detail = fmt.Sprintf("A module has no %[1]s of its own. Take it as an input: declare variable %[2]q with type = any, use var.%[2]s, and write %[2]s = %[1]s.%[2]s in the call.", noun, name)
	}
	return problem(rng, fmt.Sprintf("Unknown %s %q", noun, name), "%s", detail)
}

// what is what the files of the scope are.
func (s *scope) what() string {
	if s.parent != nil {
		return "module"
	}
	return "workflow"
}

func (s *scope) elsewhere(root, name string) string {
	for _, k := range kinds {
		if k.root == root {
			continue
		}
		for _, known := range s.names(k.root) {
			if known == name {
				return fmt.Sprintf(" There is a %s of that name: write %s.%s.", k.noun, k.root, name)
			}
		}
	}
	return ""
}

// valueType is the type of a cluster's value; anything while its roles are not
// known.
func (c *cluster) valueType() cty.Type {
	if c.open && !c.named {
		return cty.DynamicPseudoType
	}
	attrs := map[string]cty.Type{"name": cty.String, "nodes": nodesType}
	for _, r := range c.roles {
		attrs[string(r.Role)] = nodesType
	}
	return cty.Object(attrs)
}

// thereIs says which names there are.
func thereIs(names []string) string {
	switch len(names) {
	case 0:
		return "There are none."
	case 1:
		return "There is " + names[0] + "."
	default:
		return "There are " + enumerate(names) + "."
	}
}

// enumerate joins names for people, and cuts a long list.
func enumerate(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
