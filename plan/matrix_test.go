package plan

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dsl"
)

// matrixed is the input of a workflow with a matrix.
func matrixed(t *testing.T, text string) (Input, hcl.Diagnostics) {
	t.Helper()
	disk := fstest.MapFS{"w/main.hcl": {Data: []byte(text)}, "w/sizes.json": {Data: []byte("[1, 3]")}}
	w, diags := dsl.Load(disk, "/w/main.hcl", func(string) string { return "main.hcl" })
	return Input{
		Workflow: w, Steps: stepTypes(), Backends: backendTypes(),
		Files: disk, WorkingDir: "/w", Run: Run{ID: "r1", Seed: 7, Dir: "/runs/r1"},
	}, diags
}

// variantsOf evaluates a matrix that has no mistakes.
func variantsOf(t *testing.T, text string) (Input, *Matrix) {
	t.Helper()
	in, diags := matrixed(t, text)
	m, more := Variants(in)
	if diags = append(diags, more...); diags.HasErrors() || m == nil {
		t.Fatalf("got no matrix:\n%s", rendered(diags, in.Workflow.Files))
	}
	return in, m
}

func names(variants []Variant) []string {
	var list []string
	for _, v := range variants {
		list = append(list, v.Name)
	}
	return list
}

func TestVariants(t *testing.T) {
	cases := []struct {
		name, text string
		want       []string
		cover      []string
	}{
		{
			name: "one axis", text: `matrix { size = [3, 1] }`,
			want: []string{"3", "1"}, cover: []string{"3", "1"},
		},
		{
			name: "the last axis changes fastest",
			text: `
matrix {
  os   = ["debian-12", "debian-13"]
  size = [1, 3, 5]
}`,
			want:  []string{"debian-12,1", "debian-12,3", "debian-12,5", "debian-13,1", "debian-13,3", "debian-13,5"},
			cover: []string{"debian-12,1", "debian-12,3", "debian-12,5", "debian-13,1"},
		},
		{
			name: "an object names its values, in the order of the file",
			text: `
matrix {
  release = {
    old = { from = "1.13", to = "2.2" }
    new = { from = "2.2", to = "2.3" }
  }
  tls = [true, false]
}`,
			want:  []string{"old,true", "old,false", "new,true", "new,false"},
			cover: []string{"old,true", "old,false", "new,true"},
		},
		{
			name: "variables, locals and functions",
			text: `
variable "os" { default = ["b", "a"] }
locals { sizes = jsondecode(file("sizes.json")) }
matrix {
  os   = toset(var.os)
  size = local.sizes
  name = merge({ z = 1 }, { y = 2 })
}`,
			want:  []string{"a,1,y", "a,1,z", "a,3,y", "a,3,z", "b,1,y", "b,1,z", "b,3,y", "b,3,z"},
			cover: []string{"a,1,y", "a,1,z", "a,3,y", "b,1,y"},
		},
		{
			name: "excluded combinations have all values of a block",
			text: `
matrix {
  os      = ["a", "b"]
  size    = [1, 3]
  release = { old = {}, new = {} }
  exclude {
    os   = "b"
    size = 3
  }
  exclude { release = "old" }
}`,
			want:  []string{"a,1,new", "a,3,new", "b,1,new"},
			cover: []string{"a,1,new", "a,3,new", "b,1,new"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, m := variantsOf(t, c.text)
			if got := names(m.Variants); !slices.Equal(got, c.want) {
				t.Errorf("variants\n got %q\nwant %q", got, c.want)
			}
			if got := names(m.Cover()); !slices.Equal(got, c.cover) {
				t.Errorf("cover\n got %q\nwant %q", got, c.cover)
			}
			for _, v := range m.Variants {
				if found := m.Find(v.Labels); found == nil || found.Name != v.Name {
					t.Errorf("Find(%v) got %v, want %s", v.Labels, found, v.Name)
				}
			}
		})
	}
	_, m := variantsOf(t, "matrix {\n size = [1]\n max_parallel = 2\n}")
	if m.MaxParallel != 2 {
		t.Errorf("max_parallel is %d, want 2", m.MaxParallel)
	}
	if v := m.Find(map[string]string{"size": "2"}); v != nil {
		t.Errorf("found %v, want no variant", v)
	}
	in, _ := matrixed(t, lab)
	if m, diags := Variants(in); m != nil || len(diags) > 0 {
		t.Errorf("got %v and %v of a workflow without a matrix, want nothing", m, diags)
	}
}

