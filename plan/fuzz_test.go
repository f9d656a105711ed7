package plan

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// callSelf calls a module of unknown contents.
const callSelf = lab + `
step "run" "one" { command = ["a"] }
module "m" {
  source   = "./self"
  for_each = toset(["a", "b"])
  k        = step.one.stdout
  nodes    = cluster.c.nodes
}
output "all" { value = values(module.m)[*] }
`

// everything has a little of all blocks, and of what goes wrong in them.
const everything = lab + `
matrix {
  size = { small = 1, large = 3 }
  exclude { size = 3 }
}
variable "v" {
  type    = object({ a = string, b = optional(number, 2) })
  default = { a = "x" }
  validation {
    condition     = var.v.b > 1
    error_message = "Too small: ${var.v.b}."
  }
}
locals { all = { for n in cluster.c.nodes : n.name => n.role } }
step "run" "one" { command = ["a", tostring(matrix.size)] }
step "run" "writer" {
  background   = true
  command      = ["a"]
  stop_timeout = "5s"
  locks        = ["disk"]
}
step "cut" "cut" {
  nodes    = [for n in cluster.c.master : n if n.name == step.one.stdout]
  during   = [step.writer]
  duration = "1m"
}
group "roll" {
  nodes        = cluster.c.master
  max_parallel = 1
  ordered      = true
  during       = [step.cut, step.writer]
  retry { attempts = 2 }
  step "run" "first" {
    node    = node
    command = [local.all[node.name]]
  }
  step "assert" "second" { condition = step.first.exit_code == 0 }
}
step "run" "last" {
  for_each   = group.roll
  when       = "on_failure"
  on_failure = "continue"
  command    = [each.key, try(each.value.first.stdout, null), var.v.a, step.onee.stdout, values(step.cut)[*].stdot]
}
output "o" { value = [for k, g in group.roll : g.first.stdout if g.first.exit_code == "0"] }
`

const everythingInJSON = `{
  "backend": {"docker": {"a": {}}}, "cluster": {"c": {"roles": {"m": 2}}},
  "matrix": {"size": [1, 3]},
  "step": {"run": {
    "one": {"nodes": "${cluster.c.m}", "command": ["a", "${matrix.size}"]},
    "two": {"nodes": "${cluster.c.m}", "command": ["${step.one[node.name].stdout}"], "depends_on": ["step.one"], "during": ["step.writer"]},
    "writer": {"background": true, "command": ["a"]}
  }},
  "group": {"g": {"nodes": "${cluster.c.m}", "step": {"run": {"inside": {"node": "${node}", "command": ["${step.two[node.name].stdout}"]}}}}}
}`

func FuzzBuild(f *testing.F) {
	f.Add(wide(2))
	for _, text := range []string{lateText, rollingGroup, lateGroup, partition} {
		f.Add(text)
	}
	f.Add(lab + twoSteps)
	f.Add(everything)
	f.Add(everythingInJSON)
	f.Add(lab + bundle + twice + `output "v" { value = values(module.m)[*].version }`)
	kept, err := filepath.Glob("testdata/workflows/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range kept {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 5_000 {
			return
		}
		module, isJSON := map[string]string{"self/main.hcl": text}, strings.HasPrefix(text, "{")
		for _, r := range []request{
			{text: text, json: isJSON, files: etcd}, {text: text, json: isJSON, files: etcd, static: true},
			{text: callSelf, files: module}, {text: callSelf, files: module, static: true},
		} {
			static, begun := r.static, worked(t)
			p, diags, _ := r.build(t)
			if took, most := worked(t)-begun, bound(p); took > most {
				t.Errorf("planning took %v of processor time, want less than %v", took, most)
			}
			if !isJSON {
				planVariants(t, r.text, static)
			}
			if p == nil {
				if !diags.HasErrors() {
					t.Error("there is neither a plan nor an error")
				}
				continue
			}
			if order, err := p.Graph.Order(); err != nil || len(order) != p.Graph.Len() {
				t.Errorf("the plan has no order: %v", err)
			}
			f := &facts{}
			for _, id := range p.Graph.IDs()[:min(p.Graph.Len(), 50)] {
				if inst := p.Graph.Value(id); inst.Kind == Work && !static {
					_, _ = inst.Configure(f) // may fail, must not panic
				} else if inst.Kind == Expander {
					_, _ = inst.Expand(f)
				}
			}
		}
	})
}

// bound is the time on a processor after which planning a small file counts as
// never ending; many instances may take longer.
func bound(p *Plan) time.Duration {
	if p == nil {
		return 2 * time.Second
	}
	return 2*time.Second + time.Duration(p.Graph.Len())*200*time.Microsecond
}

// worked is how long processors have worked for the tests.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
