package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
)

// planView is what `dcosflow plan` shows: the JSON form, from which the text
// is made.
type planView struct {
	Name        string         `json:"name"`
	Variant     *variantView   `json:"variant,omitempty"`
	Description string         `json:"description,omitempty"`
	File        string         `json:"file"`
	Seed        int64          `json:"seed"`
	Variables   []variableView `json:"variables"`
	Clusters    []clusterView  `json:"clusters"`
	Instances   []instanceView `json:"instances"`
	Forecast    forecastView   `json:"forecast"`
}

type variableView struct {
	Name string `json:"name"`
	// Value is null when the variable is sensitive.
	Value     json.RawMessage `json:"value"`
	Sensitive bool            `json:"sensitive,omitempty"`
	Origin    string          `json:"origin"`
}

type clusterView struct {
	Name    string     `json:"name"`
	Backend string     `json:"backend"`
	Type    string     `json:"type"`
	Roles   []roleView `json:"roles"`
}

type roleView struct {
	Role  backends.Role `json:"role"`
	Count int           `json:"count"`
}

func viewPlan(p *plan.Plan, file string) (*planView, error) {
	v := &planView{
		Name: p.Name, Description: p.Description, File: file, Seed: p.Run.Seed, Forecast: viewForecast(p.Forecast),
		Variables: []variableView{}, Clusters: []clusterView{}, Instances: []instanceView{},
	}
	if p.Variant != nil {
		variant, err := viewVariant(p.Name, p.Variant)
		if err != nil {
			return nil, err
		}
		v.Variant = &variant
	}
	for _, variable := range p.Variables {
		view, err := viewVariable(variable)
		if err != nil {
			return nil, fmt.Errorf("show variable %s: %w", variable.Name, err)
		}
		v.Variables = append(v.Variables, view)
	}
	for _, c := range p.Clusters {
		v.Clusters = append(v.Clusters, viewCluster(p, c))
	}
	waves, err := countWaves(p.Graph)
	if err != nil {
		return nil, err
	}
	for _, id := range p.Graph.IDs() {
		if visible(p.Graph.Value(id)) {
			v.Instances = append(v.Instances, viewInstance(p.Graph, id, waves[id]))
		}
	}
	slices.SortStableFunc(v.Instances, func(x, y instanceView) int { return x.Wave - y.Wave })
	return v, nil
}

func viewVariable(v plan.Variable) (variableView, error) {
	view := variableView{Name: v.Name, Sensitive: v.Sensitive, Origin: v.Origin}
	if v.Sensitive {
		return view, nil
	}
	value, _ := v.Value.UnmarkDeep()
	text, err := ctyjson.Marshal(value, value.Type())
	view.Value = text
	return view, err
}

func viewCluster(p *plan.Plan, c plan.Cluster) clusterView {
	view := clusterView{Name: c.Name, Backend: c.Backend, Roles: []roleView{}}
	for _, b := range p.Backends {
		if b.Name == c.Backend {
			view.Type = b.Type.Name
		}
	}
	for _, r := range c.Roles {
		view.Roles = append(view.Roles, roleView{r.Role, r.Count})
	}
	return view
}

// countWaves numbers the visible vertices by the longest chain of visible ones
// before them. Joints add no wave of their own.
func countWaves(g *dag.Graph[*plan.Instance]) (map[dag.ID]int, error) {
	order, err := g.Order()
	if err != nil {
		return nil, err
	}
	waves := make(map[dag.ID]int, len(order))
	for _, id := range order {
		for _, e := range g.Dependencies(id) {
			waves[id] = max(waves[id], waves[e.To])
		}
		if visible(g.Value(id)) {
			waves[id]++
		}
	}
	return waves, nil
}

// compact drops repetitions and keeps the order.
func compact(ids []dag.ID) []dag.ID {
	seen := map[dag.ID]bool{}
	return slices.DeleteFunc(ids, func(id dag.ID) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

// place is where something stands in the files: "FILE:LINE".
func place(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line)
}

// summarize finds the steps whose instances are all in the list and writes them
// as one: step.copy rather than step.copy["a"], step.copy["b"]. Total is how
// many instances each step has.
func summarize(ids []dag.ID, total map[string]int) string {
	listed := map[string]int{}
	for _, id := range ids {
		listed[stepOf(id)]++
	}
	var parts []string
	for _, id := range ids {
		part := string(id)
		if step := stepOf(id); total[step] > 1 && listed[step] == total[step] {
			part = step
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// keys are the brackets in an address.
var keys = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]|\[\*\]`)

// stepOf returns an instance's address without keys: that of the step, which
// for one in a group is group.g.x.
func stepOf(id dag.ID) string { return keys.ReplaceAllString(string(id), "") }
