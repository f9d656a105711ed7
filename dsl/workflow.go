// Package dsl is the workflow language: files become a Workflow, parsed but
// not evaluated. It has the functions of the language, the references in
// expressions, and the rendering of diagnostics. It knows no step type and no
// backend.
package dsl

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
)

// Workflow is a file or a directory of files, parsed. All lists are in the
// order of files and places.
type Workflow struct {
	// Name is that of the workflow block, else that of the file or directory.
	Name        string
	Description string
	// Dir is the directory of the files, absolute.
	Dir string
	// Files are the parsed files by the name that ranges show, for snippets:
	// those of the workflow and of all modules, which share the map.
	Files map[string]*hcl.File
	// Incomplete says that a part could not be read, or is for another version:
	// what a plan finds would only follow from that. Beside all other mistakes,
	// planning finds more.
	Incomplete bool
	// Flawed says that loading found errors: warnings might only follow from
	// them.
	Flawed bool

	Settings  Settings
	Variables []*Variable
	Locals    []*Local
	Backends  []*Backend
	Clusters  []*Cluster
	Steps     []*Step
	Groups    []*Group
	Modules   []*Module
	Outputs   []*Output
	// Matrix is nil when there is none.
	Matrix *Matrix
}

// Settings are the arguments of the workflow block; absent ones are nil.
type Settings struct {
	Timeout     hcl.Expression
	MaxParallel hcl.Expression
	FailFast    hcl.Expression
	// Range is the block's; empty when there is none.
	Range hcl.Range
}

// Variable is a declared input.
type Variable struct {
	Name        string
	Description string
	// Type is the constraint; without one it is that of the default, else
	// string (rule 18). Optional object attributes have their defaults filled
	// in by Convert.
	Type cty.Type
	// Default is cty.NilVal when there is none, unknown when it is wrong.
	Default   cty.Value
	Sensitive bool
	Nullable  bool
	// Validations are for Validate.
	Validations []*Validation
	Range       hcl.Range

	// constraint is the type with its optional attributes, for conversions.
	constraint cty.Type
	defaults   *typeexpr.Defaults
}

// Validation is a validation block of a variable.
type Validation struct {
	Condition    hcl.Expression
	ErrorMessage hcl.Expression
	Range        hcl.Range
}

// Local is a named expression.
type Local struct {
	Name  string
	Expr  hcl.Expression
	Range hcl.Range
}

// Backend is a backend block; its body is for the plug-in's schema.
type Backend struct {
	Type, Name           string
	Body                 hcl.Body
	TypeRange, NameRange hcl.Range
	Range                hcl.Range
}

// Cluster is a cluster block. Backend is nil when it is left out.
type Cluster struct {
	Name    string
	Backend hcl.Expression
	Roles   hcl.Expression
	// Flawed says that an argument was unknown: what is missing may be that.
	Flawed bool
	Range  hcl.Range
}

// Step is a step block. Body holds what is not a meta-argument, for the
// plug-in's schema.
type Step struct {
	Type, Name           string
	Meta                 Meta
	Body                 hcl.Body
	TypeRange, NameRange hcl.Range
	// Range is the block's header.
	Range hcl.Range
}

// Meta are the meta-arguments of a step; absent ones are nil.
type Meta struct {
	Node, Nodes, ForEach  hcl.Expression
	AllowEmpty            hcl.Expression
	DependsOn, During     []Reference
	When                  hcl.Expression
	Enabled               hcl.Expression
	Timeout, Deadline     hcl.Expression
	MaxParallel           hcl.Expression
	Locks                 hcl.Expression
	OnFailure             hcl.Expression
	Description, Verifies hcl.Expression
	// Background, Duration and StopTimeout are for spans.
	Background, Duration, StopTimeout hcl.Expression
	Retry                             *Retry
	// Sensitive says that what the step prints is a secret.
	Sensitive bool
}

// Group is a group block: steps that go together per instance. Of Meta it has
// Nodes, ForEach, AllowEmpty, DependsOn, During, Enabled, Timeout, Deadline,
// MaxParallel, Description and Retry.
type Group struct {
	Name string
	Meta Meta
	// Ordered makes the steps run in the order of the file.
	Ordered hcl.Expression
	Steps   []*Step
	// Flawed says that an argument was unknown: what is missing may be that.
	Flawed    bool
	NameRange hcl.Range
	Range     hcl.Range
}

// Module is a call of a shared workflow. Of Meta it has ForEach, DependsOn,
// During, Enabled, Timeout, Deadline, MaxParallel, Description and Retry.
type Module struct {
	Name string
	Meta Meta
	// Workflow is what Source names, loaded; nil when that failed, which has
	// been reported. It has no backends, clusters and matrix. Calls of the same
	// directory share it.
	Workflow *Workflow
	// Source is the directory as it is written.
	Source      string
	SourceRange hcl.Range
	// Inputs are the other arguments, in the order of the file. Each is for a
	// variable of the Workflow; that one is missing has been reported.
	Inputs    []*Input
	NameRange hcl.Range
	Range     hcl.Range
}

// Input is an argument of a module call: the value of one of its variables.
type Input struct {
	Name      string
	Expr      hcl.Expression
	NameRange hcl.Range
}

// Matrix is the matrix block: one run for each combination.
type Matrix struct {
	// Axes are in the order of the file; there is at least one, unless that has
	// been reported.
	Axes        []*Axis
	Excludes    []*Exclude
	MaxParallel hcl.Expression
	Range       hcl.Range
}

// Axis is one dimension of a matrix.
type Axis struct {
	Name      string
	Values    hcl.Expression
	NameRange hcl.Range
}

// Exclude is an exclude block: combinations that have all of its values. Each
// value bears the name of an axis.
type Exclude struct {
	Values []*Axis
	Range  hcl.Range
}

// Retry is a retry block; absent arguments are nil.
type Retry struct {
	Attempts, Delay, Factor, MaxDelay, Jitter, On hcl.Expression
	Range                                         hcl.Range
}

// Output is an output block.
type Output struct {
	Name        string
	Value       hcl.Expression
	Description string
	Sensitive   bool
	Range       hcl.Range
}

// Reference is one place in an expression that names something else: the
// longest form there is, such as step.version[node.name].stdout.
type Reference struct {
	// Root is the first word: var, local, step, group, module, cluster, each,
	// node, matrix, probe, path, run, backend, or whatever else stands there.
	Root string
	// Name is the second word; empty when there is none.
	Name string
	// NameRange is where Name stands.
	NameRange hcl.Range
	// Key is the expression in the brackets right after the name, nil when
	// there is none. Splat says that [*] or .* stands there instead.
	Key   hcl.Expression
	Splat bool
	// Rest are the steps after the name or the key as far as they are static:
	// .stdout, [0].
	Rest hcl.Traversal
	// Inner is what follows the name and the key of a module: one of its outputs,
	// with what stands after that. Nil for all else.
	Inner *Reference
	// Range covers the whole reference.
	Range hcl.Range
}
