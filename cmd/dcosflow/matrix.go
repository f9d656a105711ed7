package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
)

// condition is a value of --matrix, taken apart.
type condition struct {
	axis, label string
	not         bool
}

// withoutMatrix refuses what only a workflow with a matrix can do.
func withoutMatrix(req request) error {
	if len(req.inputs.matrix) > 0 {
		return wrongInput("Leave --matrix out, or write a matrix block.", "--matrix %s: the workflow has no matrix", req.inputs.matrix[0])
	}
	if req.again != nil && req.again.Variant != nil {
		return wrongInput("Put it back, or begin a new run with `dcosflow run`.", "run %s is of the variant %s, and the workflow has no matrix any more", req.again.Run, req.again.Variant.Name)
	}
	return nil
}

// sameVariant finds the variant of an earlier run.
func sameVariant(m *plan.Matrix, started *events.RunStarted) (*plan.Variant, error) {
	if started.Variant == nil {
		return nil, wrongInput("Begin new runs with `dcosflow run`.", "run %s began without a matrix, and the workflow has one now", started.Run)
	}
	v := m.Find(started.Variant.Labels)
	if v == nil {
		return nil, wrongInput("Put it back, or begin a new run with `dcosflow run`.", "run %s is of the variant %s, which the matrix does not have any more\n%s", started.Run, started.Variant.Name, m.Product())
	}
	return v, nil
}

// selectVariants returns the variants that meet the conditions of --matrix, in
// the order of the matrix. One is enough that names a label of an axis, and all
// that refuse one must be met.
func selectVariants(m *plan.Matrix, given []string) ([]plan.Variant, error) {
	wanted, refused := map[string][]string{}, map[string][]string{}
	for _, text := range given {
		c, err := parseCondition(m, text)
		if err != nil {
			return nil, err
		}
		if c.not {
			refused[c.axis] = append(refused[c.axis], c.label)
		} else {
			wanted[c.axis] = append(wanted[c.axis], c.label)
		}
	}
	var chosen []plan.Variant
	for _, v := range m.Variants {
		fits := true
		for axis, label := range v.Labels {
			fits = fits && !slices.Contains(refused[axis], label) && (wanted[axis] == nil || slices.Contains(wanted[axis], label))
		}
		if fits {
			chosen = append(chosen, v)
		}
	}
	if len(chosen) == 0 {
		return nil, wrongInput("`dcosflow list` shows the variants that there are.", "no variant is left by %s\n%s", filterText(given), m.Product())
	}
	return chosen, nil
}

func filterText(given []string) string {
	return "--matrix " + strings.Join(given, " --matrix ")
}

// parseCondition reads a value of --matrix.
func parseCondition(m *plan.Matrix, text string) (condition, error) {
	name, label, found := strings.Cut(text, "=")
	name, not := strings.CutSuffix(name, "!")
	if !found || name == "" {
		return condition{}, wrongInput("Write --matrix AXIS=LABEL, or --matrix AXIS!=LABEL.\n"+m.Product(), "--matrix %q has no axis and label", text)
	}
	i := slices.IndexFunc(m.Axes, func(a plan.Axis) bool { return a.Name == name })
	if i < 0 {
		var names []string
		for _, a := range m.Axes {
			names = append(names, a.Name)
		}
		return condition{}, wrongInput(m.Product(), "--matrix %s: the matrix has no axis %q.%s", text, name, dsl.Suggest(name, names))
	}
	if labels := m.Axes[i].Labels; !slices.Contains(labels, label) {
		return condition{}, wrongInput(m.Product(), "--matrix %s: the axis %q has no %q.%s", text, name, label, dsl.Suggest(label, labels))
	}
	return condition{name, label, not}, nil
}

// selector is the flags of --matrix that select one variant.
func selector(m *plan.Matrix, v *plan.Variant) string {
	var flags []string
	for _, a := range m.Axes {
		flags = append(flags, fmt.Sprintf("--matrix %s=%s", a.Name, v.Labels[a.Name]))
	}
	return strings.Join(flags, " ")
}

// variantsText says how many variants there are of how many, and the axes.
func variantsText(m *plan.Matrix, selected int) string {
	text := count(len(m.Variants), "variant")
	if selected < len(m.Variants) {
		text = fmt.Sprintf("%d of %s", selected, text)
	}
	return text + "\n" + m.Product()
}

// inVariant says of which variant an error is.
func inVariant(p *plan.Plan, err error) error {
	var f *failure
	if p.Variant == nil || !errors.As(asFailure(err), &f) || f.err == nil {
		return err
	}
	return &failure{code: f.code, err: fmt.Errorf("in the variant %s: %w", p.Variant.Name, f.err), hint: f.hint}
}
