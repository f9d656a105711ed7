package dsl

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// RenderOptions say how diagnostics look. The zero value is plain text without
// a limit of the width.
type RenderOptions struct {
	Color bool
	Width int
	// SourceOnly leaves out what is wrong and what to do, where that is said
	// already.
	SourceOnly bool
}

// maxSnippetLines is how many lines of a long range are shown.
const maxSnippetLines = 5

// Render writes diagnostics as text, sorted: what is wrong, where, the source
// with the place marked, the values in it, and what to do. It writes once;
// there is nobody to tell when that fails.
func Render(w io.Writer, diags hcl.Diagnostics, files map[string]*hcl.File, o RenderOptions) {
	var b bytes.Buffer
	for i, v := range JSON(diags, files) {
		if i > 0 {
			b.WriteByte('\n')
		}
		o.render(&b, v)
	}
	_, _ = w.Write(b.Bytes())
}

func (o RenderOptions) render(b *bytes.Buffer, v DiagnosticView) {
	title, color := "Error", "31"
	if v.Severity == "warning" {
		title, color = "Warning", "33"
	}
	if !o.SourceOnly {
		fmt.Fprintf(b, "%s: %s\n", o.paint(title, "1;"+color), o.paint(v.Summary, "1"))
	}
	if v.Range != nil {
		fmt.Fprintf(b, "  on %s line %d", v.Range.Filename, v.Range.Start.Line)
		if v.Snippet != nil && v.Snippet.Context != "" {
			fmt.Fprintf(b, ", in %s", v.Snippet.Context)
		}
		b.WriteString(":\n")
	}
	if v.Snippet != nil {
		o.snippet(b, v.Snippet, color)
	}
	if v.Detail != "" && !o.SourceOnly {
		fmt.Fprintf(b, "\n%s\n", wrap(v.Detail, o.Width))
	}
}

func (o RenderOptions) snippet(b *bytes.Buffer, s *SnippetView, color string) {
	offset := 0
	lines := strings.Split(s.Code, "\n")
	for i, line := range lines {
		if i == maxSnippetLines {
			fmt.Fprintf(b, "        ... %d more lines\n", len(lines)-i)
			break
		}
		fmt.Fprintf(b, "%6d: %s\n", s.StartLine+i, line)
		if pad, marks := underline(line, s.HighlightStart-offset, s.HighlightEnd-offset); marks != "" {
			fmt.Fprintf(b, "        %s%s\n", pad, o.paint(marks, color))
		}
		offset += len(line) + 1
	}
	for i, v := range s.Values {
		lead := "with"
		if i > 0 {
			lead = " and"
		}
		fmt.Fprintf(b, "  %s %s = %s\n", lead, v.Traversal, v.Value)
	}
}

// underline marks the bytes from..to of a line. Tabs before them are kept, so
// that the marks stand below whatever width a tab has. An empty range is marked
// by one sign; of a line in the middle of a range the indent is not marked.
func underline(line string, from, to int) (pad, marks string) {
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	empty := from == to
	from, to = max(from, min(indent, len(line))), min(to, len(line))
	if empty {
		from, to = min(from, len(line)), min(from, len(line))
	} else if from >= to {
		return "", ""
	}
	for _, r := range line[:from] {
		if r != '\t' {
			r = ' '
		}
		pad += string(r)
	}
	return pad, strings.Repeat("^", max(1, len([]rune(line[from:to]))))
}

func (o RenderOptions) paint(text, code string) string {
	if !o.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// wrap breaks lines at spaces, but not lines that begin with a space: they are
// code or lists.
func wrap(text string, width int) string {
	if width <= 0 {
		return text
	}
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, " ") {
			lines = append(lines, line)
			continue
		}
		lines = append(lines, wrapLine(line, width)...)
	}
	return strings.Join(lines, "\n")
}

func wrapLine(line string, width int) []string {
	var lines []string
	for len([]rune(line)) > width {
		at := strings.LastIndexByte(string([]rune(line)[:width+1]), ' ')
		if at <= 0 {
			at = strings.IndexByte(line, ' ')
		}
		if at <= 0 {
			break
		}
		lines = append(lines, line[:at])
		line = line[at+1:]
	}
	return append(lines, line)
}
