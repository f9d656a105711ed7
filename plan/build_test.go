package plan

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// lab is what most workflows of the tests begin with.
const lab = `
backend "docker" "local" {}
cluster "c" {
  roles = { master = 2, agent = 1 }
}
`

// stepTypes are small types with one of each trait.
func stepTypes() []steps.Type {
	probe := cty.Object(map[string]cty.Type{"stdout": cty.String, "exit_code": cty.Number})
	clusterArgument := schema.Attribute{Name: "cluster", Kind: schema.Cluster, Required: true}
	return []steps.Type{
		{
			Name: "provision", Placement: steps.EachNode, Role: steps.Provisions, Idempotent: true,
			Schema:  schema.Block{Attributes: []schema.Attribute{clusterArgument}},
			Outputs: []schema.Output{{Name: "state", Type: cty.String}},
		},
		{
			Name: "destroy", Role: steps.Destroys,
			Schema: schema.Block{Attributes: []schema.Attribute{clusterArgument}},
		},
		{
			Name: "run", Placement: steps.MayHaveNode,
			Schema: schema.Block{
				Attributes: []schema.Attribute{
					{Name: "command", Type: cty.List(cty.String)},
					{Name: "script", Type: cty.String},
					{Name: "env", Type: cty.Map(cty.String)},
					{Name: "shell", Type: cty.String, Values: []string{"sh", "bash"}},
					{Name: "user", Type: cty.String, Public: true, Default: cty.StringVal("root")},
					{Name: "password", Type: cty.String, Sensitive: true},
				},
				OneOf: [][]string{{"command", "script"}},
			},
			Outputs: []schema.Output{
				{Name: "stdout", Type: cty.String, Printed: true}, {Name: "exit_code", Type: cty.Number},
				{Name: "token", Type: cty.String, Sensitive: true},
			},
			New:     func(cty.Value) (steps.Step, error) { return nil, nil },
			NewSpan: func(cty.Value) (steps.Span, error) { return nil, nil },
		},
		{
			Name: "cut", Placement: steps.NeedsNode, Idempotent: true,
			Schema:  schema.Block{Attributes: []schema.Attribute{{Name: "from", Type: cty.String}}},
			Outputs: []schema.Output{{Name: "duration", Type: cty.String}},
			NewSpan: func(cty.Value) (steps.Span, error) { return nil, nil },
		},
		{
			Name: "copy", Placement: steps.NeedsNode, Idempotent: true,
			Schema: schema.Block{Attributes: []schema.Attribute{
				{Name: "source", Kind: schema.Path, Required: true},
				{Name: "destination", Type: cty.String, Required: true},
			}},
		},
		{
			Name: "wait", Placement: steps.MayHaveNode, Polls: true,
			Schema: schema.Block{Blocks: []schema.Nested{{Name: "until", Min: 1, Max: 1, Block: schema.Block{
				Attributes: []schema.Attribute{
					{Name: "every", Kind: schema.Duration},
					{Name: "node", Kind: schema.Node, Live: true},
					{Name: "condition", Kind: schema.Deferred, Type: cty.Bool, Late: probe},
				},
				Check: func(cfg cty.Value) []schema.Problem {
					if every := cfg.GetAttr("every"); every.IsKnown() && !every.IsNull() && every.AsString() == "0s" {
						return []schema.Problem{{Attribute: "every", Summary: "Too often", Detail: "Wait a little."}}
					}
					return nil
				},
			}}}},
		},
		{
			Name: "genconf",
			Schema: schema.Block{Attributes: []schema.Attribute{
				clusterArgument,
				{Name: "config", Type: cty.DynamicPseudoType},
			}},
			Outputs: []schema.Output{{Name: "bundle", Type: cty.String}},
		},
		{
			Name: "inspect",
			Schema: schema.Block{Attributes: []schema.Attribute{
				{Name: "cluster", Kind: schema.Cluster, Live: true, Required: true},
			}},
		},
		{
			Name:   "assert",
			Schema: schema.Block{Attributes: []schema.Attribute{{Name: "condition", Kind: schema.Deferred, Type: cty.Bool, Late: probe}}},
		},
	}
}

func backendTypes() []backends.Type {
	return []backends.Type{
		{
			Name: "docker", Destroys: true,
			Schema: schema.Block{Attributes: []schema.Attribute{{Name: "distribution", Type: cty.String, Default: cty.StringVal("debian-12")}}},
			Role:   schema.Block{Attributes: []schema.Attribute{{Name: "memory", Type: cty.String}}},
		},
		{Name: "existing", Schema: schema.Block{}},
	}
}

// request is a workflow with what surrounds it.
type request struct {
	text   string
	values map[string]Given
	static bool
	json   bool
	// history is what earlier runs took.
	history History
	// files are more files, by path from the directory of the workflow.
	files map[string]string
}

