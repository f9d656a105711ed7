package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/events/report"
	"github.com/dcosflow/dcosflow/plan"
)

// axisView is an axis of a matrix.
type axisView struct {
	Name   string   `json:"name"`
	Labels []string `json:"labels"`
}

func viewAxes(m *plan.Matrix) []axisView {
	views := []axisView{}
	if m == nil {
		return views
	}
	for _, a := range m.Axes {
		views = append(views, axisView{a.Name, a.Labels})
	}
	return views
}

// variantView is a variant: the name of its run, and its values.
type variantView struct {
	// Run is what its run is called: upgrade[debian-12,3].
	Run    string                     `json:"run"`
	Name   string                     `json:"name"`
	Labels map[string]string          `json:"labels"`
	Values map[string]json.RawMessage `json:"values"`
}

func viewVariant(workflow string, v *plan.Variant) (variantView, error) {
	view := variantView{
		Run:  fmt.Sprintf("%s[%s]", workflow, v.Name),
		Name: v.Name, Labels: v.Labels, Values: map[string]json.RawMessage{},
	}
	for axis, value := range v.Values {
		text, err := ctyjson.Marshal(value, value.Type())
		if err != nil {
			return view, fmt.Errorf("show the value of %s: %w", axis, err)
		}
		view.Values[axis] = text
	}
	return view, nil
}

// variantsView is what `dcosflow plan` shows of several variants.
type variantsView struct {
	Name      string         `json:"name"`
	File      string         `json:"file"`
	Seed      int64          `json:"seed"`
	Axes      []axisView     `json:"axes"`
	Variables []variableView `json:"variables"`
	Variants  []outlineView  `json:"variants"`

	summary, selector string
}

// outlineView is the plan of one variant in short.
type outlineView struct {
	variantView
	Clusters  []clusterView `json:"clusters"`
	Instances int           `json:"instances"`
	Waves     int           `json:"waves"`
	// Expected is zero when earlier runs tell nothing.
	Expected time.Duration `json:"expected_ns,omitempty"`
}

func viewVariants(c *compiled, file string) (*variantsView, error) {
	view := &variantsView{
		File: file, Axes: viewAxes(c.matrix),
		summary: variantsText(c.matrix, len(c.plans)), selector: selector(c.matrix, c.plans[0].Variant),
	}
	for _, p := range c.plans {
		whole, err := viewPlan(p, file)
		if err != nil {
			return nil, err
		}
		view.Name, view.Seed, view.Variables = whole.Name, whole.Seed, whole.Variables
		outline := outlineView{
			variantView: *whole.Variant, Clusters: whole.Clusters, Instances: len(whole.Instances),
			Waves: whole.waves(), Expected: whole.Forecast.Expected,
		}
		view.Variants = append(view.Variants, outline)
	}
	return view, nil
}

func (v *variantsView) write(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s (%s): %s\n", v.Name, v.File, v.summary)
	(&planView{Variables: v.Variables}).writeVariables(&out)
	out.WriteString("\n")
	t := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "VARIANT\tINSTANCES\tWAVES\tEXPECTED\tCLUSTERS")
	for _, o := range v.Variants {
		expected := "unknown"
		if o.Expected > 0 {
			expected = report.Duration(o.Expected)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", o.Name, o.Instances, o.Waves, expected, orDash(clustersText(o.Clusters)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&out, "\nSeed %d. Nothing was touched. One variant in full: dcosflow plan %s %s\n", v.Seed, v.File, v.selector)
	_, err := w.Write(out.Bytes())
	return err
}

// clustersText is all clusters on one line: "etcd: 3 member, 1 client".
func clustersText(clusters []clusterView) string {
	texts := make([]string, len(clusters))
	for i, c := range clusters {
		texts[i] = fmt.Sprintf("%s: %s", c.Name, c.rolesText())
	}
	return strings.Join(texts, "; ")
}
