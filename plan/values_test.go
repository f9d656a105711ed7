package plan

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/schema"
)

func addr(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}) }

func TestRule17_ComparisonsOfDifferentTypes(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "at plan time", text: twoSteps + `step "assert" "x" { condition = step.one.exit_code == "0" }`, line: 7,
			want: []string{"Comparison of different types"}},
		{name: "of a probe", text: `step "assert" "x" { condition = probe.exit_code != "0" }`,
			want: []string{"Comparison of different types"}},
	})
	p := mustBuild(t, lab+twoSteps+`step "assert" "x" { condition = jsondecode(step.one.stdout).n == 1 && probe.stdout == "b" }`)
	eval := func(stdout string) (cty.Value, []schema.Operand, error) {
		v := configure(t, p, "step.x", &facts{outputs: map[dag.ID]cty.Value{"step.one": ran(stdout)}})
		e := schema.ExpressionOf(v.GetAttr("condition"))
		if want := `jsondecode(step.one.stdout).n == 1 && probe.stdout == "b"`; e.Text != want {
			t.Errorf("text %q, want %q", e.Text, want)
		}
		return e.Eval(cty.ObjectVal(map[string]cty.Value{"stdout": cty.StringVal("b"), "exit_code": cty.NumberIntVal(0)}))
	}
	checkEdges(t, p, "step.x", "step.one")
	v, operands, err := eval(`{"n": 1}`)
	if err != nil || !v.True() {
		t.Errorf("got %#v, %v; want true", v, err)
	}
	if !slices.Contains(operands, schema.Operand{Text: "probe.stdout", Value: `"b"`}) {
		t.Errorf("operands %v lack probe.stdout", operands)
	}
	_, _, err = eval(`{"n": "1"}`)
	var problem *Error
	if !errors.As(err, &problem) || !strings.Contains(err.Error(), "different types") {
		t.Fatalf("a comparison of different types at run time gives %v", err)
	}
	want := `  on main.hcl line 12, in step "assert" "x":
    12: step "assert" "x" { condition = jsondecode(step.one.stdout).n == 1 && probe.stdout == "b" }
                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  with step.one.stdout = "{\"n\": \"1\"}"
`
	if got := problem.Snippet(); got != want {
		t.Errorf("the snippet is\n%swant\n%s", got, want)
	}
}

