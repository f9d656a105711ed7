package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The limits of planning, and the size of its workflow.
const (
	planLimit       = 3  // of what HCL takes for the same file
	planMemoryLimit = 12 // of the memory for a tenth of the steps
	planSteps       = 2000
	planKeys        = 5 // instances of a step
)

// plans only plans workflows of steps that have several instances each.
type plans struct {
	*tool
	self string // this program, which is the floor too
	peak map[int]int64
}

func (b *bench) plans(ctx context.Context) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &plans{tool: b.tool, self: self, peak: map[int]int64{}}
	large, err := b.compare(ctx, row{Name: fmt.Sprint("plan-", planSteps*planKeys), Limit: planLimit}, p.floor(planSteps), p.ours(planSteps))
	if err != nil {
		return nil, err
	}
	if _, err := p.ours(planSteps / 10)(ctx); err != nil {
		return nil, err
	}
	bound := float64(planMemoryLimit * p.peak[planSteps/10] >> 20)
	return []row{large, bounded("plan-memory", float64(p.peak[planSteps]>>20), bound, "MiB")}, nil
}

// workflow writes steps in random layers, each with several instances that wait
// for their mates of three other steps.
func (p *plans) workflow(n int) (string, error) {
	keys := make([]string, planKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("%q", string(rune('a'+i)))
	}
	var text bytes.Buffer
	layers(n, func(step int, waitsFor []int) {
		names := make([]string, len(waitsFor))
		for i, on := range waitsFor {
			names[i] = fmt.Sprintf("step.s%d[each.key]", on)
		}
		fmt.Fprintf(&text, `step "assert" "s%d" {
  for_each    = toset([%s])
  description = "number ${%d} of the steps of a graph, for ${each.key}"
  verifies    = "the plan of ${upper(each.key)} costs little"
  timeout     = "30s"
  condition   = each.key != "z"
  depends_on  = [%s]
}
`, step, strings.Join(keys, ", "), step, strings.Join(names, ", "))
	})
	path := filepath.Join(p.dir, fmt.Sprintf("plan-%d.hcl", n))
	return path, os.WriteFile(path, text.Bytes(), 0o644)
}

func (p *plans) floor(n int) measure {
	return func(ctx context.Context) (time.Duration, error) {
		path, err := p.workflow(n)
		if err != nil {
			return 0, err
		}
		took, _, err := timed(exec.CommandContext(ctx, p.self, "-evaluate", path))
		return took, err
	}
}

func (p *plans) ours(n int) measure {
	return func(ctx context.Context) (time.Duration, error) {
		path, err := p.workflow(n)
		if err != nil {
			return 0, err
		}
		took, peak, err := timed(exec.CommandContext(ctx, p.bin, "plan", path, "--run-dir", filepath.Join(p.dir, "plans")))
		p.peak[n] = max(p.peak[n], peak)
		return took, err
	}
}
