package main

import (
	"fmt"
	"maps"
	"os"
	"runtime/debug"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// request says what to plan.
type request struct {
	// path is the workflow's file or directory, absolute.
	path   string
	inputs inputs
	// run names the run of a plan; it is called for each.
	run func() (plan.Run, error)
	// again are the labels of the variant of an earlier run, which is planned
	// once more whatever the conditions of the inputs say; nil is its lack.
	again *events.RunStarted
	// static plans without variable values.
	static bool
	// json shows errors as data: the output of such a command is for programs.
	json bool
}

// compiled are the plans of a workflow: one, or with a matrix one for each
// selected variant.
type compiled struct {
	plans  []*plan.Plan
	matrix *plan.Matrix
}

// loaded is a workflow as it was read, with what its plans need.
type loaded struct {
	// input lacks the run and the variant; without a Workflow, nothing can be
	// planned.
	input plan.Input
	files map[string]*hcl.File
	diags hcl.Diagnostics
}

// load reads a workflow and the values that its variables are given.
func (a *app) load(req request) (*loaded, error) {
	disk := os.DirFS("/")
	l := &loaded{files: map[string]*hcl.File{}}
	wf, diags := dsl.Load(disk, req.path, a.display)
	l.diags = diags
	if wf == nil {
		return l, nil
	}
	maps.Copy(l.files, wf.Files)
	if wf.Incomplete {
		return l, nil
	}
	values, more, err := a.values(disk, wf, &req.inputs, l.files)
	if err != nil {
		return nil, err
	}
	l.diags = append(l.diags, more...)
	l.input = plan.Input{
		Workflow: wf, Steps: a.steps, Backends: a.backends,
		Values: values, Files: disk, WorkingDir: a.cwd, Env: a.env, Cache: plan.NewCache(disk),
		Static: req.static || more.HasErrors(), // an unreadable file of values gives none
	}
	if !req.static {
		l.input.History = a.history(wf.Name)
	}
	return l, nil
}

// compile loads a workflow and plans it, all selected variants of it. It shows
// all diagnostics; when there are errors among them, the error has been
// reported.
func (a *app) compile(req request) (*compiled, error) {
	debug.SetGCPercent(gcLoading)
	l, err := a.load(req)
	planning, running := gcPercents(l)
	debug.SetGCPercent(planning)
	defer debug.SetGCPercent(running)
	if err != nil {
		return nil, err
	}
	c := &compiled{}
	if l.input.Workflow != nil {
		var variants []*plan.Variant
		if c.matrix, variants, err = l.variants(req); err != nil {
			if told := a.tell(l, req.json); told != nil {
				return nil, told
			}
			return nil, err
		}
		if c.plans, err = l.build(variants, req.run); err != nil {
			return nil, err
		}
	}
	if err := a.tell(l, req.json); err != nil {
		return nil, err
	}
	if l.diags.HasErrors() {
		return nil, reported(exitInput)
	}
	if l.input.Workflow.Matrix != nil && c.matrix == nil {
		return nil, wrongInput("Use only variables, locals and functions in it.", "the matrix is not known before the run")
	}
	return c, nil
}

// tell shows what is wrong with a workflow: as data when that is wanted and
// there are errors, so that the output is one object in any case.
func (a *app) tell(l *loaded, asJSON bool) error {
	diags := dsl.Sort(l.diags)
	if asJSON && diags.HasErrors() {
		return a.printJSON(validationOf(diags, l.files))
	}
	a.show(diags, l.files)
	return nil
}

// variants evaluates the matrix and returns the variants that the request means.
// The only one is nil where there is no matrix; or when it is wrong, which
// planning will tell with all other mistakes.
func (l *loaded) variants(req request) (*plan.Matrix, []*plan.Variant, error) {
	if l.input.Workflow.Matrix == nil {
		return nil, []*plan.Variant{nil}, withoutMatrix(req)
	}
	m, _ := plan.Variants(l.input)
	if m == nil {
		return nil, []*plan.Variant{nil}, nil
	}
	if req.static {
		return m, pointers(m.Cover()), nil
	}
	if req.again != nil {
		v, err := sameVariant(m, req.again)
		return m, []*plan.Variant{v}, err
	}
	chosen, err := selectVariants(m, req.inputs.matrix)
	return m, pointers(chosen), err
}

func pointers(variants []plan.Variant) []*plan.Variant {
	list := make([]*plan.Variant, len(variants))
	for i := range variants {
		list[i] = &variants[i]
	}
	return list
}

// build plans variants and adds what is wrong with them to the diagnostics: what
// several have in common, once.
func (l *loaded) build(variants []*plan.Variant, name func() (plan.Run, error)) ([]*plan.Plan, error) {
	var plans []*plan.Plan
	var found findings
	for _, v := range variants {
		in := l.input
		in.Variant = v
		if name != nil {
			var err error
			if in.Run, err = name(); err != nil {
				return nil, err
			}
		}
		p, diags := plan.Build(in)
		found.add(v, diags)
		plans = append(plans, p)
	}
	l.diags = append(l.diags, found.diagnostics(len(variants))...)
	return plans, nil
}

// findings are the diagnostics of several variants.
type findings struct {
	list  []finding
	known map[string]int
}

// finding is a diagnostic with the names of the variants that have it.
type finding struct {
	diag     *hcl.Diagnostic
	variants []string
}

func (f *findings) add(v *plan.Variant, diags hcl.Diagnostics) {
	if f.known == nil {
		f.known = map[string]int{}
	}
	name := ""
	if v != nil {
		name = v.Name
	}
	for _, d := range diags {
		key := fmt.Sprint(d.Severity, d.Summary, d.Subject)
		if d.Subject == nil {
			key += d.Detail
		}
		at, again := f.known[key]
		if !again {
			at = len(f.list)
			f.known[key] = at
			f.list = append(f.list, finding{diag: d})
		}
		if names := &f.list[at].variants; len(*names) == 0 || (*names)[len(*names)-1] != name {
			*names = append(*names, name)
		}
	}
}

// diagnostics says of those that not all variants have, which do.
func (f *findings) diagnostics(variants int) hcl.Diagnostics {
	var all hcl.Diagnostics
	for _, one := range f.list {
		d := *one.diag
		if len(one.variants) < variants {
			d.Detail += "\nSo it is in the variant " + one.variants[0]
			if others := len(one.variants) - 1; others > 0 {
				d.Detail += fmt.Sprintf(" and %d more", others)
			}
			d.Detail += "."
		}
		all = append(all, &d)
	}
	return all
}
