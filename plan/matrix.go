package plan

import (
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// maxVariants bounds a matrix, so that a typo does not fill the memory.
const maxVariants = 10_000

// Matrix is the matrix of a workflow, evaluated.
type Matrix struct {
	// Axes are in the order of the file.
	Axes []Axis
	// Variants are the combinations but those that are excluded; the last axis
	// changes fastest.
	Variants []Variant
	// MaxParallel is how many may run at once; zero when the matrix does not
	// say.
	MaxParallel int
}

// Axis is one dimension of a matrix: its values and what they are called.
type Axis struct {
	Name   string
	Labels []string
	Values []cty.Value
}

// Variants evaluates the matrix of a workflow. It is nil when there is none,
// when it has mistakes, which the diagnostics or else those of Build tell, and
// in a static plan when it needs variables without a value.
func Variants(in Input) (*Matrix, hcl.Diagnostics) {
	if in.Workflow.Matrix == nil {
		return nil, nil
	}
	lenient := in
	lenient.Static = true
	m, diags := evaluateMatrix(lenient)
	if m == nil && !diags.HasErrors() && !in.Static {
		return evaluateMatrix(in) // it needs variables, and says which are missing
	}
	return m, diags
}

func evaluateMatrix(in Input) (*Matrix, hcl.Diagnostics) {
	b := newBuilder(in)
	b.variables()
	m := b.matrix()
	diags := dsl.Sort(b.diags)
	if diags.HasErrors() {
		return nil, diags
	}
	return m, diags
}

// variant gives the root `matrix` its value: that of the variant, or what is
// known of all of them.
func (b *builder) variant() {
	if b.in.Workflow.Matrix == nil {
		return
	}
	b.plan.Variant = b.in.Variant
	values := map[string]cty.Value{}
	if v := b.in.Variant; v != nil {
		for _, a := range b.ev.root.axes.list {
			values[a.name] = v.Values[a.name]
			a.typ = values[a.name].Type()
		}
	} else {
		b.matrix()
		b.ev.static = true // that its values are not known is no news
		for _, a := range b.ev.root.axes.list {
			values[a.name] = cty.UnknownVal(a.typ)
		}
	}
	b.ev.root.roots["matrix"] = cty.ObjectVal(values)
}

// matrix evaluates the axes and combines them; nil when it is not known, or
// wrong, which is reported.
func (b *builder) matrix() *Matrix {
	decl := b.in.Workflow.Matrix
	m := &Matrix{MaxParallel: b.fixedCount(decl.MaxParallel, "max_parallel")}
	complete := len(decl.Axes) > 0
	for _, a := range b.ev.root.axes.list {
		one, known := b.axis(a)
		m.Axes = append(m.Axes, one)
		complete = complete && known
	}
	excluded, known := b.excludes(m.Axes)
	if !complete || !known {
		return nil
	}
	if size := m.size(); size > maxVariants {
		b.problem(decl.Range, "Too many variants", "At most %d are possible.\n%s", maxVariants, m.Product())
		return nil
	}
	for _, v := range m.product() {
		if !slices.ContainsFunc(excluded, v.has) {
			m.Variants = append(m.Variants, v)
		}
	}
	if len(m.Variants) == 0 {
		b.problem(decl.Range, "Empty matrix", "No variant is left, because the exclude blocks leave out all combinations.\n%s", m.Product())
		return nil
	}
	return m
}

// size is how many combinations there are, or a number above maxVariants.
func (m *Matrix) size() int {
	n := 1
	for _, a := range m.Axes {
		if n *= len(a.Values); n > maxVariants {
			break
		}
	}
	return n
}

// product is every combination.
func (m *Matrix) product() []Variant {
	all := []Variant{{Labels: map[string]string{}, Values: map[string]cty.Value{}}}
	for _, a := range m.Axes {
		var longer []Variant
		for _, v := range all {
			for i, label := range a.Labels {
				longer = append(longer, v.with(a.Name, label, a.Values[i]))
			}
		}
		all = longer
	}
	return all
}

// with is the combination with one more axis.
func (v Variant) with(axis, label string, value cty.Value) Variant {
	next := Variant{Name: label, Labels: maps.Clone(v.Labels), Values: maps.Clone(v.Values)}
	if len(v.Labels) > 0 {
		next.Name = v.Name + "," + label
	}
	next.Labels[axis], next.Values[axis] = label, value
	return next
}

// has says whether a combination has all of the labels.
func (v Variant) has(labels map[string]string) bool {
	for axis, label := range labels {
		if v.Labels[axis] != label {
			return false
		}
	}
	return true
}

// Find returns the variant with exactly these labels; nil when there is none.
func (m *Matrix) Find(labels map[string]string) *Variant {
	for i := range m.Variants {
		if maps.Equal(m.Variants[i].Labels, labels) {
			return &m.Variants[i]
		}
	}
	return nil
}

// Cover returns variants that together have every label that any variant has:
// far fewer than there are.
func (m *Matrix) Cover() []Variant {
	seen := map[[2]string]bool{}
	var chosen []Variant
	for _, v := range m.Variants {
		news := false
		for axis, label := range v.Labels {
			news = news || !seen[[2]string{axis, label}]
			seen[[2]string{axis, label}] = true
		}
		if news {
			chosen = append(chosen, v)
		}
	}
	return chosen
}

// Product shows the axes with their labels, a line for each, and how many
// combinations that makes.
func (m *Matrix) Product() string {
	var text strings.Builder
	total := new(big.Int).SetInt64(1)
	for _, a := range m.Axes {
		fmt.Fprintf(&text, "  %s: %d (%s)\n", a.Name, len(a.Labels), enumerate(a.Labels))
		total.Mul(total, big.NewInt(int64(len(a.Labels))))
	}
	fmt.Fprintf(&text, "  combinations: %s", total)
	if left := len(m.Variants); left > 0 && total.IsInt64() && total.Int64() > int64(left) {
		fmt.Fprintf(&text, ", of which %d are excluded", total.Int64()-int64(left))
	}
	return text.String()
}

// matrix checks a reference to the matrix.
func (r *resolver) matrix(ref dsl.Reference) {
	if len(r.scope.axes.list) == 0 {
		r.unknownRoot(ref)
		return
	}
	if !r.allowed(ref, !r.site.fixed) {
		return
	}
	r.out.varies = ref.Root
	if ref.Name == "" {
		return // all of it, as an object
	}
	if a, ok := find(r, &r.scope.axes, ref); ok {
		r.path(ref, a.typ, "matrix."+ref.Name)
	}
}

// Title is the workflow's name with that of the variant: upgrade[debian-12,3].
func (p *Plan) Title() string {
	if p.Variant == nil {
		return p.Name
	}
	return fmt.Sprintf("%s[%s]", p.Name, p.Variant.Name)
}

// Cache is what the plans of several variants share: the digests of files. It
// is safe for concurrent use.
type Cache struct{ digests *digests }

// NewCache returns an empty cache for the files of Input.
func NewCache(files fs.FS) *Cache { return &Cache{newDigests(files)} }

func (in *Input) digests() *digests {
	if in.Cache != nil {
		return in.Cache.digests
	}
	return newDigests(in.Files)
}