func TestRule18_TypesOfArguments(t *testing.T) {
	run := func(args string) string { return "step \"run\" \"x\" {\n  " + args + "\n}" }
	checkMistakes(t, []mistake{
		{name: "number literal", text: run(`script = 1.10`), line: 2, want: []string{"A number where text is wanted", `"1.10"`}},
		{name: "in a list", text: run(`command = ["sleep", 5]`), line: 2, want: []string{"A number where text is wanted", `"5"`}},
		{name: "in a map", text: run("command = [\"a\"]\n  env = { PORT = 2379 }"), line: 3, want: []string{`"2379"`}},
		{name: "string for a list", text: run(`command = "ls"`), want: []string{`Wrong type for "command"`, "list of string", `string: "ls"`, "Write it as a list"}},
		{name: "list for a string", text: run(`script = ["ls"]`), want: []string{`Wrong type for "script"`, "join("}},
		{name: "map of lists", text: run("command = [\"a\"]\n  env = { A = [\"b\"] }"), want: []string{`Wrong type for "env"`}},
		{name: "enum", text: run("command = [\"a\"]\n  shell = \"bsh\""), line: 3, want: []string{`Wrong value for "shell"`, "sh, bash", "Did you mean"}},
		{name: "secret", text: "variable \"s\" {\n  sensitive = true\n  default = \"hush\"\n}\n" + run(`command = var.s`), want: []string{"sensitive"}},
		{name: "output of the wrong type", text: twoSteps + run(`command = step.one.stdout`), want: []string{`Wrong type for "command"`, "list of string"}},
		{name: "cluster argument", text: `step "genconf" "x" { cluster = cluster.c.master }`, want: []string{"Not a cluster", "without a role"}},
		{name: "unknown argument", text: run(`comand = ["a"]`), line: 2, want: []string{`Unknown argument "comand"`, "command, script", "every step has", `Did you mean "command"?`}},
		{name: "near a meta-argument", text: run("command = [\"a\"]\n  timout = \"5s\""), want: []string{`Did you mean "timeout"?`}},
		{name: "count", text: run("command = [\"a\"]\n  count = 2"), want: []string{`Unknown argument "count"`, "Write for_each"}},
		{name: "loop", text: run("command = [\"a\"]\n  loop = 3"), want: []string{`Unknown argument "loop"`, "There are no loops."}},
		{name: "dynamic", text: run("command = [\"a\"]\n  dynamic \"env\" {}"), want: []string{`Unknown block "dynamic"`, "Write the blocks out"}},
		{name: "unknown block", text: run("command = [\"a\"]\n  unitl {}"), want: []string{`Unknown block "unitl"`}},
		{name: "block as argument", text: `step "wait" "x" { until = {} }`, want: []string{`"until" is a block`}},
		{name: "missing argument", text: `step "copy" "x" {
  nodes       = cluster.c.nodes
  destination = "/x"
}`, line: 1, want: []string{`Missing argument "source"`}},
		{name: "missing block", text: `step "wait" "x" {}`, want: []string{`Missing block "until"`}},
		{name: "none of several", text: `step "run" "x" {}`, want: []string{"Write one of command, script"}},
		{name: "two of several", text: run("command = [\"a\"]\n  script = \"b\""), line: 3, want: []string{`Both "command" and "script"`}},
		{name: "too many blocks", text: "step \"wait\" \"x\" {\n  until {}\n  until {}\n}", line: 3, want: []string{`Too many "until" blocks`}},
		{name: "step type", text: `step "rum" "x" {}`, want: []string{`Unknown step type "rum"`, "provision, destroy, run", `Did you mean "run"?`}},
		{name: "check", text: "step \"wait\" \"x\" {\n  until {\n    every = \"0s\"\n  }\n}", line: 3, want: []string{"Too often"}},
		{name: "null", text: `step "copy" "x" {
  nodes       = cluster.c.nodes
  source      = null
  destination = "/x"
}`, line: 3, want: []string{`"source" must not be null`}},
	})
}

func TestRule18_Paths(t *testing.T) {
	copyOf := func(source string) string {
		return "step \"copy\" \"x\" {\n  nodes       = cluster.c.master\n  destination = \"/x\"\n  source      = " + source + "\n}"
	}
	checkMistakes(t, []mistake{
		{name: "missing", text: copyOf(`"nope.txt"`), line: 4, want: []string{"Missing file", "/w/nope.txt"}},
		{name: "in the working directory", text: copyOf(`"there.txt"`), want: []string{"/w/there.txt", "/elsewhere/there.txt"}},
		{name: "of a function", text: copyOf(`file("there.txt")`), want: []string{"/w/there.txt", "/elsewhere/there.txt"}},
		{name: "below a file", text: copyOf(`"here.txt/x"`), want: []string{"Missing file", "/w/here.txt/x"}},
	})
	p := mustBuild(t, lab+copyOf(`"here.txt"`))
	if got := configure(t, p, `step.x["master-0"]`, &facts{}).GetAttr("source").AsString(); got != "/w/here.txt" {
		t.Errorf("source = %q, want it absolute", got)
	}
}

