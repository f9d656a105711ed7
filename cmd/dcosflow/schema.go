package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print all step types and backends as JSON, for editors",
		Long: `Print the arguments, blocks and outputs of all step types and backends as one JSON
object, for editors and other tools.`,
		Example: "  dcosflow schema | jq '.steps.run.attributes | keys'",
		Args:    arguments(0, 0),
		RunE: action(func(context.Context, []string) error {
			view, err := a.schemaView()
			if err != nil {
				return err
			}
			return a.printJSON(view)
		}),
	}
}

// schemaDocument is the JSON of `dcosflow schema`.
type schemaDocument struct {
	Version  int                    `json:"format_version"`
	Steps    map[string]stepView    `json:"steps"`
	Backends map[string]backendView `json:"backends"`
}

type stepView struct {
	Doc string `json:"doc"`
	blockView
	Outputs   map[string]outputView `json:"outputs"`
	Placement string                `json:"placement"`
}

type backendView struct {
	Doc string `json:"doc"`
	blockView
	Role *blockView `json:"role,omitempty"`
}

type blockView struct {
	Attributes map[string]attributeView `json:"attributes"`
	Blocks     map[string]nestedView    `json:"blocks"`
	OneOf      [][]string               `json:"one_of,omitempty"`
	AtMostOne  [][]string               `json:"at_most_one,omitempty"`
}

type attributeView struct {
	// Type is the word that the documentation uses, Constraint cty's JSON of it.
	Type       string          `json:"type"`
	Constraint json.RawMessage `json:"constraint,omitempty"`
	Required   bool            `json:"required,omitempty"`
	Default    json.RawMessage `json:"default,omitempty"`
	Values     []string        `json:"values,omitempty"`
	Sensitive  bool            `json:"sensitive,omitempty"`
	Doc        string          `json:"doc"`
}

type nestedView struct {
	Doc string `json:"doc"`
	Min int    `json:"min"`
	Max int    `json:"max,omitempty"`
	blockView
}

type outputView struct {
	Type       string          `json:"type"`
	Constraint json.RawMessage `json:"constraint"`
	Sensitive  bool            `json:"sensitive,omitempty"`
	Doc        string          `json:"doc"`
}

var placementNames = map[steps.Placement]string{
	steps.NoNode: "none", steps.MayHaveNode: "optional", steps.NeedsNode: "required", steps.EachNode: "each",
}

func (a *app) schemaView() (*schemaDocument, error) {
	doc := &schemaDocument{Version: 1, Steps: map[string]stepView{}, Backends: map[string]backendView{}}
	for i := range a.steps {
		t := &a.steps[i]
		view, err := viewStep(t)
		if err != nil {
			return nil, fmt.Errorf("describe step type %s: %w", t.Name, err)
		}
		doc.Steps[t.Name] = view
	}
	for i := range a.backends {
		t := &a.backends[i]
		view, err := viewBackend(t)
		if err != nil {
			return nil, fmt.Errorf("describe backend %s: %w", t.Name, err)
		}
		doc.Backends[t.Name] = view
	}
	return doc, nil
}

func viewStep(t *steps.Type) (stepView, error) {
	body, err := viewBlock(&t.Schema)
	if err != nil {
		return stepView{}, err
	}
	view := stepView{Doc: t.Doc, blockView: body, Outputs: map[string]outputView{}, Placement: placementNames[t.Placement]}
	for _, o := range t.Outputs {
		constraint, err := ctyjson.MarshalType(o.Type)
		if err != nil {
			return view, fmt.Errorf("output %s: %w", o.Name, err)
		}
		view.Outputs[o.Name] = outputView{Type: steps.ValueTypeText(o.Type), Constraint: constraint, Sensitive: o.Sensitive, Doc: o.Doc}
	}
	return view, nil
}

func viewBackend(t *backends.Type) (backendView, error) {
	body, err := viewBlock(&t.Schema)
	if err != nil {
		return backendView{}, err
	}
	view := backendView{Doc: t.Doc, blockView: body}
	if len(t.Role.Attributes)+len(t.Role.Blocks) == 0 {
		return view, nil
	}
	role, err := viewBlock(&t.Role)
	if err != nil {
		return view, fmt.Errorf("role: %w", err)
	}
	view.Role = &role
	return view, nil
}

func viewBlock(b *schema.Block) (blockView, error) {
	view := blockView{
		Attributes: map[string]attributeView{}, Blocks: map[string]nestedView{},
		OneOf: b.OneOf, AtMostOne: b.AtMostOne,
	}
	for i := range b.Attributes {
		attr, err := viewAttribute(&b.Attributes[i])
		if err != nil {
			return view, fmt.Errorf("argument %s: %w", b.Attributes[i].Name, err)
		}
		view.Attributes[b.Attributes[i].Name] = attr
	}
	for i := range b.Blocks {
		n := &b.Blocks[i]
		body, err := viewBlock(&n.Block)
		if err != nil {
			return view, fmt.Errorf("block %s: %w", n.Name, err)
		}
		view.Blocks[n.Name] = nestedView{Doc: n.Doc, Min: n.Min, Max: n.Max, blockView: body}
	}
	return view, nil
}

func viewAttribute(a *schema.Attribute) (attributeView, error) {
	view := attributeView{
		Type: steps.TypeText(a), Required: a.Required, Values: a.Values, Sensitive: a.Sensitive, Doc: a.Doc,
	}
	var err error
	if a.Kind != schema.Deferred { // a capsule has no JSON: `type` says enough
		if view.Constraint, err = ctyjson.MarshalType(a.ValueType()); err != nil {
			return view, err
		}
	}
	if a.Default != cty.NilVal && !a.Default.IsNull() {
		view.Default, err = ctyjson.Marshal(a.Default, a.Default.Type())
	}
	return view, err
}

// printJSON writes a value as indented JSON.
func (a *app) printJSON(v any) error {
	out := json.NewEncoder(a.stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(v)
}