// A variant's values are known and typed wherever var is.
func TestMatrixInAVariant(t *testing.T) {
	in, m := variantsOf(t, `
matrix {
  backend = ["one", "two"]
  size    = [1, 3]
  release = {
    old = { version = "1.13", flags = [] }
    new = { version = "2.2", flags = ["-v"] }
  }
}
workflow "w" { max_parallel = matrix.size }
backend "docker" "one" { distribution = "d-${matrix.size}" }
backend "docker" "two" {}
locals { version = matrix.release.version }
cluster "c" {
  backend = backend[matrix.backend]
  roles   = { master = matrix.size }
}
step "run" "x" {
  nodes   = cluster.c.master
  command = concat(["install", local.version], matrix.release.flags)
  enabled = matrix.size == 3
}
output "all" { value = keys(matrix) }`)
	for _, want := range []struct {
		name, backend, command string
		nodes                  int
	}{
		{"one,1,old", "one", `["install", "1.13"]`, 1},
		{"two,3,new", "two", `["install", "2.2", "-v"]`, 3},
	} {
		i := slices.Index(names(m.Variants), want.name)
		in.Variant = &m.Variants[i]
		p, diags := Build(in)
		if diags.HasErrors() {
			t.Fatalf("%s:\n%s", want.name, rendered(diags, in.Workflow.Files))
		}
		if got := p.Title(); got != "w["+want.name+"]" || p.Variant.Name != want.name {
			t.Errorf("the title is %s, want w[%s]", got, want.name)
		}
		c := p.Clusters[0]
		if c.Backend != want.backend || len(c.Nodes) != want.nodes || p.Settings.MaxParallel != want.nodes {
			t.Errorf("%s: the cluster has %d nodes on backend %s, max_parallel %d; want %d on %s", want.name, len(c.Nodes), c.Backend, p.Settings.MaxParallel, want.nodes, want.backend)
		}
		f := &facts{nodes: map[string][]backends.Node{"c": addressed(c.Nodes)}}
		if got := dsl.ValueText(configure(t, p, `step.x["master-0"]`, f).GetAttr("command")); got != want.command {
			t.Errorf("%s: the command is %s, want %s", want.name, got, want.command)
		}
	}
}

// Without a variant the values are unknown, of the type that they have in common.
func TestMatrixWithoutAVariant(t *testing.T) {
	ok := `
variable "sizes" { type = list(number) }
matrix {
  os      = ["debian-12", "debian-13"]
  size    = var.sizes
  release = { a = { version = "1" }, b = { version = "2" } }
}
backend "docker" "d" { distribution = matrix.os }
cluster "c" { roles = { master = matrix.size } }
step "run" "x" {
  nodes   = cluster.c.master
  script  = "install ${matrix.release.version} ${matrix.size + 1}"
}`
	in, diags := matrixed(t, ok)
	in.Static = true
	if m, more := Variants(in); m != nil || len(more) > 0 {
		t.Errorf("got %v and %v, want nothing: the sizes are not known", m, more)
	}
	if _, more := Build(in); diags.HasErrors() || more.HasErrors() {
		t.Errorf("want no errors, got\n%s", rendered(append(diags, more...), in.Workflow.Files))
	}
	in.Static = false
	if _, more := Variants(in); !strings.Contains(rendered(more, nil), `Variable "sizes" has no value`) {
		t.Errorf("want the missing variable, got\n%s", rendered(more, nil))
	}
	checkMistakes(t, []mistake{
		{
			name: "wrong type", bare: true, line: 4,
			text: "matrix {\n  size = [1, 3]\n}\n" + `step "run" "x" { command = matrix.size }`,
			want: []string{"list of string"},
		},
		{
			name: "comparison of types", bare: true, line: 5,
			text: "matrix {\n  size = [1, 3]\n}\nstep \"run\" \"x\" {\n  enabled = matrix.size == \"3\"\n  script = \"x\"\n}\n",
			want: []string{"number", "string"},
		},
	})
}

