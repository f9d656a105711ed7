package engine

import (
	"context"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// survey looks which machines of a cluster still exist and run. A cluster whose
// removal had begun is removed to its end: nobody knows what it lacks.
func (r *run) survey(ctx context.Context, c *cluster) error {
	if r.doomed(c) {
		if err := c.backend.Delete(ctx, c.spec.Key); err != nil {
			return trouble("remove cluster "+c.name, err)
		}
	}
	return c.look(ctx)
}

// look finds the machines of a cluster.
func (c *cluster) look(ctx context.Context) error {
	nodes, err := c.backend.Nodes(ctx, c.spec.Key)
	if err != nil {
		return trouble("look for the nodes of cluster "+c.name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = make(map[string]backends.Node, len(nodes))
	for _, n := range nodes {
		c.found[n.Name] = n
		c.reserved, c.attempted = true, true
	}
	return nil
}

// doomed says whether an earlier run had begun to remove a cluster.
func (r *run) doomed(c *cluster) bool {
	for _, id := range r.Plan.Graph.IDs() {
		i := r.Plan.Graph.Value(id)
		if i.Kind != plan.Work || i.Type.Role != steps.Destroys || i.Subject != c.name {
			continue
		}
		if rec := r.Resume.Run.Instance(string(id)); rec != nil && rec.Attempt > 0 {
			return true
		}
	}
	return false
}

// running says whether a node was found at work.
func (m *machines) running(clusterName, node string) bool {
	c, err := m.cluster(clusterName)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, found := c.found[node]
	return found && !n.Stopped
}

// left is a node that was found.
func (m *machines) left(clusterName, node string) (backends.Node, bool) {
	c, err := m.cluster(clusterName)
	if err != nil {
		return backends.Node{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, found := c.found[node]
	return n, found
}

// adopt makes a node that was found one that is provisioned.
func (m *machines) adopt(clusterName, node string) {
	c, err := m.cluster(clusterName)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.index(node); i >= 0 {
		c.nodes[i].ID, c.nodes[i].Transport = c.found[node].ID, c.found[node].Transport
	}
}

// outdate has a node made anew by the step that provisions it.
func (m *machines) outdate(clusterName, node string) {
	c, err := m.cluster(clusterName)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.outdated == nil {
		c.outdated = map[string]bool{}
	}
	c.outdated[node] = true
}

// renew removes what is left of an outdated node, before it is made. It is the
// one place where backends.Discarder is asked for; on a backend without it the
// node is started as it is.
func (c *cluster) renew(ctx context.Context, node string) error {
	c.mu.Lock()
	outdated := c.outdated[node]
	c.mu.Unlock()
	d, ok := c.backend.(backends.Discarder)
	if !outdated || !ok {
		return nil
	}
	if err := d.Discard(ctx, c.spec.Key, node); err != nil {
		return trouble("remove node "+node, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.outdated, node)
	return nil
}
