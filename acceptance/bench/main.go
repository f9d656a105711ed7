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
	FloorS float64 `json:"floor_s"`
	OursS  float64 `json:"ours_s"`
	Ratio  float64 `json:"ratio"`
	Limit  float64 `json:"limit"`
}

// measure does the work once and says how long the timed part took.
type measure func(context.Context) (time.Duration, error)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bin := flags.String("bin", "bin/dcosflow", "the binary to measure")
	out := flags.String("out", "bench.json", "the file to write")
	rounds := flags.Int("rounds", 5, "how often each is measured, in turn; the median counts")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *rounds < 1 || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "bench: wants no arguments, and -rounds of at least 1")
		return 2
	}
	rows, err := bench(ctx, *bin, *rounds, stderr)
	if err == nil {
		err = errors.Join(write(*out, rows), table(stdout, rows))
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 3
	}
	for _, r := range rows {
		if r.Ratio > r.Limit {
			fmt.Fprintf(stderr, "bench: %s takes %.2f times its floor, the limit is %.2f\n", r.Name, r.Ratio, r.Limit)
			return 1
		}
	}
	return 0
}

func bench(ctx context.Context, bin string, rounds int, progress io.Writer) (rows []row, err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "dcosflow-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tool := &tool{bin: bin, dir: dir}
	floor, err := newFloor(ctx, tool, nodes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, floor.api.Close()) }()
	r, err := compare(ctx, row{Name: fmt.Sprint("provision-", nodes), Limit: 1.3}, rounds, floor.provision, tool.provision, progress)
	return []row{r}, err
}

// compare measures both in turn, so that what else the machine does touches
// both alike, and takes the round with the median ratio.
func compare(ctx context.Context, r row, rounds int, floor, ours measure, progress io.Writer) (row, error) {
	measured := make([]row, rounds)
	for i := range measured {
		f, err := floor(ctx)
		if err != nil {
			return r, fmt.Errorf("%s, floor: %w", r.Name, err)
		}
		o, err := ours(ctx)
		if err != nil {
			return r, fmt.Errorf("%s, ours: %w", r.Name, err)
		}
		measured[i] = row{r.Name, f.Seconds(), o.Seconds(), o.Seconds() / f.Seconds(), r.Limit}
		fmt.Fprintf(progress, "%s, round %d of %d: floor %.2f s, ours %.2f s\n", r.Name, i+1, rounds, f.Seconds(), o.Seconds())
	}
	slices.SortFunc(measured, func(a, b row) int { return cmp.Compare(a.Ratio, b.Ratio) })
	return measured[rounds/2], nil
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
	fmt.Fprintln(t, "name\tfloor s\tours s\tratio\tlimit\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t\n", r.Name, r.FloorS, r.OursS, r.Ratio, r.Limit)
	}
	return t.Flush()
}
