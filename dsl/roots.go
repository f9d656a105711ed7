package dsl

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// roots are the first words of references, and those that are reserved.
var (
	roots         = []string{"var", "local", "each", "node", "probe", "path", "run", "cluster", "backend", "step", "group", "module", "matrix"}
	reservedRoots = []string{"self", "secret", "data", "state", "import", "suite", "scenario"}
)

// UnknownRoot is the diagnostic of a reference whose first word means nothing,
// or nothing in that place.
func UnknownRoot(ref Reference) *hcl.Diagnostic {
	summary, detail := unknownRoot(ref.Root)
	return problem(ref.Range, summary, "%s", detail)
}

func unknownRoot(name string) (summary, detail string) {
	summary = fmt.Sprintf("Unknown name %q", name)
	switch {
	case name == "env":
		detail = `Write env("NAME", "default") for a variable of the environment.`
	case name == "each":
		detail = "Only a step, group or module with for_each has each.key and each.value."
	case name == "node":
		detail = "Only a step with node or nodes, or in a group with nodes, has a node."
	case name == "probe":
		detail = "Only condition and error_message of a step with a probe can use what it returned."
	case name == "matrix":
		detail = "Only a workflow with a matrix block has a matrix, and a module gets its values as inputs."
	case slices.Contains(roots, name):
		detail = fmt.Sprintf("There is no %s in this place.", name)
	case slices.Contains(reservedRoots, name):
		detail = fmt.Sprintf("The name %s is reserved for later versions.", name)
	default:
		detail = strings.TrimSpace(fmt.Sprintf("%s A reference begins with one of %s. Text is written in quotes.", Suggest(name, roots), list(roots)))
	}
	return summary, detail
}

// templateProblems are the summaries of HCL's that text for a shell causes in
// a template.
var templateProblems = []string{
	"Extra characters after interpolation expression",
	"Invalid character",
	"Invalid expression",
	"Invalid legacy index syntax",
	"Invalid multi-line string",
	"Invalid template control keyword",
	"Invalid template directive",
	"Missing expression",
	"Missing key/value separator",
	"Template interpolation doesn't expect a colon at this location",
	"Unclosed template interpolation sequence",
	"Unexpected end of template",
	"Unterminated template string",
}

// escapeHint explains, for a problem inside ${ } or %{ } of a template, how
// text for a shell or curl is written (rule 22).
func escapeHint(d *hcl.Diagnostic, src []byte) string {
	if !slices.Contains(templateProblems, d.Summary) && !strings.HasPrefix(d.Summary, "Unknown name") {
		return ""
	}
	if !insideTemplate(src, *d.Subject) {
		return ""
	}
	return "In strings and heredocs ${ } and %{ } belong to dcosflow. For a shell or curl write $${NAME} and %%{name}, or keep the script in a file and use file()."
}

// insideTemplate says whether ${ or %{ is open at a range, on its line or the
// one before it. A # begins a comment, which hides the end.
func insideTemplate(src []byte, rng hcl.Range) bool {
	end := min(max(rng.End.Byte, 0), len(src))
	start := min(max(rng.Start.Byte, 0), end)
	line := bytes.LastIndexByte(src[:start], '\n') + 1
	from := bytes.LastIndexByte(src[:max(line-1, 0)], '\n') + 1
	before := src[from:end]
	open := max(bytes.LastIndex(before, []byte("${")), bytes.LastIndex(before, []byte("%{")))
	if open < 0 {
		return false
	}
	inside := before[open+2:]
	inside = inside[:max(0, len(inside)-(end-start))]
	return bytes.HasPrefix(inside, []byte("#")) || bytes.IndexByte(inside, '}') < 0
}