// What says which variants there are, is known before any of them.
func TestMatrixMistakes(t *testing.T) {
	step := `
step "run" "x" { script = "${matrix.os}" }`
	checkMistakes(t, []mistake{
		{name: "no axis of that name", text: `
matrix { distribution = ["a"] }
step "run" "x" { script = matrix.distributon }`, line: 3, want: []string{`Unknown matrix axis "distributon"`, `Did you mean "distribution"?`}},
		{name: "an axis as a variable", text: `
matrix { os = ["a"] }
step "run" "x" { script = var.os }`, line: 3, want: []string{`There is a matrix axis of that name: write matrix.os.`}},
		{name: "no matrix", text: `step "run" "x" { script = matrix.os }`, line: 1, want: []string{`matrix`}},
		{name: "attribute of a value", text: `
matrix { release = { a = { version = "1" }, b = { version = "2" } } }
step "run" "x" { script = matrix.release.verion }`, line: 3, want: []string{"matrix.release has no attribute", `Did you mean "version"?`}},
		{name: "empty axis", text: `matrix { os = [] }` + step, line: 1, want: []string{`Axis "os" is empty`, "at least one"}},
		{name: "null axis", text: `matrix { os = null }` + step, line: 1, want: []string{"Null in the matrix", `axis "os" is null`}},
		{name: "null value", text: `matrix { os = ["a", null] }` + step, line: 1, want: []string{"Null in the matrix", `axis "os" is null`}},
		{name: "null value with a name", text: `matrix { os = { a = null } }` + step, line: 1, want: []string{"Null in the matrix"}},
		{name: "no list", text: `matrix { os = "a" }` + step, line: 1, want: []string{`Axis "os" is no list`, `["a"]`}},
		{name: "objects in a list", text: `matrix { os = [{ a = 1 }] }` + step, line: 1, want: []string{"has no name", "os = { name = {a = 1} }"}},
		{name: "different types", text: `matrix { os = ["a", 3] }` + step, line: 1, want: []string{"different types", `"a" is a string and 3 a number`}},
		{name: "twice", text: `matrix { os = ["a", "b", "a"] }` + step, line: 1, want: []string{`"a" stands twice in the axis "os"`, "main.hcl:6"}},
		{name: "empty text", text: `matrix { os = [""] }` + step, line: 1, want: []string{"Empty name"}},
		{name: "comma", text: `matrix { os = ["a,b"] }` + step, line: 1, want: []string{`Refused name "a,b"`, "the character ,", `os = { name = "a,b" }`}},
		{name: "space", text: `matrix { os = { "a b" = 1 } }` + step, line: 1, want: []string{`Refused name "a b"`, "a space"}},
		{name: "control character", text: `matrix { os = ["a\tb"] }` + step, line: 1, want: []string{`the character '\t'`}},
		{name: "sensitive", text: `
variable "os" {
  default   = ["a"]
  sensitive = true
}
matrix { os = var.os }` + step, line: 6, want: []string{"Sensitive value in the matrix"}},
		{name: "a step", text: `
matrix { os = [step.a.stdout] }
step "run" "a" { script = "${matrix.os}" }`, line: 2, want: []string{`No "step" here`}},
		{name: "the run", text: `matrix { os = ["a-${run.seed}"] }` + step, line: 1, want: []string{`No "run" here`, "only var, local, path and functions"}},
		{name: "itself", text: `
matrix {
  os   = ["a"]
  size = [matrix.os]
}` + step, line: 4, want: []string{`No "matrix" here`}},
		{name: "by a local", text: `
matrix {
  os   = ["a"]
  size = [local.x]
}
locals { x = matrix.os }` + step, line: 4, want: []string{`No "matrix" here`, "local.x does"}},
		{name: "excluded value", text: `
matrix {
  os = ["debian-12", "debian-13"]
  exclude { os = "debian-31" }
}` + step, line: 4, want: []string{`The axis "os" has no value "debian-31"`, "debian-12, debian-13", `Did you mean "debian-13"?`}},
		{name: "excluded list", text: `
matrix {
  os = ["a", "b"]
  exclude { os = ["a"] }
}` + step, line: 4, want: []string{"Wrong value in an exclude block", "Write one value"}},
		{name: "excluded null", text: `
matrix {
  os = ["a", "b"]
  exclude { os = null }
}` + step, line: 4, want: []string{"Null in the matrix"}},
		{name: "all excluded", text: `
matrix {
  os   = ["a"]
  size = [1, 3]
  exclude { os = "a" }
}` + step, line: 2, want: []string{"Empty matrix", "os: 1 (a)", "size: 2 (1, 3)", "combinations: 2"}},
		{name: "too many", text: `
matrix {
  os   = range(1000)
  size = range(1000)
}
step "run" "x" { script = "${matrix.os}" }`, line: 2, want: []string{"Too many variants", "combinations: 1000000"}},
		{name: "max_parallel", text: `
matrix {
  os           = ["a"]
  max_parallel = 0
}` + step, line: 4, want: []string{"Not a whole number from 1"}},
		{name: "undeclared in the matrix", text: `
variable "sizes" { default = [1] }
matrix { os = var.size }` + step, line: 3, want: []string{`Unknown variable "size"`, `Did you mean "sizes"?`}},
	})
}

// planVariants plans the variants that show every value of a matrix, if there is
// one.
func planVariants(t *testing.T, text string, static bool) {
	t.Helper()
	in, diags := matrixed(t, text)
	if in.Workflow == nil || in.Workflow.Incomplete || diags.HasErrors() {
		return
	}
	in.Static = static
	m, diags := Variants(in)
	if m == nil {
		return
	}
	if diags.HasErrors() || len(m.Variants) == 0 {
		t.Errorf("a matrix with %d variants and errors: %v", len(m.Variants), diags)
	}
	for _, v := range m.Cover()[:min(3, len(m.Cover()))] {
		in.Variant = &v
		if p, diags := Build(in); p == nil && !diags.HasErrors() {
			t.Errorf("%s: there is neither a plan nor an error", v.Name)
		}
	}
}

// Plans of several variants share the digests of files.
func TestVariantsShareDigests(t *testing.T) {
	in, m := variantsOf(t, "matrix { os = [\"a\", \"b\"] }\nstep \"run\" \"x\" { script = matrix.os }")
	in.Cache = NewCache(in.Files)
	for i := range m.Variants {
		in.Variant = &m.Variants[i]
		p, diags := Build(in)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if p.digests != in.Cache.digests {
			t.Errorf("%s has digests of its own", p.Title())
		}
		if v := configure(t, p, "step.x", &facts{}).GetAttr("script"); !v.RawEquals(cty.StringVal(m.Variants[i].Name)) {
			t.Errorf("the script of %s is %s", p.Title(), dsl.ValueText(v))
		}
	}
}
