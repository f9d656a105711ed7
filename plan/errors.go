package plan

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dsl"
)

// Error is a problem of an expression at run time, with its source: dsl.Render
// shows both.
type Error struct {
	Diags hcl.Diagnostics
	Files map[string]*hcl.File
	// Err is what a step found wrong with an argument; nil otherwise.
	Err error
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

// Snippet is the source of every problem with the place marked, and the values
// in it: what Error does not say.
func (e *Error) Snippet() string {
	var b strings.Builder
	dsl.Render(&b, e.Diags, e.Files, dsl.RenderOptions{SourceOnly: true})
	return b.String()
}

// Unwrap returns what a step found.
func (e *Error) Unwrap() error { return e.Err }

// refuse is the error of an argument that a step found wrong.
func (ev *evaluator) refuse(st *step, argument string, err error) error {
	return &Error{
		Diags: problems(st.body.place(argument), fmt.Sprintf("Wrong value for %q", argument), "%s", err),
		Files: ev.files, Err: err,
	}
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
