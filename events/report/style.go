// Package report has what the reports for people share: how a failure, a
// duration and the end of a run are written. The reports themselves live in
// the folders below.
package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// Style says how text for people looks. The zero value is plain.
type Style struct {
	// Color allows ANSI colours.
	Color bool
	// RunDir is what the commands in it say as --run-dir; empty where they need
	// not.
	RunDir string
}

// Tool is a command line of dcosflow for the reader to copy.
func (s Style) Tool(verb string, args ...string) string {
	line := []string{"dcosflow", verb}
	if s.RunDir != "" {
		line = append(line, "--run-dir", s.RunDir)
	}
	return Command(append(line, args...))
}

// Red marks a failure.
func (s Style) Red(text string) string { return s.paint("31", text) }

// Green marks a success.
func (s Style) Green(text string) string { return s.paint("32", text) }

// Yellow marks what is neither.
func (s Style) Yellow(text string) string { return s.paint("33", text) }

// Bold marks a heading.
func (s Style) Bold(text string) string { return s.paint("1", text) }

func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Duration writes a duration with about three digits.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// Reason says in one line why an attempt failed.
func Reason(f events.Failure) string {
	switch {
	case f.Class == events.ClassExitCode && f.Signal != "":
		return "killed by signal " + f.Signal
	case f.Class == events.ClassExitCode:
		return fmt.Sprintf("exit code %d", f.ExitCode)
	}
	line, _, more := strings.Cut(strings.TrimSpace(f.Message), "\n")
	if more {
		line += " ..."
	}
	return line
}

// maxCommand is how many characters of a command are shown.
const maxCommand = 300

// Command writes an argument list as one line that a shell would read alike;
// what is too long or has several lines is cut.
func Command(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = quote(arg)
	}
	line, _, cut := strings.Cut(strings.Join(quoted, " "), "\n")
	if runes := []rune(line); len(runes) > maxCommand {
		line, cut = string(runes[:maxCommand]), true
	}
	if cut {
		line += " ..."
	}
	return line
}

func quote(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./=:,@%+", r)
	}
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !plain(r) }) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
