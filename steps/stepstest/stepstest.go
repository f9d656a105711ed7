// Package stepstest helps the tests of step types: it writes configurations as
// the plan would, and gives steps a small world to run in.
package stepstest

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// Args are written arguments and blocks; a nested block is Args.
type Args map[string]any

// Config returns what a plug-in receives for the written arguments: defaults
// filled in, null for the rest. Argument values are strings, numbers, booleans,
// []string, []int, map[string]string, *schema.Expression or cty.Value.
func Config(t *testing.T, block *schema.Block, args Args) cty.Value {
	t.Helper()
	attrs := map[string]cty.Value{}
	for _, a := range block.Attributes {
		switch given, written := args[a.Name]; {
		case written:
			attrs[a.Name] = value(t, a.Name, given)
		case a.Default != cty.NilVal:
			attrs[a.Name] = a.Default
		default:
			attrs[a.Name] = cty.NullVal(a.ValueType())
		}
	}
	for _, n := range block.Blocks {
		attrs[n.Name] = cty.NullVal(n.Block.Type())
		if given, written := args[n.Name]; written {
			attrs[n.Name] = Config(t, &n.Block, given.(Args))
		}
	}
	for name := range args {
		if _, known := attrs[name]; !known {
			t.Fatalf("the schema has no %q", name)
		}
	}
	return cty.ObjectVal(attrs)
}

func value(t *testing.T, name string, given any) cty.Value {
	t.Helper()
	switch v := given.(type) {
	case cty.Value:
		return v
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case int:
		return cty.NumberIntVal(int64(v))
	case []string:
		return list(v, cty.String, cty.StringVal)
	case []int:
		return list(v, cty.Number, func(n int) cty.Value { return cty.NumberIntVal(int64(n)) })
	case map[string]string:
		values := map[string]cty.Value{}
		for key, s := range v {
			values[key] = cty.StringVal(s)
		}
		return cty.MapVal(values)
	case *schema.Expression:
		return cty.CapsuleVal(schema.ExpressionType, v)
	}
	t.Fatalf("%s: no value is made of %T", name, given)
	return cty.NilVal
}

func list[T any](from []T, typ cty.Type, one func(T) cty.Value) cty.Value {
	if len(from) == 0 {
		return cty.ListValEmpty(typ)
	}
	values := make([]cty.Value, len(from))
	for i, v := range from {
		values[i] = one(v)
	}
	return cty.ListVal(values)
}

// Expression makes a deferred argument of a function of `probe`.
func Expression(text string, eval func(probe cty.Value) (cty.Value, error), operands ...schema.Operand) *schema.Expression {
	return &schema.Expression{Text: text, Eval: func(probe cty.Value) (cty.Value, []schema.Operand, error) {
		v, err := eval(probe)
		return v, operands, err
	}}
}

// World is what a step is given, and what it did there.
type World struct {
	Env            steps.Env
	Stdout, Stderr bytes.Buffer
	Progress       []string
}

// NewWorld makes a world whose tool's machine is local and whose step runs on
// node, nil for none.
func NewWorld(local backends.Transport, node *backends.Node) *World {
	w := &World{}
	w.Env = steps.Env{
		Address: `step.x`, Run: "run-1", Dir: "/run-dir", WorkflowDir: "", Node: node, Local: local, Machines: Machines{},
		Stdout: &w.Stdout, Stderr: &w.Stderr,
		Progress: func(line string) { w.Progress = append(w.Progress, line) },
	}
	return w
}

// Node makes a node of cluster "c" that is reached by tr.
func Node(name string, tr backends.Transport) *backends.Node {
	return &backends.Node{Name: name, Cluster: "c", Role: "box", Transport: tr}
}

// Machines are nodes by "cluster/name". Provision, Destroy and Share refuse;
// embed it to answer them.
type Machines map[string]backends.Node

var _ steps.Machines = Machines{}

// Node finds a node.
func (m Machines) Node(cluster, name string) (backends.Node, error) {
	n, ok := m[cluster+"/"+name]
	if !ok {
		return backends.Node{}, fmt.Errorf("there is no node %q in cluster %q", name, cluster)
	}
	return n, nil
}

// Provision refuses.
func (Machines) Provision(_ context.Context, cluster, node string) (backends.Boot, error) {
	return backends.Boot{}, fmt.Errorf("provision %s/%s: the test did not expect this", cluster, node)
}

// Destroy refuses.
func (Machines) Destroy(_ context.Context, cluster string) error {
	return fmt.Errorf("destroy %s: the test did not expect this", cluster)
}

// Share refuses.
func (Machines) Share(cluster string) (backends.Share, error) {
	return backends.Share{}, fmt.Errorf("share with %s: the test did not expect this", cluster)
}

// Problems renders problems, one "attribute: summary" each.
func Problems(problems []schema.Problem) []string {
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Attribute+": "+p.Summary)
	}
	return texts
}
