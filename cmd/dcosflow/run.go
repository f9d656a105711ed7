package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/schema"
)

// runFlags are the flags of `run`.
type runFlags struct {
	inputs
	variants  int
	keep      string
	parallel  int
	progress  string
	timeout   string
	failFast  bool
	keepGoing bool
	until     string
	breaks    []string
	rerun     int
	repetition
	// given reports whether a flag was written.
	given func(name string) bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [FILE|DIR]",
		Short: "Check, plan and run a workflow, report, and clean up",
		Long: `Run a workflow: check and plan it, make its machines, work through its steps in
parallel, report, and remove the machines. Without an argument it runs the
workflow of the current directory.

A workflow with a matrix has one run for each selected variant, with machines, a
directory and an id of its own. All are planned before the first one starts;
--keep, --timeout, --parallel, --until and --break are for each. --fail-fast also
starts no further variant after one that did not pass.

Ctrl-C stops the steps, runs the finalisers and removes the machines; a second
Ctrl-C stops at once and says what is left.

A run whose failed steps pass with --rerun-failed is flaky: it names them, and
exits with 0.

Exit codes, of several variants the worst: 0 passed, 1 a step failed, 2 wrong
input, 3 trouble with the infrastructure, 4 passed but clean-up failed, 124 timed
out, 130 interrupted.`,
		Example: `  dcosflow run upgrade-test.hcl
  dcosflow run upgrade-test.hcl --var expect=3.5.16 --keep on-failure
  dcosflow run upgrade-test.hcl --until step.install --keep always
  dcosflow run upgrade-test.hcl --until-failure --repeat 20
  dcosflow run upgrade-test.hcl --rerun-failed 2
  dcosflow run matrix.hcl --matrix distribution=debian-12 --matrix size!=5 --variants 2`,
		Args:              arguments(0, 1),
		ValidArgsFunction: completeWorkflow,
		RunE: planning(&f.inputs, func(ctx context.Context, args []string) error {
			return a.runWorkflow(ctx, args, f)
		}),
	}
	f.register(cmd)
	f.registerRun(cmd)
	cmd.Flags().IntVar(&f.variants, "variants", 0, "how many variants of the matrix run at once, as a number `N` (default: the matrix's max_parallel, else 1)")
	cmd.Flags().IntVar(&f.times, "repeat", 0, "run `N` times, each time from the beginning")
	cmd.Flags().BoolVar(&f.untilFailure, "until-failure", false, "run again and again until a run fails, whose machines stay; --repeat limits how often")
	return cmd
}

// registerRun adds the flags that say how to run.
func (f *runFlags) registerRun(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.given = flags.Changed
	flags.StringVar(&f.keep, "keep", "", "`WHEN` the machines stay: never, on-failure or always (default: on-failure on a terminal, else never)")
	flags.IntVar(&f.parallel, "parallel", 0, "how many steps work at once, as a number `N` (default: the larger of 16 and four times the CPUs)")
	flags.StringVar(&f.progress, "progress", "auto", "`HOW` to tell what happens: auto, plain, json or quiet")
	flags.StringVar(&f.timeout, "timeout", "", "a limit for the whole run, a `DURATION` such as 30m; overrides the workflow's")
	flags.BoolVar(&f.failFast, "fail-fast", false, "stop at the first failure")
	flags.BoolVar(&f.keepGoing, "keep-going", false, "after a failure, do all that does not depend on it")
	flags.StringVar(&f.until, "until", "", "do only what the step, instance or group `ADDR` needs, and that itself")
	flags.IntVar(&f.rerun, "rerun-failed", 0, "run what failed again, up to `N` times; a run that passes then is flaky")
	flags.StringArrayVar(&f.breaks, "break", nil, "stop before `ADDR` and wait for Enter; may be repeated")
}

// check finds mistakes in the flags.
func (f *runFlags) check() error {
	switch engine.Keep(f.keep) {
	case "", engine.KeepNever, engine.KeepOnFailure, engine.KeepAlways:
	default:
		return wrongInput("Write --keep never, --keep on-failure or --keep always.", "--keep %q is not known", f.keep)
	}
	switch f.progress {
	case "auto", "plain", "json", "quiet":
	default:
		return wrongInput("Write --progress auto, plain, json or quiet.", "--progress %q is not known", f.progress)
	}
	if f.failFast && f.keepGoing {
		return wrongInput("", "--fail-fast and --keep-going exclude each other")
	}
	if f.parallel < 0 {
		return wrongInput("Leave --parallel out for the default.", "--parallel %d is negative", f.parallel)
	}
	if f.variants < 0 {
		return wrongInput("Leave --variants out for the default.", "--variants %d is negative", f.variants)
	}
	if f.rerun < 0 {
		return wrongInput("Leave --rerun-failed out to run nothing again.", "--rerun-failed %d is negative", f.rerun)
	}
	if f.rerun > 0 && f.untilFailure {
		return wrongInput("", "--rerun-failed and --until-failure exclude each other: the one forgives what the other looks for")
	}
	if err := f.checkZeros(); err != nil {
		return err
	}
	if err := f.repetition.check(); err != nil {
		return err
	}
	if _, err := f.limit(); err != nil {
		return wrongInput("", "--timeout: %w", err)
	}
	return nil
}

