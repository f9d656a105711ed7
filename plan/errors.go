package plan

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Error is a problem of an expression at run time, with its source: dsl.Render
// shows both.
type Error struct {
	Diags hcl.Diagnostics
	Files map[string]*hcl.File
}

// Error is the place, summary and detail of every problem.
func (e *Error) Error() string {
	texts := make([]string, len(e.Diags))
	for i, d := range e.Diags {
		text := d.Summary
		if d.Subject != nil {
			text = fmt.Sprintf("%s:%d: %s", d.Subject.Filename, d.Subject.Start.Line, text)
		}
		if d.Detail != "" {
			text += ": " + d.Detail
		}
		texts[i] = text
	}
	return strings.Join(texts, "\n")
}

// failure is the error of diagnostics, nil when none of them is one.
func (ev *evaluator) failure(diags hcl.Diagnostics) error {
	if !diags.HasErrors() {
		return nil
	}
	return &Error{Diags: diags, Files: ev.files}
}

func problem(rng hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
	if rng.Filename != "" {
		d.Subject = rng.Ptr()
	}
	return d
}

func problems(rng hcl.Range, summary, detail string, args ...any) hcl.Diagnostics {
	return hcl.Diagnostics{problem(rng, summary, detail, args...)}
}
