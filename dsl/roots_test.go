package dsl

import (
	"strings"
	"testing"
)

func TestUnknownRoot(t *testing.T) {
	tests := map[string]string{
		"stepp.x":    `Did you mean "step"?`,
		"HOST":       "A reference begins with one of var, local,",
		"group.g":    "There is no group in this place.",
		"matrix.os":  "Only a workflow with a matrix block",
		"state.x":    "reserved for later versions",
		"env.HOME":   `env("NAME", "default")`,
		"node.name":  "Only a step with node or nodes",
		"each.key":   "Only a step, group or module with for_each",
		"probe.body": "Only condition and error_message",
		"path.x":     "There is no path in this place.",
	}
	for text, want := range tests {
		ref := References(expression(t, text))[0]
		d := UnknownRoot(ref)
		if !strings.Contains(d.Detail, want) || !strings.Contains(d.Summary, ref.Root) || *d.Subject != ref.Range {
			t.Errorf("%s: got %v, want %q at its place", text, d, want)
		}
	}
}