func TestRule19_Durations(t *testing.T) {
	p := mustBuild(t, lab+`
step "run" "x" {
  command  = ["a"]
  timeout  = "90s"
  deadline = "5m"
  retry {
    attempts = 5
    delay    = "2s"
    jitter   = 0.5
    on       = ["exit_code", "timeout"]
  }
}
step "run" "plain" { command = ["a"] }
step "copy" "idempotent" {
  node        = cluster.c.agent[0]
  source      = "here.txt"
  destination = "/x"
}`)
	x := p.Graph.Value("step.x")
	if x.Timeout != 90*time.Second || x.Deadline != 5*time.Minute {
		t.Errorf("timeout %v, deadline %v", x.Timeout, x.Deadline)
	}
	want := Retry{Attempts: 5, Delay: 2 * time.Second, Factor: 2, MaxDelay: 30 * time.Second, Jitter: 0.5, On: []string{"exit_code", "timeout"}}
	if fmt.Sprint(x.Retry) != fmt.Sprint(want) {
		t.Errorf("retry %+v, want %+v", x.Retry, want)
	}
	if got := p.Graph.Value("step.plain").Retry; got.Attempts != 1 {
		t.Errorf("a type that is not idempotent is tried %d times", got.Attempts)
	}
	if got := p.Graph.Value("step.idempotent").Retry; got.Attempts != 3 || !slices.Equal(got.On, []string{"transport"}) {
		t.Errorf("an idempotent type has the retry %+v", got)
	}
	run := func(args string) string { return "step \"run\" \"x\" {\n  command = [\"a\"]\n  " + args + "\n}" }
	checkMistakes(t, []mistake{
		{name: "number", text: run(`timeout = 5`), line: 3, want: []string{`"timeout" needs a unit`, `"5s"`}},
		{name: "no unit", text: run(`timeout = "5"`), line: 3, want: []string{`Wrong value for "timeout"`, "unit"}},
		{name: "nested", text: "step \"wait\" \"x\" {\n  until {\n    every = 3\n  }\n}", line: 3, want: []string{`"3s"`}},
		{name: "attempts", text: run("retry {\n    attempts = 0\n  }"), line: 4, want: []string{"whole number from 1"}},
		{name: "class", text: run("retry {\n    on = [\"exitcode\"]\n  }"), line: 4, want: []string{"exit_code", "Did you mean"}},
		{name: "jitter", text: run("retry {\n    jitter = 2\n  }"), line: 4, want: []string{"from 0 to 1"}},
		{name: "late timeout", text: twoSteps + run(`timeout = step.one.stdout`), want: []string{`No "step" here`}},
	})
}

func TestRule20_DynamicValuesAreCheckedAtRunTime(t *testing.T) {
	p := mustBuild(t, lab+twoSteps+`step "run" "x" { command = jsondecode(step.one.stdout) }`)
	at := func(stdout string) error {
		_, err := p.Graph.Value("step.x").Configure(&facts{outputs: map[dag.ID]cty.Value{"step.one": ran(stdout)}})
		return err
	}
	if err := at(`["a"]`); err != nil {
		t.Errorf("a list is refused: %v", err)
	}
	if err := at(`"a"`); err == nil || !strings.Contains(err.Error(), `main.hcl`) || !strings.Contains(err.Error(), `Wrong type for "command"`) {
		t.Errorf("a string gives %v, want the place and the type", err)
	}
}

func TestRule21_StaticPlansNeedNoValues(t *testing.T) {
	text := `
variable "count" {
  type        = number
  description = "How many masters."
}
variable "name" {}
backend "docker" "a" {}
cluster "c" { roles = { master = var.count } }
step "run" "x" {
  nodes   = cluster.c.master
  command = [var.name, node.ip]
}
step "run" "y" {
  node    = cluster.c.master[0]
  command = ["a"]
}`
	request{text: text, static: true}.mustBuild(t)
	checkMistakes(t, []mistake{{name: "missing values", bare: true, text: text, want: []string{
		"2 variables have no value", "count (number)", "How many masters.", "name (string)", "main.hcl:2", "main.hcl:6",
		"--var count=VALUE", "--var-file", "DCOSFLOW_VAR_count"}}})
	three, word := "3", "x"
	p := request{text: text, values: map[string]Given{
		"count": {Text: &three, Origin: "--var"}, "name": {Text: &word, Origin: "DCOSFLOW_VAR_name"},
	}}.mustBuild(t)
	if got := len(p.Clusters[0].Nodes); got != 3 {
		t.Errorf("%d nodes, want 3", got)
	}
	if got := p.Variables[1]; got.Origin != "DCOSFLOW_VAR_name" || got.Value.AsString() != "x" {
		t.Errorf("variable %+v", got)
	}
}

func TestRule21_UndeclaredVariables(t *testing.T) {
	text := "3"
	_, diags, files := request{
		text: `variable "count" { default = 1 }`, values: map[string]Given{"cuont": {Text: &text, Origin: "--var"}},
	}.build(t)
	if got := rendered(diags, files); !strings.Contains(got, `Undeclared variable "cuont"`) || !strings.Contains(got, `Did you mean "count"?`) {
		t.Errorf("got:\n%s", got)
	}
}

