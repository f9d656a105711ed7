package plan

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// wide is a workflow with five steps on n nodes each.
func wide(n int) string {
	return fmt.Sprintf(`
backend "docker" "a" {}
cluster "c" { roles = { member = %d } }
locals { names = [for n in cluster.c.nodes : n.name] }
step "copy" "copy" {
  nodes       = cluster.c.nodes
  source      = "here.txt"
  destination = "/tmp/x"
}
step "run" "install" {
  nodes      = cluster.c.nodes
  command    = ["install", node.name, local.names[node.index]]
  depends_on = [step.copy[node.name]]
}
step "run" "roll" {
  for_each     = step.install
  max_parallel = 1
  command      = ["upgrade", each.value.stdout]
}
step "run" "check" {
  nodes      = cluster.c.nodes
  depends_on = [step.roll]
  command    = ["check", step.install[node.name].stdout]
  env        = { NAME = node.name, RUN = run.id }
}
step "assert" "same" { condition = alltrue([for o in values(step.check) : o.exit_code == 0]) }
`, n)
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{250, 2500} {
		b.Run(fmt.Sprintf("instances=%d", 4*n), func(b *testing.B) {
			text := wide(n)
			for b.Loop() {
				p := mustBuild(b, text)
				b.ReportMetric(float64(p.Graph.Len()), "vertices")
			}
		})
	}
}

func TestTwoBuildsAreAlike(t *testing.T) {
	values, err := os.ReadFile("testdata/workflows/values.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{wide(20), lateText, string(values), rollingGroup, lateGroup, partition} {
		first, second := outline(mustBuild(t, text)), outline(mustBuild(t, text))
		if !slices.Equal(first, second) {
			t.Errorf("two builds differ:\n%v\n%v", first, second)
		}
	}
}

// outline is the graph as text, in its order.
func outline(p *Plan) []string {
	order, err := p.Graph.Order()
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, id := range order {
		lines = append(lines, fmt.Sprintf("%s %v %v", id, p.Graph.Traits(id), edges(p, id)))
	}
	return lines
}

var _ Facts = (*facts)(nil)
