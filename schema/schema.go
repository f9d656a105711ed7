// Package schema describes the blocks of plug-ins: their arguments, nested
// blocks and outputs. From one description come the decoder, the types of
// outputs, the documentation and the JSON for editors.
package schema

import (
	"github.com/zclconf/go-cty/cty"
)

// Block describes the body of a block. The plug-in receives it as one object
// with an attribute for every Attribute and every Nested, null where absent.
type Block struct {
	Attributes []Attribute
	Blocks     []Nested
	// OneOf lists sets of argument or block names of which exactly one must be
	// written.
	OneOf [][]string
	// AtMostOne lists sets of names of which at most one may be written.
	AtMostOne [][]string
	// Check finds problems that types cannot express. Values may be unknown or
	// null; it must neither panic on them nor do input or output. May be nil.
	Check func(cfg cty.Value) []Problem
}

// Kind says what an argument means beyond its type.
type Kind int

// The kinds of arguments.
const (
	// Plain is a value of Attribute.Type.
	Plain Kind = iota
	// Duration is a string with a unit, such as "90s"; see ParseDuration.
	Duration
	// Path is a string that names an existing file or directory on the machine
	// of the tool. The plug-in receives it absolute; a missing one is a plan
	// error.
	Path
	// Node is one node object (NodeType). The plug-in finds the machine by its
	// cluster and name.
	Node
	// Cluster is a cluster object: name, nodes, and one list per role.
	Cluster
	// Deferred is an expression that the plug-in evaluates itself, late in
	// `probe` only. The plug-in receives a capsule of ExpressionType.
	Deferred
)

// Attribute describes one argument.
type Attribute struct {
	Name string
	// Type is the wanted type of a Plain argument, and of the value of a
	// Deferred one; cty.DynamicPseudoType (for Deferred also no type at all) is
	// "anything". Other kinds ignore it.
	Type cty.Type
	Kind Kind
	// Late is the type of the root `probe` in a Deferred argument, so that a
	// misspelt `probe.stdot` is found before the run. No type checks nothing.
	Late     cty.Type
	Required bool
	// Default is the value of an argument that is not written; cty.NilVal
	// means null.
	Default cty.Value
	// Values lists the allowed strings of a Plain string; nil allows all.
	Values []string
	// Live says that the machines of a Node or Cluster argument must be
	// provisioned before the step starts.
	Live bool
	// Sensitive says that the value never appears in logs or reports.
	Sensitive bool
	// Public says that others can see the value, on a command line or as a
	// name: a sensitive one is refused.
	Public bool
	// Example is a value as a workflow would write it. An argument with one is
	// part of the example in the documentation, also when it is not required.
	Example string
	// Doc is one or two sentences of Markdown: unit, default where it is not
	// obvious, errors.
	Doc string
}

// Nested describes a block inside a block, without labels.
type Nested struct {
	Name string
	// Min and Max bound how often the block is written. With Max 1 the plug-in
	// receives an object or null, else a list of objects as a tuple.
	Min, Max int
	Block    Block
	Doc      string
}

// Output describes one attribute of what a step type returns.
type Output struct {
	Name      string
	Type      cty.Type
	Sensitive bool
	// Printed says that it holds what something printed: it is sensitive where
	// the step says `sensitive = true`.
	Printed bool
	Doc     string
}

// Problem is something wrong in a configuration. Attribute names the argument
// it is about, dotted for nested blocks ("until.every"); empty means the block.
type Problem struct {
	Attribute string
	Summary   string
	// Detail says what to do.
	Detail string
	// Warning problems do not stop the plan.
	Warning bool
}

// Names lists what may be written in the block, in the order of the schema.
func (b *Block) Names() (attributes, blocks []string) {
	for _, a := range b.Attributes {
		attributes = append(attributes, a.Name)
	}
	for _, n := range b.Blocks {
		blocks = append(blocks, n.Name)
	}
	return attributes, blocks
}
