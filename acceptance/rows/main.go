// Command rows runs the acceptance suite and prints one line per row of
// acceptance/rows.txt:
//
//	A27 PASS TestA27_ParallelInstall 6.1s
//
// It exits with 1 when a row fails or is skipped, and when a row that was asked
// for by name is still to do. Run it from the root of the project.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// atOnce is how many tests run side by side, of those that say they may: they
// mostly wait for machines to boot and packages to come.
const atOnce = 3

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	flags := flag.NewFlagSet("rows", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bin := flags.String("bin", "", "the `binary` to test; without it the tests build one")
	list := flags.String("list", "acceptance/rows.txt", "the `file` of rows")
	timeout := flags.Duration("timeout", 30*time.Minute, "for the whole suite")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	text, err := os.ReadFile(*list)
	if err != nil {
		return complain(stderr, 2, err)
	}
	rows, err := parseRows(string(text))
	if err != nil {
		return complain(stderr, 2, fmt.Errorf("%s: %w", *list, err))
	}
	asked := flags.NArg() > 0
	if asked {
		if rows, err = choose(rows, flags.Args()); err != nil {
			return complain(stderr, 2, fmt.Errorf("%s: %w", *list, err))
		}
	}
	report := newReport(stdout, rows, asked)
	if pattern := testPattern(rows, asked); pattern != "" {
		if err := goTest(ctx, *bin, pattern, *timeout, report, stderr); err != nil {
			report.close()
			return complain(stderr, 1, err)
		}
	}
	return report.close()
}

func complain(stderr io.Writer, code int, err error) int {
	fmt.Fprintln(stderr, "rows:", err)
	return code
}

// goTest runs the tests and feeds what they say to the report. Failed tests
// are no error: the report has them.
func goTest(ctx context.Context, bin, pattern string, timeout time.Duration, report *report, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-parallel", fmt.Sprint(atOnce), "-timeout", timeout.String(), "-run", pattern, "./acceptance")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = os.Environ()
	if bin != "" {
		abs, err := filepath.Abs(bin)
		if err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, "DCOSFLOW_BIN="+abs)
	}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	readErr := report.read(out)
	waitErr := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(waitErr, &exit) && report.failed {
		waitErr = nil
	}
	return errors.Join(readErr, waitErr)
}