func (r request) build(t testing.TB) (*Plan, hcl.Diagnostics, map[string]*hcl.File) {
	t.Helper()
	name := "/w/main.hcl"
	if r.json {
		name += ".json"
	}
	disk := fstest.MapFS{
		strings.TrimPrefix(name, "/"): {Data: []byte(r.text)},
		"w/here.txt":                  {Data: []byte("here")},
		"elsewhere/there.txt":         {Data: []byte("there")},
	}
	for path, text := range r.files {
		disk["w/"+path] = &fstest.MapFile{Data: []byte(text)}
	}
	w, diags := dsl.Load(disk, name, func(path string) string {
		if path == name {
			return "main.hcl"
		}
		return strings.TrimPrefix(path, "/w/")
	})
	if w == nil {
		return nil, diags, nil
	}
	p, more := Build(Input{
		Workflow: w, Steps: stepTypes(), Backends: backendTypes(), Values: r.values,
		Files: disk, WorkingDir: "/elsewhere", Run: Run{ID: "r1", Seed: 7, Dir: "/runs/r1"}, Static: r.static, History: r.history,
	})
	if diags.HasErrors() {
		p = nil
	}
	return p, dsl.Sort(append(diags, more...)), w.Files
}

// mustBuild builds a workflow that has no errors.
func mustBuild(t testing.TB, text string) *Plan {
	t.Helper()
	return request{text: text}.mustBuild(t)
}

func (r request) mustBuild(t testing.TB) *Plan {
	t.Helper()
	p, diags, files := r.build(t)
	if diags.HasErrors() {
		t.Fatalf("the workflow has errors:\n%s", rendered(diags, files))
	}
	return p
}

func rendered(diags hcl.Diagnostics, files map[string]*hcl.File) string {
	var b bytes.Buffer
	dsl.Render(&b, diags, files, dsl.RenderOptions{})
	return b.String()
}

// edges lists what a vertex waits for; a tilde marks "settled".
func edges(p *Plan, id dag.ID) []string {
	list := []string{}
	for _, e := range p.Graph.Dependencies(id) {
		text := string(e.To)
		if e.When == dag.Settled {
			text = "~" + text
		}
		list = append(list, text)
	}
	return list
}

func checkEdges(t *testing.T, p *Plan, id dag.ID, want ...string) {
	t.Helper()
	if !p.Graph.Has(id) {
		t.Errorf("there is no vertex %s among %v", id, p.Graph.IDs())
		return
	}
	if got := edges(p, id); !slices.Equal(got, want) {
		t.Errorf("%s waits for\n got %q\nwant %q", id, got, want)
	}
}

// mistake is a diagnostic that a workflow must get.
type mistake struct {
	name string
	text string
	// files are those of modules.
	files map[string]string
	// bare texts are used without the lab.
	bare bool
	line int // within text; 0 is not checked
	want []string
	// count is how many diagnostics there are; 0 means 1.
	count int
}

func checkMistakes(t *testing.T, cases []mistake) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text, shift := lab+c.text, strings.Count(lab, "\n")
			if c.bare {
				text, shift = c.text, 0
			}
			p, diags, files := request{text: text, files: c.files}.build(t)
			got := rendered(diags, files)
			if !diags.HasErrors() || p != nil {
				t.Fatalf("there is no error; want %q", c.want)
			}
			if want := max(c.count, 1); len(diags) != want {
				t.Errorf("%d diagnostics, want %d:\n%s", len(diags), want, got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("the text lacks %q:\n%s", want, got)
				}
			}
			if c.line > 0 && (diags[0].Subject == nil || diags[0].Subject.Start.Line != c.line+shift) {
				t.Errorf("it is placed at %v, want line %d", diags[0].Subject, c.line+shift)
			}
		})
	}
}

// facts is a run that the tests make up.
type facts struct {
	nodes    map[string][]backends.Node
	outputs  map[dag.ID]cty.Value
	expanded map[dag.ID][]*Instance
}

func (f *facts) Nodes(cluster string) []backends.Node { return f.nodes[cluster] }

func (f *facts) Output(id dag.ID) (cty.Value, bool) {
	v, ok := f.outputs[id]
	return v, ok
}

func (f *facts) Expanded(id dag.ID) ([]*Instance, bool) {
	list, ok := f.expanded[id]
	return list, ok
}

// ran is what a run step returns.
func ran(stdout string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"stdout": cty.StringVal(stdout), "exit_code": cty.NumberIntVal(0), "token": cty.StringVal("t0ken"),
	})
}

func configure(t *testing.T, p *Plan, id dag.ID, f Facts) cty.Value {
	t.Helper()
	if !p.Graph.Has(id) {
		t.Fatalf("there is no vertex %s among %v", id, p.Graph.IDs())
	}
	v, err := p.Graph.Value(id).Configure(f)
	if err != nil {
		t.Fatalf("configure %s: %v", id, err)
	}
	return v
}

func ExampleBuild() {
	p := mustBuild(&testing.T{}, lab+`
step "run" "hello" {
  nodes   = cluster.c.master
  command = ["echo", node.name]
}`)
	for _, id := range p.Graph.IDs() {
		fmt.Println(id)
	}
	// Output:
	// provision.c["master-0"]
	// provision.c["master-1"]
	// provision.c["agent-0"]
	// step.hello["master-0"]
	// step.hello["master-1"]
	// destroy.c
	// :main
}
