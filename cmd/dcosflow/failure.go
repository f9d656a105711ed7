package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/dcosflow/dcosflow/backends"
)

// The exit codes; docs/cli.md explains them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitInput       = 2
	exitTrouble     = 3
	exitCleanup     = 4
	exitTimedOut    = 124
	exitInterrupted = 130
)

// failure is an error with the exit code that it means. Without err it was
// reported already.
type failure struct {
	code int
	err  error
	// hint says what the user can do; may be empty.
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// reported ends a command whose messages were printed already.
func reported(code int) error {
	if code == exitOK {
		return nil
	}
	return &failure{code: code}
}

// wrongInput is a mistake in the arguments or the files of the user.
func wrongInput(hint, format string, args ...any) error {
	return &failure{code: exitInput, err: fmt.Errorf(format, args...), hint: hint}
}

// cannotBegin says that a run has no directory to be recorded in.
func cannotBegin(run string, err error) error {
	return &failure{
		code: exitTrouble, err: fmt.Errorf("begin run %s: %w", run, err),
		hint: "A run is recorded below --run-dir: name a directory that can be written.",
	}
}

// asFailure classifies what a command returned: whatever is not a failure
// already is trouble.
func asFailure(err error) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	f = &failure{code: exitTrouble, err: err}
	var trouble *backends.TroubleError
	if errors.As(err, &trouble) {
		f.hint = trouble.Hint
	}
	return f
}

// complain prints an error and returns its exit code. What cobra itself refuses
// is wrong input.
func complain(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{code: exitInput, err: err}
	}
	if f.err != nil {
		fmt.Fprintf(w, "Error: %v\n", f.err)
	}
	if f.hint != "" {
		fmt.Fprintf(w, "%s\n", f.hint)
	}
	return f.code
}
