package dsl

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// roots are the first words of references, and those kept for later versions.
var (
	roots         = []string{"var", "local", "each", "node", "probe", "path", "run", "cluster", "backend", "step"}
	laterRoots    = []string{"matrix", "group", "module"}
	reservedRoots = []string{"self", "env", "secret", "data", "state", "import", "suite", "scenario"}
)

// improve makes a message of HCL say what to do in this language. Others are
// returned as they are.
func improve(d *hcl.Diagnostic) *hcl.Diagnostic {
	if better := comparisonProblem(d); better != nil {
		return better
	}
	better := *d
	switch {
	case d.Summary == "Variables not allowed":
		better.Summary = "References are not allowed here"
		better.Detail = "Write a plain value here: it is needed before anything can be evaluated."
	case d.Summary == "Unknown variable" && d.Subject != nil:
		if name, ok := quoted(d.Detail); ok {
			better.Summary, better.Detail = unknownRoot(name)
		}
	default:
		return d
	}
	return &better
}

// UnknownRoot is the diagnostic of a reference whose first word means nothing,
// or nothing there.
func UnknownRoot(ref Reference) *hcl.Diagnostic {
	summary, detail := unknownRoot(ref.Root)
	return problem(ref.Range, summary, "%s", detail)
}

func unknownRoot(name string) (summary, detail string) {
	summary = fmt.Sprintf("Unknown name %q", name)
	switch {
	case name == "env":
		detail = `Write env("NAME", "default") for a variable of the environment.`
	case slices.Contains(laterRoots, name):
		detail = fmt.Sprintf("This version of dcosflow does not have %q yet.", name)
	case slices.Contains(reservedRoots, name):
		detail = fmt.Sprintf("The name %q is reserved for later versions.", name)
	case slices.Contains(roots, name):
		detail = fmt.Sprintf("%q has no value in this place.", name)
	default:
		detail = fmt.Sprintf("A reference begins with one of %s.%s Text needs quotes.",
			strings.Join(roots, ", "), Suggest(name, roots))
	}
	return summary, detail
}

// quoted is the first "word" of a text.
func quoted(text string) (string, bool) {
	_, rest, _ := strings.Cut(text, `"`)
	word, _, ok := strings.Cut(rest, `"`)
	return word, ok
}

// templateProblems are the summaries of HCL's that shell text in a template
// causes, besides those that begin with a prefix.
var templateProblems = []string{
	"Extra characters after interpolation expression",
	"Invalid template directive",
	"Invalid template control keyword",
	"Unclosed template interpolation sequence",
	"Unexpected end of template",
	"Unterminated template string",
	"Invalid expression",
	"Missing expression",
	"Invalid character",
	"Invalid legacy index syntax",
}

// escapeHint explains, for a problem inside ${ } or %{ } of a template, how
// text for a shell or curl is written (rule 22).
func escapeHint(d *hcl.Diagnostic, src []byte) string {
	if !slices.Contains(templateProblems, d.Summary) && !strings.HasPrefix(d.Summary, "Unknown name") {
		return ""
	}
	start := min(max(d.Subject.Start.Byte, 0), len(src))
	line := src[bytes.LastIndexByte(src[:start], '\n')+1:]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	if !bytes.Contains(line, []byte("${")) && !bytes.Contains(line, []byte("%{")) {
		return ""
	}
	return "In strings and heredocs ${ } and %{ } belong to dcosflow. For a shell or curl write $${NAME} and %%{name}, or keep the script in a file and use file()."
}
