package dsl

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

const composedNative = `
variable "size" {
  type     = number
  nullable = false
  validation {
    condition     = var.size > 0
    error_message = "${var.size} is too small."
  }
  validation {
    condition     = var.size < 9
    error_message = "too many"
  }
}
matrix {
  os           = ["debian-12", "rocky-9"]
  release      = { old = "1.10", new = "2.2" }
  max_parallel = 2
  exclude {
    os      = "rocky-9"
    release = "old"
  }
  exclude {
    os = "x"
  }
}
step "run" "writer" {
  background   = true
  duration     = "5s"
  stop_timeout = "10s"
  during       = [step.a, module.up["k"]]
}
group "roll" {
  nodes        = cluster.c.master
  max_parallel = 1
  depends_on   = [step.writer]
  during       = [step.cut]
  ordered      = true
  timeout      = "1m"
  retry {
    attempts = 2
  }
  step "upgrade" "master" {
    node    = node
    enabled = step.writer.exit_code == 0
  }
  step "wait" "quorum" {
    node       = node
    depends_on = [step.master]
    retry {
      attempts = 3
    }
  }
}
module "up" {
  source     = "./lib/up"
  for_each   = matrix.release
  depends_on = [group.roll["k"]]
  nodes      = cluster.c.nodes
  name       = "n-${each.key}"
  retry {
    attempts = 4
  }
}
`

const composedJSON = `{
  "variable": {"size": {"type": "number", "nullable": false, "validation": [
    {"condition": "${var.size > 0}", "error_message": "${var.size} is too small."},
    {"condition": "${var.size < 9}", "error_message": "too many"}
  ]}},
  "matrix": {
    "os": ["debian-12", "rocky-9"],
    "release": {"old": "1.10", "new": "2.2"},
    "max_parallel": 2,
    "exclude": [{"os": "rocky-9", "release": "old"}, {"os": "x"}]
  },
  "step": {"run": {"writer": {
    "background": true, "duration": "5s", "stop_timeout": "10s", "during": ["step.a", "module.up[\"k\"]"]
  }}},
  "group": {"roll": {
    "//": "one after the other",
    "nodes": "${cluster.c.master}",
    "max_parallel": 1,
    "depends_on": ["step.writer"],
    "during": ["step.cut"],
    "ordered": true,
    "timeout": "1m",
    "retry": {"attempts": 2},
    "step": {
      "upgrade": {"master": {"node": "${node}", "enabled": "${step.writer.exit_code == 0}"}},
      "wait": {"quorum": {"node": "${node}", "depends_on": ["step.master"], "retry": {"attempts": 3}}}
    }
  }},
  "module": {"up": {
    "//": "a comment is no input",
    "source": "./lib/up",
    "for_each": "${matrix.release}",
    "depends_on": ["group.roll[\"k\"]"],
    "nodes": "${cluster.c.nodes}",
    "name": "n-${each.key}",
    "retry": {"attempts": 4}
  }}
}`

const composedLib = `
workflow "lib" { description = "Shared." }
variable "nodes" { type = any }
variable "name" {}
step "run" "x" { nodes = var.nodes }
output "text" { value = file("x.sh") }
`

// TestCompositions loads every block that makes larger things of steps, in both
// forms (rule 25).
func TestCompositions(t *testing.T) {
	want := []string{
		"variable size number nullable=false",
		"  validation condition=[var.size] error_message=[var.size]",
		"  validation condition=[var.size] error_message=[]",
		"matrix max_parallel=yes",
		"  axis os", "  axis release",
		"  exclude os release", "  exclude os",
		`step run writer: during=[step.a module.up["k"]] background=yes duration=yes stop_timeout=yes`,
		"group roll: nodes=[cluster.c .master] depends_on=[step.writer] during=[step.cut] timeout=yes max_parallel=yes retry=yes ordered=yes",
		"  step upgrade master: node=[node.] enabled=[step.writer .exit_code]",
		"  step wait quorum: node=[node.] depends_on=[step.master] retry=yes",
		`module up ./lib/up: for_each=[matrix.release] depends_on=[group.roll["k"]] retry=yes`,
		"  input nodes [cluster.c .nodes]", "  input name [each.key]",
		"  workflow lib /w/lib/up: 2 variables, 1 steps, 1 outputs",
		"3 files",
	}
	for name, text := range map[string]string{"a.hcl": composedNative, "a.hcl.json": composedJSON} {
		w := load(t, map[string]string{name: text, "lib/up/up.hcl": composedLib, "lib/up/more.hcl": "locals {}\n"})
		if diff := cmp.Diff(want, compositions(w)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func compositions(w *Workflow) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, v := range w.Variables {
		add("variable %s %s nullable=%t", v.Name, v.Type.FriendlyName(), v.Nullable)
		for _, check := range v.Validations {
			add("  validation condition=%s error_message=%s", texts(check.Condition), texts(check.ErrorMessage))
		}
	}
	add("matrix%s", given("max_parallel", w.Matrix.MaxParallel))
	for _, a := range w.Matrix.Axes {
		add("  axis %s", a.Name)
	}
	for _, e := range w.Matrix.Excludes {
		line := "  exclude"
		for _, a := range e.Values {
			line += " " + a.Name
		}
		add("%s", line)
	}
	for _, s := range w.Steps {
		add("step %s %s:%s", s.Type, s.Name, metaText(s.Meta))
	}
	for _, g := range w.Groups {
		add("group %s:%s%s", g.Name, metaText(g.Meta), given("ordered", g.Ordered))
		for _, s := range g.Steps {
			add("  step %s %s:%s", s.Type, s.Name, metaText(s.Meta))
		}
	}
	for _, m := range w.Modules {
		add("module %s %s:%s", m.Name, m.Source, metaText(m.Meta))
		for _, in := range m.Inputs {
			add("  input %s %s", in.Name, texts(in.Expr))
		}
		inner := m.Workflow
		add("  workflow %s %s: %d variables, %d steps, %d outputs", inner.Name, inner.Dir, len(inner.Variables), len(inner.Steps), len(inner.Outputs))
	}
	add("%d files", len(w.Files))
	return lines
}

// metaText shows references as such, and of other arguments that they are there.
func metaText(m Meta) string {
	line := ""
	for _, arg := range []struct {
		name string
		expr hcl.Expression
	}{{"node", m.Node}, {"nodes", m.Nodes}, {"for_each", m.ForEach}, {"enabled", m.Enabled}} {
		if arg.expr != nil {
			line += fmt.Sprintf(" %s=%s", arg.name, texts(arg.expr))
		}
	}
	for _, refs := range []struct {
		name string
		list []Reference
	}{{"depends_on", m.DependsOn}, {"during", m.During}} {
		if len(refs.list) > 0 {
			line += fmt.Sprintf(" %s=%v", refs.name, described(refs.list))
		}
	}
	line += given("timeout", m.Timeout) + given("max_parallel", m.MaxParallel) +
		given("background", m.Background) + given("duration", m.Duration) + given("stop_timeout", m.StopTimeout)
	if m.Retry != nil {
		line += given("retry", m.Retry.Attempts)
	}
	return line
}

func given(name string, e hcl.Expression) string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf(" %s=yes", name)
}

func texts(e hcl.Expression) string {
	return fmt.Sprint(described(References(e)))
}

func described(refs []Reference) []string {
	var all []string
	for _, ref := range refs {
		all = append(all, describe(ref))
	}
	return all
}
