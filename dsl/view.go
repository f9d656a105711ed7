package dsl

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcled"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// DiagnosticView is a diagnostic as data, in the shape that Terraform's
// `validate -json` has. The text is made from it.
type DiagnosticView struct {
	Severity string       `json:"severity"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Range    *RangeView   `json:"range,omitempty"`
	Snippet  *SnippetView `json:"snippet,omitempty"`
}

// RangeView is a place in a file; the end is exclusive.
type RangeView struct {
	Filename string  `json:"filename"`
	Start    PosView `json:"start"`
	End      PosView `json:"end"`
}

// PosView is a position; line and column begin at 1, byte at 0.
type PosView struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// SnippetView is the source of a range, whole lines. The offsets into Code are
// bytes.
type SnippetView struct {
	// Context is the header of the block around it: step "run" "x".
	Context        string      `json:"context,omitempty"`
	Code           string      `json:"code"`
	StartLine      int         `json:"start_line"`
	HighlightStart int         `json:"highlight_start_offset"`
	HighlightEnd   int         `json:"highlight_end_offset"`
	Values         []ValueView `json:"values"`
}

// ValueView is the value that a reference had, redacted when it is sensitive.
type ValueView struct {
	Traversal string `json:"traversal"`
	Value     string `json:"value"`
}

// JSON returns the diagnostics as data, sorted.
func JSON(diags hcl.Diagnostics, files map[string]*hcl.File) []DiagnosticView {
	views := []DiagnosticView{}
	for _, d := range Sort(diags) {
		views = append(views, view(d, files))
	}
	return views
}

func view(d *hcl.Diagnostic, files map[string]*hcl.File) DiagnosticView {
	d = improve(d)
	v := DiagnosticView{Severity: "error", Summary: d.Summary, Detail: d.Detail}
	if d.Severity == hcl.DiagWarning {
		v.Severity = "warning"
	}
	if d.Subject == nil || d.Subject.Filename == "" {
		return v
	}
	rng := *d.Subject
	v.Range = &RangeView{Filename: rng.Filename, Start: PosView(rng.Start), End: PosView(rng.End)}
	file := files[rng.Filename]
	if file == nil || len(file.Bytes) == 0 {
		return v
	}
	v.Snippet = snippet(file, rng)
	v.Snippet.Values = values(d, files)
	if escape := escapeHint(d, file.Bytes); escape != "" {
		v.Detail = strings.TrimSpace(v.Detail + "\n\n" + escape)
	}
	return v
}

// snippet clamps: ranges may be empty, or end past the file.
func snippet(file *hcl.File, rng hcl.Range) *SnippetView {
	src := file.Bytes
	start := min(max(rng.Start.Byte, 0), len(src))
	end := min(max(rng.End.Byte, start), len(src))
	from := bytes.LastIndexByte(src[:start], '\n') + 1
	to := len(src)
	if i := bytes.IndexByte(src[max(end-1, start):], '\n'); i >= 0 {
		to = max(end-1, start) + i
	}
	from, to = narrow(src, from, to, start, end)
	code := string(src[from:to])
	return &SnippetView{
		Context:        hcled.ContextString(file, start),
		Code:           strings.TrimSuffix(code, "\r"),
		StartLine:      1 + bytes.Count(src[:from], []byte("\n")),
		HighlightStart: min(start-from, len(code)),
		HighlightEnd:   min(end-from, len(code)),
		Values:         []ValueView{},
	}
}

// longSnippet is how many bytes of source are shown whole, and aroundMark what is
// shown before and after the place when there are more: JSON that a program made
// may be one line.
const (
	longSnippet = 1000
	aroundMark  = 200
)

// narrow cuts a long snippet to what is near the place from start to end.
func narrow(src []byte, from, to, start, end int) (int, int) {
	if to-from <= longSnippet {
		return from, to
	}
	from, to = max(from, start-aroundMark), min(to, min(end, start+longSnippet)+aroundMark)
	for from < start && !utf8.RuneStart(src[from]) {
		from++
	}
	for to > start && to < len(src) && !utf8.RuneStart(src[to]) {
		to--
	}
	return from, to
}

// values are those of the references in the expression, where they are known.
func values(d *hcl.Diagnostic, files map[string]*hcl.File) []ValueView {
	views := []ValueView{}
	e, ok := d.Expression.(hclsyntax.Expression)
	if !ok || d.EvalContext == nil {
		return views
	}
	seen := map[string]bool{}
	for _, ref := range findReferences(e) {
		text := Text(ref.expr, files)
		v, diags := ref.expr.Value(d.EvalContext)
		if text == "" || seen[text] || diags.HasErrors() || (!v.IsKnown() && !v.IsMarked()) {
			continue
		}
		seen[text] = true
		views = append(views, ValueView{Traversal: text, Value: ValueText(v)})
	}
	return views
}