func TestValidations(t *testing.T) {
	const text = lab + `
step "run" "one" {
  nodes   = cluster.c.nodes
  command = ["a"]
}
variable "size" {
  default = 3
  validation {
    condition     = var.size % 2 == 1 && var.size <= var.most
    error_message = "A quorum needs an odd number up to ${var.most}, not ${var.size}."
  }
}
variable "most" {
  default = 7
}
variable "name" {
  validation {
    condition     = length(var.name) > 0
    error_message = "It must not be empty."
  }
}`
	five, four, empty, name := "5", "4", "", "x"
	valid := map[string]Given{"size": {Text: &five, Origin: "--var"}, "name": {Text: &name, Origin: "--var"}}
	request{text: text, values: valid}.mustBuild(t)
	if _, diags, files := (request{text: text, static: true}).build(t); len(diags) > 0 {
		t.Errorf("without values, got:\n%s", rendered(diags, files))
	}
	invalid := map[string]Given{"size": {Text: &four, Origin: "--var"}, "name": {Text: &empty, Origin: "--var"}}
	p, diags, files := request{text: text, values: invalid}.build(t)
	got := rendered(diags, files)
	for _, want := range []string{`Invalid value for variable "size"`, "up to 7, not 4. The value was given by --var.", "var.most = 7", "It must not be empty."} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q in:\n%s", want, got)
		}
	}
	if len(diags) != 2 || p != nil {
		t.Errorf("got %d diagnostics, want 2 and no plan", len(diags))
	}
}

func TestRule23_Secrets(t *testing.T) {
	p := mustBuild(t, lab+`
variable "password" {
  sensitive = true
  default   = "hush"
}
step "run" "one" {
  command  = ["a"]
  env      = { PW = var.password, MORE = "x-${var.password}" }
  password = "given"
}
step "run" "two" { command = [step.one.token] }
output "token" {
  value     = step.one.token
  sensitive = true
}`)
	if got := p.Secrets(); !slices.Contains(got, "hush") {
		t.Errorf("before the run, the secrets are %q", got)
	}
	f := &facts{outputs: map[dag.ID]cty.Value{"step.one": ran("")}}
	v := configure(t, p, "step.one", f)
	if v.ContainsMarked() || v.GetAttr("env").Index(cty.StringVal("PW")).AsString() != "hush" {
		t.Errorf("the step gets %#v", v)
	}
	configure(t, p, "step.two", f)
	if got, want := p.Secrets(), []string{"given", "hush", "t0ken", "x-hush"}; !slices.Equal(got, want) {
		t.Errorf("secrets %q, want %q", got, want)
	}
	values, err := p.Outputs(f)
	if err != nil || len(values) != 1 || !values[0].Sensitive || values[0].Value.AsString() != "t0ken" {
		t.Errorf("outputs %+v, %v", values, err)
	}
	checkMistakes(t, []mistake{{name: "output", text: twoSteps + "output \"o\" {\n  value = step.one.token\n}", line: 8,
		want: []string{`Output "o" shows a secret`, "sensitive = true"}}})
}

