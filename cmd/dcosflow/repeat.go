package main

import (
	"fmt"
	"strings"
)

// repetition says how often a workflow is run.
type repetition struct {
	times        int
	untilFailure bool
}

func (r repetition) check() error {
	if r.times < 0 {
		return wrongInput("Leave --repeat out to run once.", "--repeat %d is negative", r.times)
	}
	return nil
}

// once says that there is nothing to repeat.
func (r repetition) once() bool { return r.times <= 1 && !(r.untilFailure && r.times == 0) }

func (r repetition) of(n int) string {
	if r.times > 0 {
		return fmt.Sprintf("%d of %d", n, r.times)
	}
	return fmt.Sprint(n)
}

// severity orders the exit codes of several runs, the worst first.
var severity = []int{exitInterrupted, exitTimedOut, exitTrouble, exitFailed, exitCleanup, exitOK}

// repeat runs run as often as wanted and sums up. Wrong input and an interrupt
// end it, and so does the first failure when that is what is wanted. The exit
// code is the worst one.
func (a *app) repeat(r repetition, run func() error) error {
	if r.once() {
		return run()
	}
	worst := exitOK
	var failed []string
	n := 0
	for over := false; !over; {
		n++
		fmt.Fprintf(a.stderr, "\nrepetition %s\n", r.of(n))
		code := complain(a.stderr, asFailure(run()))
		if code == exitInput {
			return reported(code)
		}
		if code != exitOK {
			failed = append(failed, fmt.Sprintf("%d (exit code %d)", n, code))
		}
		worst = worse(worst, code)
		over = code == exitInterrupted || n == r.times || r.untilFailure && code != exitOK
	}
	if len(failed) == 0 {
		fmt.Fprintf(a.stderr, "\n%s, all passed%s\n", count(n, "repetition"), a.flakyText())
	} else {
		fmt.Fprintf(a.stderr, "\n%s, %d passed%s; these did not: %s\n", count(n, "repetition"), n-len(failed), a.flakyText(), strings.Join(failed, ", "))
	}
	return reported(worst)
}

func (a *app) flakyText() string {
	if n := a.flaky.Load(); n > 0 {
		return fmt.Sprintf(" (%s flaky)", count(int(n), "run"))
	}
	return ""
}
