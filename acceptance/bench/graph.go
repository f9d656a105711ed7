package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The limits of steps that do nothing.
const (
	growthLimit   = 14                    // of ten times as many
	memoryLimit   = 450                   // MiB, at 10,000
	instanceLimit = 25 * time.Microsecond // of an instance, without HCL
)

// graphs runs workflows of steps that do nothing, in random layers.
type graphs struct {
	*tool
	self string // this program, which is the floor too
	peak int64  // the most memory that the tool took, in bytes
}

func (b *bench) graphs(ctx context.Context) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &graphs{tool: b.tool, self: self}
	small, err := b.compare(ctx, row{Name: "graph-1000", Limit: 2}, g.floor(1000), g.ours(1000))
	if err != nil {
		return nil, err
	}
	growth, err := b.compare(ctx, row{Name: "graph-1000-to-10000", Limit: growthLimit}, g.ours(1000), g.ours(10_000))
	if err != nil {
		return nil, err
	}
	rows := []row{small, growth, bounded("graph-10000-memory", float64(g.peak>>20), memoryLimit, "MiB")}
	if task, err := exec.LookPath("task"); err == nil {
		r, err := b.compare(ctx, row{Name: "graph-1000-go-task", Limit: 1.0 / 8}, g.goTask(task, 1000), g.ours(1000))
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	engine, err := engineCost(ctx)
	return append(rows, engine), err
}

// layers writes n steps, as many in a layer as there are layers. Each waits for
// up to three of the layer before; write is told their numbers.
func layers(n int, write func(step int, waitsFor []int)) {
	width := 1
	for width*width < n {
		width++
	}
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	for step := range n {
		var waitsFor []int
		seen := map[int]bool{}
		for first := step/width*width - width; first >= 0 && len(seen) < 3; {
			if on := first + rng.IntN(width); !seen[on] {
				seen[on], waitsFor = true, append(waitsFor, on)
			}
		}
		write(step, waitsFor)
	}
}

// workflow writes the file that the floor and the tool read: about 230 bytes
// and five arguments a step.
func (g *graphs) workflow(n int) (string, error) {
	var text bytes.Buffer
	layers(n, func(step int, waitsFor []int) {
		names := make([]string, len(waitsFor))
		for i, on := range waitsFor {
			names[i] = fmt.Sprintf("step.s%d", on)
		}
		fmt.Fprintf(&text, `step "assert" "s%d" {
  description = "number ${%d} of the steps of a graph that do nothing at all"
  verifies    = "the engine ${upper("costs")} little for each"
  timeout     = "30s"
  condition   = true
  depends_on  = [%s]
}
`, step, step, strings.Join(names, ", "))
	})
	path := filepath.Join(g.dir, fmt.Sprintf("graph-%d.hcl", n))
	return path, os.WriteFile(path, text.Bytes(), 0o644)
}

func (g *graphs) floor(n int) measure {
	return func(ctx context.Context) (time.Duration, error) {
		path, err := g.workflow(n)
		if err != nil {
			return 0, err
		}
		took, _, err := timed(exec.CommandContext(ctx, g.self, "-walk", path))
		return took, err
	}
}

func (g *graphs) ours(n int) measure {
	return func(ctx context.Context) (time.Duration, error) {
		path, err := g.workflow(n)
		if err != nil {
			return 0, err
		}
		runs := filepath.Join(g.dir, "graphs")
		took, peak, err := timed(exec.CommandContext(ctx, g.bin, "run", path, "--progress", "quiet", "--run-dir", runs))
		g.peak = max(g.peak, peak)
		return took, errors.Join(err, os.RemoveAll(runs))
	}
}

// goTask has go-task do the same with its own kind of file.
func (g *graphs) goTask(task string, n int) measure {
	return func(ctx context.Context) (time.Duration, error) {
		var text bytes.Buffer
		text.WriteString("version: '3'\nsilent: true\ntasks:\n")
		layers(n, func(step int, waitsFor []int) {
			fmt.Fprintf(&text, "  s%d:\n    run: once\n    cmds: [':']\n    deps: [", step)
			for _, on := range waitsFor {
				fmt.Fprintf(&text, "s%d, ", on)
			}
			text.WriteString("]\n")
		})
		text.WriteString("  default:\n    deps: [")
		for step := range n {
			fmt.Fprintf(&text, "s%d, ", step)
		}
		text.WriteString("]\n")
		path := filepath.Join(g.dir, "Taskfile.yml")
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			return 0, err
		}
		took, _, err := timed(exec.CommandContext(ctx, task, "-t", path))
		return took, err
	}
}

// timed runs a program from its start to its end, and says how much memory it
// took.
func timed(cmd *exec.Cmd) (took time.Duration, peak int64, err error) {
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, bytes.TrimSpace(trouble.Bytes()))
	}
	took = time.Since(begin)
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = usage.Maxrss << 10
	}
	return took, peak, nil
}

var perInstance = regexp.MustCompile(`([0-9.]+) us/instance`)

// engineCost is what an instance costs in the engine, without any HCL. That
// needs our packages, so the benchmark stands beside them.
func engineCost(ctx context.Context) (row, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkNothing$", "-benchtime", "5x", "./engine")
	out, err := cmd.CombinedOutput()
	found := perInstance.FindSubmatch(out)
	if err != nil || found == nil {
		return row{}, fmt.Errorf("measure the engine: %w\n%s", errors.Join(err, errNoResult), out)
	}
	took, err := strconv.ParseFloat(string(found[1]), 64)
	return bounded("engine-instance", took, float64(instanceLimit.Microseconds()), "us"), err
}

var errNoResult = errors.New("the benchmark says nothing of us/instance")