func TestRule24_RolesAndCounts(t *testing.T) {
	cluster := func(roles string) string {
		return "backend \"docker\" \"a\" {}\ncluster \"c\" {\n  roles = " + roles + "\n}"
	}
	checkMistakes(t, []mistake{
		{name: "refused", bare: true, text: cluster(`{ nodes = 1 }`), line: 3, want: []string{`Refused role "nodes"`}},
		{name: "equal names", bare: true, text: cluster(`{ public_agent = 1, public-agent = 1 }`), want: []string{"same names", "public-agent-0"}},
		{name: "negative", bare: true, text: cluster(`{ master = -1 }`), line: 3, want: []string{"whole number from 0", "-1"}},
		{name: "fraction", bare: true, text: cluster(`{ master = 1.5 }`), want: []string{"1.5"}},
		{name: "text", bare: true, text: cluster(`{ master = "many" }`), want: []string{"whole number"}},
		{name: "huge", bare: true, text: cluster(`{ master = 1000000000 }`), want: []string{"whole number from 0 to"}},
		{name: "no backend", bare: true, text: `cluster "c" { roles = { a = 1 } }`, want: []string{"has no backend", `backend "docker"`}},
		{name: "several backends", bare: true, text: "backend \"docker\" \"a\" {}\nbackend \"docker\" \"b\" {}\ncluster \"c\" {\n  roles = { a = 1 }\n}", line: 3, want: []string{"several backends", "backend = backend.a"}},
		{name: "backend type", bare: true, text: "backend \"dokcer\" \"a\" {}", want: []string{`Unknown backend type "dokcer"`, "docker, existing", `Did you mean "docker"?`}},
		{name: "backend argument", bare: true, text: "backend \"docker\" \"a\" {\n  distributoin = \"x\"\n}", line: 2, want: []string{`Unknown argument "distributoin"`, `Did you mean "distribution"?`}},
		{name: "role block", bare: true, text: "backend \"docker\" \"a\" {\n  role \"mastr\" {}\n}\ncluster \"c\" {\n  roles = { master = 1 }\n}", want: []string{`Role "mastr" without nodes`, `Did you mean "master"?`}},
	})
	p := mustBuild(t, `
variable "b" { default = "two" }
locals { count = 2 }
backend "docker" "one" {}
backend "docker" "two" {
  distribution = "debian-13"
  role "z" { memory = "1g" }
}
cluster "c" {
  backend = backend[var.b]
  roles   = { z = 1, public_agent = local.count, empty = 0 }
}
step "run" "x" {
  nodes   = cluster.c.nodes
  command = ["a", cluster.c.name, length(cluster.c.empty) == 0 ? "none" : "some"]
}
step "run" "none" {
  nodes   = cluster.c.empty
  command = ["a"]
}`)
	var names []string
	for _, n := range p.Clusters[0].Nodes {
		names = append(names, n.Name)
	}
	if want := []string{"z-0", "public-agent-0", "public-agent-1"}; !slices.Equal(names, want) {
		t.Errorf("nodes %q, want %q", names, want)
	}
	if want := []backends.RoleCount{{Role: "z", Count: 1}, {Role: "public_agent", Count: 2}, {Role: "empty"}}; !slices.Equal(p.Clusters[0].Roles, want) {
		t.Errorf("roles %v, want %v", p.Clusters[0].Roles, want)
	}
	if p.Clusters[0].Backend != "two" || p.Backends[1].Config.Value.GetAttr("distribution").AsString() != "debian-13" {
		t.Errorf("backend %q, %v", p.Clusters[0].Backend, p.Backends[1].Config)
	}
	if got := p.Backends[1].Config.Roles["z"].GetAttr("memory").AsString(); got != "1g" {
		t.Errorf("memory %q", got)
	}
}

func TestCyclesShowEveryEdge(t *testing.T) {
	checkMistakes(t, []mistake{
		{name: "two steps", text: `step "run" "a" { command = [step.b.stdout] }
step "run" "b" { command = [step.a.stdout] }`, line: 1, want: []string{
			"step.a waits for step.b (main.hcl:6)", "step.b waits for step.a (main.hcl:7)"}},
		{name: "itself", text: `step "run" "a" { command = [step.a.stdout] }`, want: []string{"step.a waits for step.a (main.hcl:6)"}},
		{name: "locals", text: "locals {\n  a = local.b\n  b = local.a\n}", line: 2, want: []string{
			"local.a needs local.b (main.hcl:7)", "local.b needs local.a (main.hcl:8)"}},
		{name: "keys", text: `step "run" "a" {
  for_each = step.b
  command  = ["a"]
}
step "run" "b" {
  for_each = step.a
  command  = ["a"]
}`, want: []string{"Keys in a circle"}},
	})
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, diags, files := request{text: lab + `
step "run" "a" { comand = ["a"] }
step "run" "b" { command = [var.nix] }
step "run" "c" { command = [step.d.stdot] }
step "run" "d" {
  command = "x"
  timeout = 5
}
step "rnu" "e" {}
output "o" { value = local.nix }`}.build(t)
	if len(diags) != 7 {
		t.Errorf("%d diagnostics, want 7:\n%s", len(diags), rendered(diags, files))
	}
	if !slices.IsSortedFunc(diags, func(a, b *hcl.Diagnostic) int { return a.Subject.Start.Byte - b.Subject.Start.Byte }) {
		t.Error("they are not sorted by place")
	}
}
