package plan

import (
	"strings"

	"github.com/dcosflow/dcosflow/dag"
)

// Within says whether an instance is meant by an address: step.x means all
// instances of the step, group.g["k"] all that is in that instance of a group.
func Within(id dag.ID, address string) bool {
	rest, ok := strings.CutPrefix(string(id), address)
	return ok && (rest == "" || rest[0] == '[' || rest[0] == '.')
}

// Find lists the vertices that an address means. For an instance of a fan-out
// whose keys are not known yet, that is the one that makes the instances.
func (p *Plan) Find(address string) []dag.ID {
	var found []dag.ID
	for _, id := range p.Graph.IDs() {
		step, late := strings.CutSuffix(string(id), "*]")
		if Within(id, address) || late && strings.HasPrefix(address, step) {
			found = append(found, id)
		}
	}
	return found
}

// Until disables every main instance that the given vertices do not need, and
// the outputs of the workflow. A span is needed by what is during it, without
// the rest of that. Finalisers stay: they tidy up. It changes the plan, which
// must not run yet.
func (p *Plan) Until(last []dag.ID) {
	needed, held := map[dag.ID]bool{}, map[dag.ID]bool{}
	for len(last) > 0 {
		id := last[0]
		last = last[1:]
		if needed[id] || !p.Graph.Has(id) {
			continue
		}
		needed[id] = true
		last = append(last, p.later[id]...)
		if i := p.Graph.Value(id); i.Kind == Start {
			held[i.Of.ID] = true
		}
		for _, e := range p.Graph.Dependencies(id) {
			last = append(last, e.To)
		}
	}
	never := func(Facts) (bool, error) { return false, nil }
	for _, id := range p.Graph.IDs() {
		i := p.Graph.Value(id)
		if !needed[id] && !held[id] && i.When == OnSuccess && (i.works() || i.Kind == Opening) {
			i.Enabled, i.Off = never, true
		}
	}
	p.Outputs = nil
}
