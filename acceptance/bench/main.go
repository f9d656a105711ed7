// Bench compares the built binary with bare Go programs that do only the work
// itself, on the same image and by the same recipe: the floors. It writes
// bench.json and exits 1 when a ratio is over its limit, 2 on a wrong flag, 3
// when something could not be measured. See docs/benchmarks.md.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// row is one line of bench.json.
type row struct {
	Name   string  `json:"name"`
	FloorS float64 `json:"floor_s,omitempty"`
	OursS  float64 `json:"ours_s,omitempty"`
	// Bound is, instead of a floor, what Ours must not exceed, in units.
	Bound float64 `json:"bound,omitempty"`
	Ours  float64 `json:"ours,omitempty"`
	Unit  string  `json:"unit,omitempty"`
	Ratio float64 `json:"ratio"`
	Limit float64 `json:"limit"`
}

// bounded is the row of something that has no floor, but a bound.
func bounded(name string, ours, bound float64, unit string) row {
	return row{Name: name, Ours: ours, Bound: bound, Unit: unit, Ratio: ours / bound, Limit: 1}
}

// bench is one run of the benchmarks.
type bench struct {
	tool     *tool
	rounds   int
	progress io.Writer
}

// measure does the work once and says how long the timed part took.
type measure func(context.Context) (time.Duration, error)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bin := flags.String("bin", "bin/dcosflow", "the binary to measure")
	out := flags.String("out", "bench.json", "the file to write")
	rounds := flags.Int("rounds", 5, "how often each is measured, in turn; the median counts")
	only := flags.String("only", "", "measure only `WHAT`: provision, graph or plan")
	walk := flags.String("walk", "", "do not measure: be the floor of graphs, with this `FILE`")
	evaluate := flags.String("evaluate", "", "do not measure: be the floor of plans, with this `FILE`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *rounds < 1 || flags.NArg() > 0 || !slices.Contains([]string{"", "graph", "plan", "provision"}, *only) {
		fmt.Fprintln(stderr, "bench: wants no arguments, -rounds of at least 1, and for -only graph, plan or provision")
		return 2
	}
	switch {
	case *walk != "":
		return beFloor(walkFile, *walk, stderr)
	case *evaluate != "":
		return beFloor(evaluateFile, *evaluate, stderr)
	}
	b := bench{rounds: *rounds, progress: stderr}
	rows, err := b.run(ctx, *bin, *only)
	if err == nil {
		err = errors.Join(write(*out, rows), table(stdout, rows))
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 3
	}
	for _, r := range rows {
		if r.Ratio > r.Limit {
			fmt.Fprintf(stderr, "bench: %s takes %.3f times its floor, the limit is %.3f\n", r.Name, r.Ratio, r.Limit)
			return 1
		}
	}
	return 0
}

func beFloor(work func(path string) error, path string, stderr io.Writer) int {
	if err := work(path); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 3
	}
	return 0
}

// run measures everything, or only one part.
func (b *bench) run(ctx context.Context, bin, only string) (rows []row, err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "dcosflow-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b.tool = &tool{bin: bin, dir: dir}
	for _, part := range []struct {
		name    string
		measure func(context.Context) ([]row, error)
	}{{"graph", b.graphs}, {"plan", b.plans}, {"provision", b.provision}} {
		if only != "" && only != part.name {
			continue
		}
		measured, err := part.measure(ctx)
		if err != nil {
			return rows, err
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

func (b *bench) provision(ctx context.Context) (rows []row, err error) {
	floor, err := newFloor(ctx, b.tool, nodes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, floor.api.Close()) }()
	r, err := b.compare(ctx, row{Name: fmt.Sprint("provision-", nodes), Limit: 1.3}, floor.provision, b.tool.provision)
	return []row{r}, err
}

// compare measures both in turn, so that what else the machine does touches
// both alike, and takes the round with the median ratio.
func (b *bench) compare(ctx context.Context, r row, floor, ours measure) (row, error) {
	measured := make([]row, b.rounds)
	for i := range measured {
		f, err := floor(ctx)
		if err != nil {
			return r, fmt.Errorf("%s, floor: %w", r.Name, err)
		}
		o, err := ours(ctx)
		if err != nil {
			return r, fmt.Errorf("%s, ours: %w", r.Name, err)
		}
		measured[i] = row{Name: r.Name, FloorS: f.Seconds(), OursS: o.Seconds(), Ratio: o.Seconds() / f.Seconds(), Limit: r.Limit}
		fmt.Fprintf(b.progress, "%s, round %d of %d: floor %.3f s, ours %.3f s\n", r.Name, i+1, b.rounds, f.Seconds(), o.Seconds())
	}
	slices.SortFunc(measured, func(a, b row) int { return cmp.Compare(a.Ratio, b.Ratio) })
	return measured[b.rounds/2], nil
}

func write(file string, rows []row) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func table(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "name\tfloor\tours\tratio\tlimit\t")
	for _, r := range rows {
		floor, ours := fmt.Sprintf("%.3f s", r.FloorS), fmt.Sprintf("%.3f s", r.OursS)
		if r.Unit != "" {
			floor, ours = fmt.Sprintf("%.0f %s", r.Bound, r.Unit), fmt.Sprintf("%.1f %s", r.Ours, r.Unit)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.3f\t%.3f\t\n", r.Name, floor, ours, r.Ratio, r.Limit)
	}
	return t.Flush()
}
