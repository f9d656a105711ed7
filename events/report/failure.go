package report

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dcosflow/dcosflow/events"
)

// text gathers lines; whoever has it writes it at once, so that lines never mix.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

// block writes text of several lines, each behind a margin.
func (t *text) block(margin, content string) {
	for line := range strings.Lines(content) {
		t.line("%s%s", margin, strings.TrimRight(line, "\r\n"))
	}
}

// failure writes everything that is known about a failed instance.
func (t *text) failure(run *events.Run, i *events.Instance, s Style) {
	label := "FAILED"
	if i.Tolerated {
		label = "FAILED (tolerated)"
	}
	t.line("%s", s.Red(fmt.Sprintf("%s %s", label, i.Address)))
	t.line("  %s", circumstances(i))
	f := i.Failure
	if f == nil {
		return
	}
	t.block("  ", f.Message)
	if len(f.Command) > 0 {
		t.line("  command: %s", Command(f.Command))
	}
	t.outcome(f)
	t.condition(f)
	if f.Source != "" && !strings.Contains(f.Message, f.Source) {
		t.line("  at %s", f.Source)
	}
	t.block("  ", f.Snippet)
	if len(f.Tail) > 0 {
		t.line("  last lines of its output:")
		t.block("    | ", strings.Join(f.Tail, "\n"))
	}
	if f.Log != "" {
		t.line("  log: %s", filepath.Join(run.Started.Dir, f.Log))
	}
	t.block("  hint: ", f.Hint)
}

// outcome says how the command ended, where the message may be the user's.
func (t *text) outcome(f *events.Failure) {
	if f.Class == events.ClassExitCode || f.Signal != "" || f.ExitCode != 0 {
		how := fmt.Sprintf("exit code %d", f.ExitCode)
		if f.Signal != "" {
			how = "signal " + f.Signal
		}
		if !strings.Contains(f.Message, how) {
			t.line("  ended with %s", how)
		}
	}
}

func (t *text) condition(f *events.Failure) {
	if f.Condition != "" {
		t.line("  condition: %s", f.Condition)
	}
	for _, o := range f.Operands {
		t.operand("    ", o)
	}
	if len(f.Observed) > 0 {
		t.line("  last observed:")
	}
	for _, o := range f.Observed {
		t.operand("    ", o)
	}
	if f.Tries > 0 {
		t.line("  tried %s in %s", times(f.Tries), Duration(f.Took))
	}
}

func (t *text) operand(margin string, o events.Operand) {
	first, rest, more := strings.Cut(strings.TrimRight(o.Value, "\n"), "\n")
	t.line("%s%s = %s", margin, o.Text, first)
	if more {
		t.block(margin+"  ", rest)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// circumstances says where, which attempt if there were or could have been
// others, and how long.
func circumstances(i *events.Instance) string {
	var parts []string
	if i.Node != "" {
		parts = append(parts, "on "+i.Node)
	}
	repeatable := i.Failure != nil && i.Failure.Repeatable && i.Attempts > 1
	if i.Attempt > 1 || i.Attempt > 0 && repeatable {
		parts = append(parts, fmt.Sprintf("attempt %d of %d", i.Attempt, i.Attempts))
	}
	parts = append(parts, "after "+Duration(i.Took))
	if i.Description != "" {
		parts = append(parts, i.Description)
	}
	return strings.Join(parts, ", ")
}
