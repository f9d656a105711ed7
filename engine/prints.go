package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
)

// prints are the fingerprints of a run's instances, each with those of all that
// it waits for: equal ones mean that the same was done after the same. Only the
// goroutine of the coordinator uses them.
type prints struct {
	graph *dag.Graph[*plan.Instance]
	// added are the edges of expansions, expanded where they came from.
	added    map[dag.ID][]dag.ID
	expanded map[dag.ID]bool
	// own are those of settled instances, without what they wait for.
	own  map[dag.ID][]byte
	full map[dag.ID]string
}

// disabledPrint is the own fingerprint of an instance that had nothing to do.
var disabledPrint = []byte("disabled")

func newPrints(g *dag.Graph[*plan.Instance]) *prints {
	return &prints{graph: g, added: map[dag.ID][]dag.ID{}, expanded: map[dag.ID]bool{}, own: map[dag.ID][]byte{}, full: map[dag.ID]string{}}
}

// expand takes in the edges that an Expander made. A resumed run may have done
// so before.
func (p *prints) expand(expander dag.ID, edges []dag.Edge) {
	if p.expanded[expander] {
		return
	}
	p.expanded[expander] = true
	for _, e := range edges {
		p.added[e.From] = append(p.added[e.From], e.To)
	}
}

// dependencies are what a vertex waits for, of the plan and of expansions.
func (p *prints) dependencies(id dag.ID) []dag.ID {
	var list []dag.ID
	for _, e := range p.graph.Dependencies(id) {
		list = append(list, e.To)
	}
	return append(list, p.added[id]...)
}

// of returns the fingerprint of a vertex whose dependencies have settled. It is
// empty when the vertex or one of those did not succeed.
func (p *prints) of(id dag.ID, kind plan.Kind) string {
	if known, ok := p.full[id]; ok {
		return known
	}
	own, ok := p.own[id]
	if !ok && (kind == plan.Work || kind == plan.Start) {
		return ""
	}
	var parts []string
	for _, on := range p.dependencies(id) {
		part := p.of(on, p.kind(on))
		if part == "" {
			return ""
		}
		parts = append(parts, part)
	}
	slices.Sort(parts) // an edit may change the order of edges that mean the same
	sum := sha256.New()
	sum.Write(own)
	for _, part := range parts {
		sum.Write([]byte(part))
	}
	p.full[id] = hex.EncodeToString(sum.Sum(nil))
	return p.full[id]
}

// forget makes a vertex one that has not settled.
func (p *prints) forget(id dag.ID) {
	delete(p.own, id)
	delete(p.full, id)
}

// kind is that of a vertex. Expansions add nothing but work.
func (p *prints) kind(id dag.ID) plan.Kind {
	if i := p.graph.Value(id); i != nil {
		return i.Kind
	}
	return plan.Work
}
