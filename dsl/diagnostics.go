package dsl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
)

// Sort returns the diagnostics by file and place, those without a place first,
// without echoes: the same summary at the same place is said once.
func Sort(diags hcl.Diagnostics) hcl.Diagnostics {
	sorted := slices.Clone(diags)
	slices.SortStableFunc(sorted, func(a, b *hcl.Diagnostic) int {
		x, y := subject(a), subject(b)
		return cmp.Or(
			strings.Compare(x.Filename, y.Filename),
			cmp.Compare(x.Start.Byte, y.Start.Byte),
			cmp.Compare(x.End.Byte, y.End.Byte),
		)
	})
	type place struct {
		summary string
		rng     hcl.Range
		detail  string
	}
	seen := map[place]bool{}
	return slices.DeleteFunc(sorted, func(d *hcl.Diagnostic) bool {
		at := place{summary: d.Summary, rng: subject(d)}
		if d.Subject == nil {
			at.detail = d.Detail // without a place, only the text tells problems apart
		}
		if seen[at] {
			return true
		}
		seen[at] = true
		return false
	})
}

func subject(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}

// Suggest returns ` Did you mean "x"?` for the nearest of the known names, or
// "" when none is near.
func Suggest(given string, known []string) string {
	if name := nearest(given, known); name != "" {
		return fmt.Sprintf(" Did you mean %q?", name)
	}
	return ""
}

// nearest allows one wrong letter in three, at most three in all.
func nearest(given string, known []string) string {
	best, bestDistance := "", min((len(given)+2)/3, 3)+1
	for _, name := range known {
		d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(name), nil)
		if d < bestDistance && d < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

func problem(rng hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(detail, args...),
		Subject:  rng.Ptr(),
	}
}
