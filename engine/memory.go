package engine

import (
	"slices"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/schema"
)

// memory is what the run knows by now: the plan's Facts.
type memory struct {
	machines *machines

	mu        sync.RWMutex
	outputs   map[dag.ID]cty.Value
	expanded  map[dag.ID][]*plan.Instance
	added     map[dag.ID]*plan.Instance
	additions []*plan.Instance // those of added, in order
	edges     map[dag.ID][]dag.Edge
}

var _ plan.Facts = (*memory)(nil)

func newMemory(m *machines) *memory {
	return &memory{
		machines: m, outputs: map[dag.ID]cty.Value{},
		expanded: map[dag.ID][]*plan.Instance{}, added: map[dag.ID]*plan.Instance{},
		edges: map[dag.ID][]dag.Edge{},
	}
}

// Nodes returns the allocated nodes of a cluster.
func (m *memory) Nodes(cluster string) []backends.Node { return m.machines.allocated(cluster) }

// Output returns the outputs of an instance that settled.
func (m *memory) Output(id dag.ID) (cty.Value, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.outputs[id]
	return v, ok
}

// Expanded returns what an Expander made.
func (m *memory) Expanded(expander dag.ID) ([]*plan.Instance, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list, ok := m.expanded[expander]
	return list, ok
}

func (m *memory) setOutput(id dag.ID, v cty.Value) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outputs[id] = v
}

// forget makes the outputs of an instance unknown again.
func (m *memory) forget(id dag.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.outputs, id)
}

// settle gives an instance without outputs a null of their type.
func (m *memory) settle(i *plan.Instance) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.outputs[i.ID]; !ok && i.Type != nil {
		m.outputs[i.ID] = cty.NullVal(schema.OutputType(i.Type.Outputs))
	}
}

// addition finds an instance that is not in the plan because it was added by an
// Expander; nil when there is none.
func (m *memory) addition(id dag.ID) *plan.Instance {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.added[id]
}

// all lists the instances that Expanders added, in the order in which they did.
func (m *memory) all() []*plan.Instance {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.additions)
}

// setExpanded remembers the instances of an Expander and returns the addresses
// of those that work.
func (m *memory) setExpanded(expander dag.ID, e dag.Expansion[*plan.Instance]) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*plan.Instance, len(e.Vertices))
	var addresses []string
	for i, v := range e.Vertices {
		list[i], m.added[v.ID] = v.Value, v.Value
		if v.Value.Kind == plan.Work {
			addresses = append(addresses, string(v.ID))
		}
	}
	m.additions = append(m.additions, list...)
	m.expanded[expander], m.edges[expander] = list, e.Edges
	return addresses
}

// edgesOf returns the edges that an Expander made.
func (m *memory) edgesOf(expander dag.ID) []dag.Edge {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.edges[expander]
}
