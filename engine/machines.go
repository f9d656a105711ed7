package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// machines are the clusters of the run, and what steps may do with them.
type machines struct {
	publish  func(events.Event)
	clusters []*cluster // in the order of the plan; fixed
}

var _ steps.Machines = (*machines)(nil)

// cluster is one cluster and what exists of it.
type cluster struct {
	name    string
	backend backends.Backend
	spec    backends.Spec

	mu    sync.Mutex
	nodes []backends.Node // as allocated, and with a transport once booted
	// reserved says that the backend was asked for anything, attempted that a
	// node was asked for, kept that the machines shall stay.
	reserved, attempted, kept bool
	// found are the machines that a resumed run found; outdated are those to be
	// made anew.
	found    map[string]backends.Node
	outdated map[string]bool
}

// add takes the clusters of a plan, before anything uses them.
func (m *machines) add(p *plan.Plan, owner events.Owner, made map[string]backends.Backend) {
	for _, c := range p.Clusters {
		m.clusters = append(m.clusters, &cluster{
			name:    c.Name,
			backend: made[c.Backend],
			spec: backends.Spec{
				Key:   backends.Key{Run: p.Run.ID, Cluster: c.Name},
				Roles: c.Roles, Owner: backends.Owner(owner), Dir: p.Run.Dir,
			},
		})
	}
}

func (m *machines) cluster(name string) (*cluster, error) {
	i := slices.IndexFunc(m.clusters, func(c *cluster) bool { return c.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no cluster %q in this run", name)
	}
	return m.clusters[i], nil
}

// allocate reserves what a cluster needs before its first node.
func (m *machines) allocate(ctx context.Context, c *cluster) error {
	c.mu.Lock()
	c.reserved = true
	c.mu.Unlock()
	nodes, err := c.backend.Allocate(ctx, c.spec)
	if err != nil {
		return trouble("allocate cluster "+c.name, err)
	}
	c.mu.Lock()
	c.nodes = slices.Clone(nodes)
	c.mu.Unlock()
	m.publish(events.NodesAllocated{Cluster: c.name, Nodes: describe(nodes)})
	return nil
}

func (m *machines) allocated(name string) []backends.Node {
	c, err := m.cluster(name)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.nodes)
}

// Node finds a provisioned node.
func (m *machines) Node(clusterName, name string) (backends.Node, error) {
	c, err := m.cluster(clusterName)
	if err != nil {
		return backends.Node{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.index(name)
	if i < 0 {
		return backends.Node{}, fmt.Errorf("there is no node %q in cluster %q", name, clusterName)
	}
	if c.nodes[i].Transport == nil {
		return backends.Node{}, fmt.Errorf("node %s of cluster %s is not provisioned", name, clusterName)
	}
	return c.nodes[i], nil
}

// of returns the node of an instance; one that the instance is to make has no
// transport yet.
func (m *machines) of(i *plan.Instance) (backends.Node, error) {
	if i.Type.Role != steps.Provisions {
		return m.Node(i.Cluster, i.Node)
	}
	nodes := m.allocated(i.Cluster)
	at := slices.IndexFunc(nodes, func(n backends.Node) bool { return n.Name == i.Node })
	if at < 0 {
		return backends.Node{}, fmt.Errorf("cluster %q has no node %q", i.Cluster, i.Node)
	}
	return nodes[at], nil
}

// Provision makes the node and waits until it has booted.
func (m *machines) Provision(ctx context.Context, clusterName, node string) (backends.Boot, error) {
	c, err := m.cluster(clusterName)
	if err != nil {
		return backends.Boot{}, err
	}
	c.mu.Lock()
	c.reserved, c.attempted = true, true
	c.mu.Unlock()
	if err := c.renew(ctx, node); err != nil {
		return backends.Boot{}, err
	}
	boot, err := c.backend.Create(ctx, c.spec, node)
	if err != nil {
		return backends.Boot{}, trouble("create node "+node, err)
	}
	c.mu.Lock()
	if i := c.index(node); i >= 0 {
		c.nodes[i] = boot.Node
	}
	c.mu.Unlock()
	m.publish(events.NodeBooted{
		Cluster: clusterName, Node: node,
		State: boot.State, FailedUnits: boot.FailedUnits, Took: boot.Took,
	})
	return boot, nil
}

// Destroy removes all machines of a cluster.
func (m *machines) Destroy(ctx context.Context, name string) error {
	c, err := m.cluster(name)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := c.backend.Delete(ctx, c.spec.Key); err != nil {
		return trouble("remove cluster "+name, err)
	}
	c.mu.Lock()
	c.reserved, c.attempted = false, false
	for i := range c.nodes {
		c.nodes[i].Transport = nil
	}
	c.mu.Unlock()
	m.publish(events.ClusterDeleted{Cluster: name, Took: time.Since(begun)})
	return nil
}

// attempted says whether any node of the cluster was asked for.
func (m *machines) attempted(name string) bool {
	c, err := m.cluster(name)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempted
}

func (m *machines) keep(name string) {
	if c, err := m.cluster(name); err == nil {
		c.mu.Lock()
		c.kept = true
		c.mu.Unlock()
	}
}

// kept lists the clusters that were left running.
func (m *machines) kept() []string {
	var names []string
	for _, c := range m.clusters {
		if reserved, _, kept := c.state(); reserved && kept {
			names = append(names, c.name)
		}
	}
	return names
}

// state is a snapshot of the flags.
func (c *cluster) state() (reserved, attempted, kept bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reserved, c.attempted, c.kept
}

func (c *cluster) index(node string) int {
	return slices.IndexFunc(c.nodes, func(n backends.Node) bool { return n.Name == node })
}

// trouble makes an error of a backend a *backends.TroubleError, unless it is
// one.
func trouble(op string, err error) error {
	var known *backends.TroubleError
	if errors.As(err, &known) {
		return err
	}
	return &backends.TroubleError{Op: op, Err: err}
}

func describe(nodes []backends.Node) []events.Node {
	out := make([]events.Node, len(nodes))
	for i, n := range nodes {
		out[i] = events.Node{Name: n.Name, Role: string(n.Role), Index: n.Index, Hostname: n.Hostname}
		if n.Private.IsValid() {
			out[i].IP = n.Private.String()
		}
		if n.Public.IsValid() {
			out[i].PublicIP = n.Public.String()
		}
	}
	return out
}
