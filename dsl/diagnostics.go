package dsl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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
		if max(len(name)-len(given), len(given)-len(name)) >= 4*bestDistance {
			continue // however long the names are, a letter has four bytes at most
		}
		d := distance(strings.ToLower(given), strings.ToLower(name))
		if d < bestDistance && d < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance counts the letters to insert, drop, replace or swap with their
// neighbour: a swap is the commonest typo, and two edits for Levenshtein.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
		for j := 1; j <= len(y); j++ {
			if i == 0 {
				rows[i][j] = j
				continue
			}
			replaced := rows[i-1][j-1]
			if x[i-1] != y[j-1] {
				replaced++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replaced)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

func problem(rng hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(detail, args...),
		Subject:  rng.Ptr(),
	}
}
