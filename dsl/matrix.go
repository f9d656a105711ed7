package dsl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var matrixSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "max_parallel"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "exclude"}},
}

func (d *decoder) matrix(block *hcl.Block) {
	w := d.workflow
	if w.Matrix != nil {
		d.problem(block.DefRange, "Duplicate matrix block", "There is a matrix at %s already. Put all axes into one.", place(w.Matrix.Range))
		return
	}
	content, attrs := d.open(block.Body, matrixSchema)
	w.Matrix = &Matrix{MaxParallel: d.expr(content.Attributes["max_parallel"]), Range: block.DefRange}
	if _, isList := w.Matrix.MaxParallel.(*hclsyntax.TupleConsExpr); isList {
		d.problem(content.Attributes["max_parallel"].NameRange, `No axis "max_parallel"`,
			"In a matrix max_parallel says how many variants run at once. Give the axis another name.")
		w.Matrix.MaxParallel = nil
	}
	var names []string
	for _, attr := range attrs {
		if attr.Name == "exclude" {
			d.problem(attr.NameRange, `No axis "exclude"`, "In a matrix exclude is a block: write exclude { ... } with the values to leave out. Give an axis another name.")
			continue
		}
		d.declare("axis", attr.Name, attr.NameRange)
		w.Matrix.Axes = append(w.Matrix.Axes, d.axis(attr))
		names = append(names, attr.Name)
	}
	if len(names) == 0 {
		d.problem(block.DefRange, "Matrix without an axis", "Write at least one list of values, such as distribution = [\"debian-12\", \"rocky-9\"].")
	}
	for _, b := range content.Blocks {
		w.Matrix.Excludes = append(w.Matrix.Excludes, d.exclude(b, names))
	}
}

func (d *decoder) axis(attr *hcl.Attribute) *Axis {
	return &Axis{Name: attr.Name, Values: d.expr(attr), NameRange: attr.NameRange}
}

func (d *decoder) exclude(block *hcl.Block, axes []string) *Exclude {
	content, attrs := d.open(block.Body, &hcl.BodySchema{})
	e := &Exclude{Range: block.DefRange}
	for _, attr := range attrs {
		if slices.Contains(axes, attr.Name) {
			e.Values = append(e.Values, d.axis(attr))
		} else if len(axes) > 0 {
			detail := fmt.Sprintf("%s The axes of the matrix are %s.", Suggest(attr.Name, axes), list(axes))
			d.problem(attr.NameRange, fmt.Sprintf("Unknown axis %q", attr.Name), "%s", strings.TrimSpace(detail))
		}
	}
	if len(attrs) == 0 && len(content.Blocks) == 0 {
		d.problem(block.DefRange, "Empty exclude block", "It would leave out every variant. Write the values that must not meet, such as distribution = \"debian-12\".")
	}
	return e
}
