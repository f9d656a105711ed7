package main

import (
	"regexp"
	"strings"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/plan"
)

// bareKey is an index whose quotes a shell has taken.
var bareKey = regexp.MustCompile(`\[([^]"]+)\]`)

// givenAddress is the address that a user has written: `step.x[a]` is what is
// left of step.x["a"] without quotes around it.
func givenAddress(text string) string { return bareKey.ReplaceAllString(text, `["$1"]`) }

// vertices finds what the address behind a flag means in a plan.
func vertices(p *plan.Plan, flag, address string) ([]dag.ID, error) {
	found := p.Find(givenAddress(address))
	if len(found) > 0 {
		return found, nil
	}
	var known []string
	for _, id := range p.Graph.IDs() {
		step, _, _ := strings.Cut(string(id), "[")
		known = append(known, step, string(id))
	}
	return nil, wrongInput("`dcosflow plan` lists the steps.", "%s: there is no step %s.%s", flag, address, dsl.Suggest(givenAddress(address), known))
}