// checkZeros refuses counts of nothing: 0 stands for the default inside, and
// whoever writes it means something else.
func (f *runFlags) checkZeros() error {
	for name, n := range map[string]int{"parallel": f.parallel, "variants": f.variants, "repeat": f.times} {
		if n == 0 && f.given(name) {
			return wrongInput(fmt.Sprintf("Write a number from 1, or leave --%s out.", name), "--%s 0 would do nothing", name)
		}
	}
	return nil
}

// limit is the value of --timeout, 0 when it was not given.
func (f *runFlags) limit() (time.Duration, error) {
	if f.timeout == "" {
		return 0, nil
	}
	return schema.ParseDuration(f.timeout)
}

func (a *app) runWorkflow(ctx context.Context, args []string, f runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	path, err := a.workflowPath(args)
	if err != nil {
		return err
	}
	return a.repeat(f.repetition, func() error {
		if err := f.reseed(); err != nil {
			return err
		}
		return a.runOnce(ctx, path, f)
	})
}

// runOnce runs the workflow, all selected variants of it.
func (a *app) runOnce(ctx context.Context, path string, f runFlags) error {
	c, err := a.compile(request{path: path, inputs: f.inputs, run: a.newRuns(f.seed)})
	if err != nil {
		return err
	}
	all := make([]execution, len(c.plans))
	for i, p := range c.plans {
		if all[i], err = a.execution(p, path, f); err != nil {
			return inVariant(p, err)
		}
	}
	if len(all) > 1 {
		return a.executeAll(ctx, all, cmp.Or(f.variants, c.matrix.MaxParallel, 1))
	}
	e := all[0]
	if e.desk, err = newDesk(e.plan.Run.Dir); err != nil {
		return cannotBegin(e.plan.Run.ID, err)
	}
	return a.execute(ctx, e)
}

// newRuns returns a function that names runs, all with one seed.
func (a *app) newRuns(seed int64) func() (plan.Run, error) {
	taken := map[string]bool{}
	return func() (plan.Run, error) {
		for {
			id, err := newRunID(time.Now())
			if err != nil || !taken[id] {
				taken[id] = true
				return plan.Run{ID: id, Seed: seed, Dir: filepath.Join(a.runs(), id)}, err
			}
		}
	}
}

// execution is a plan with the flags that say how to run it.
func (a *app) execution(p *plan.Plan, path string, f runFlags) (execution, error) {
	if f.keepGoing {
		p.Settings.FailFast = false
	}
	if f.until != "" {
		last, err := vertices(p, "--until", f.until)
		if err != nil {
			return execution{}, err
		}
		p.Until(last)
	}
	pause, err := a.breakpoints(p, f.breaks)
	if err != nil {
		return execution{}, err
	}
	limit, err := f.limit()
	return execution{
		plan: p, path: path, keep: a.keepOf(f), progress: f.progress,
		parallel: f.parallel, failFast: f.failFast, timeout: limit, pause: pause, rerun: f.rerun,
	}, err
}

// idTime is how ids of runs begin.
const idTime = "20060102-150405"

// newRunID returns a name that sorts by time and that no other run has.
func newRunID(now time.Time) (string, error) {
	var random [5]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	suffix := strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))[:4]
	return now.UTC().Format(idTime) + "-" + suffix, nil
}

// keepOf says which machines stay: a person at a terminal wants to look at
// what failed, a machine wants its memory back.
func (a *app) keepOf(f runFlags) engine.Keep {
	if f.keep != "" {
		return engine.Keep(f.keep)
	}
	if f.untilFailure {
		return engine.KeepOnFailure
	}
	ci, _ := a.env("CI")
	if terminal(a.stdout) && (ci == "" || ci == "false") {
		return engine.KeepOnFailure
	}
	return engine.KeepNever
}
