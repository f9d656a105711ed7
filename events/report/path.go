package report

import (
	"fmt"
	"strings"

	"github.com/dcosflow/dcosflow/events"
)

// maxPath is how many instances of the critical path are named at each of its
// ends.
const maxPath = 4

// path writes the chain of instances that determined the end of the run, and
// how much longer than it the run took. A single one is no chain.
func (t *text) path(run *events.Run) {
	p := run.CriticalPath()
	if len(p.Instances) < 2 || run.Ended == nil {
		return
	}
	longer := max(0, run.LastAt.Sub(run.StartedAt)-p.Took)
	part := ""
	if p.Took > 0 {
		part = fmt.Sprintf(" (%.0f%%)", 100*longer.Seconds()/p.Took.Seconds())
	}
	t.line("critical path: %d steps in %s; the run took %s%s longer", len(p.Instances), Duration(p.Took), Duration(longer), part)
	t.line("  %s", strings.Join(names(p.Instances), ", "))
}

// names lists instances with how long they took, of a long list the ends.
func names(list []*events.Instance) []string {
	var parts []string
	for n, i := range list {
		switch {
		case len(list) <= 2*maxPath+1 || n < maxPath || n >= len(list)-maxPath:
			parts = append(parts, fmt.Sprintf("%s %s", i.Address, Duration(i.Took)))
		case n == maxPath:
			parts = append(parts, fmt.Sprintf("%d more", len(list)-2*maxPath))
		}
	}
	return parts
}
