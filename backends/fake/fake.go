// Package fake is a scripted backend for tests of the engine and the command
// line: its machines boot at once, keep files in memory, and run only commands
// that a script answers. Whatever was not told is refused.
package fake

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dcosflow/dcosflow/backends"
)

// Options say what the machines of a backend do.
type Options struct {
	// Scripts answer commands; the first that matches wins.
	Scripts []Script
	// Creations say how nodes come into being; a node without one boots at once.
	Creations []Creation
}

// Creation is how the creation of a node goes.
type Creation struct {
	// Node is a pattern of path.Match on the node's name; empty means every node.
	Node string
	// Delay comes before the outcome.
	Delay time.Duration
	// Err fails the creation.
	Err error
	// FailedUnits make the node degraded.
	FailedUnits []string
}

// Call is one thing that was asked of the backend or of a node.
type Call struct {
	// Op is allocate, create, discard, delete, run, put or get.
	Op   string
	Node string
	// Command is the command of run, without its streams.
	Command backends.Command
	// Stdin is what the command was given to read.
	Stdin string
	// Path is the directory of put or the path of get, the cluster of allocate
	// and delete.
	Path string
	// Err is how it ended.
	Err error
}

// Backend keeps clusters in memory.
type Backend struct {
	options Options

	mu       sync.Mutex
	calls    []Call
	used     []int // how often each script answered
	clusters map[backends.Key]*cluster
	networks int
}

type cluster struct {
	spec  backends.Spec
	nodes []backends.Node
}

var (
	_ backends.Backend   = (*Backend)(nil)
	_ backends.Discarder = (*Backend)(nil)
	_ backends.Sweeper   = (*Backend)(nil)
)

// New makes a backend.
func New(o Options) *Backend {
	return &Backend{options: o, used: make([]int, len(o.Scripts)), clusters: map[backends.Key]*cluster{}}
}

// Calls returns what was asked so far, in the order in which it ended.
func (b *Backend) Calls() []Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

func (b *Backend) record(c Call) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, c)
	return c.Err
}

// Allocate gives the nodes of a cluster addresses below 10.200.
func (b *Backend) Allocate(ctx context.Context, spec backends.Spec) ([]backends.Node, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	_ = b.record(Call{Op: "allocate", Path: spec.Cluster})
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.clusters[spec.Key]
	if c == nil {
		c = &cluster{spec: spec, nodes: nodesOf(spec, b.networks)}
		b.networks++
		b.clusters[spec.Key] = c
	}
	planned := slices.Clone(c.nodes)
	for i := range planned {
		planned[i].ID, planned[i].Transport = "", nil
	}
	return planned, nil
}

func nodesOf(spec backends.Spec, network int) []backends.Node {
	nodes := spec.Nodes()
	for i := range nodes {
		address := netip.AddrFrom4([4]byte{10, 200, byte(network), byte(i + 2)})
		nodes[i].Private, nodes[i].Public = address, address
	}
	return nodes
}

// Create boots a node as its Creation says.
func (b *Backend) Create(ctx context.Context, spec backends.Spec, node string) (backends.Boot, error) {
	begin := time.Now()
	how := b.creation(node)
	err := pause(ctx, how.Delay)
	if err == nil {
		err = how.Err
	}
	var boot backends.Boot
	if err == nil {
		boot, err = b.boot(spec.Key, node, how)
		boot.Took = time.Since(begin)
	}
	return boot, b.record(Call{Op: "create", Node: node, Path: spec.Cluster, Err: err})
}

func (b *Backend) creation(node string) Creation {
	for _, c := range b.options.Creations {
		if matchNode(c.Node, node) {
			return c
		}
	}
	return Creation{}
}

func (b *Backend) boot(key backends.Key, name string, how Creation) (backends.Boot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.clusters[key]
	if c == nil {
		return backends.Boot{}, fmt.Errorf("create %s: cluster %s was not allocated", name, key.Cluster)
	}
	i := slices.IndexFunc(c.nodes, func(n backends.Node) bool { return n.Name == name })
	if i < 0 {
		return backends.Boot{}, fmt.Errorf("create %s: cluster %s has no such node", name, key.Cluster)
	}
	n := &c.nodes[i]
	if n.Transport == nil {
		n.ID = fmt.Sprintf("fake-%s-%s-%s", key.Run, key.Cluster, name)
		n.Transport = &transport{backend: b, node: name}
	}
	boot := backends.Boot{Node: *n, State: "running", FailedUnits: how.FailedUnits}
	if len(how.FailedUnits) > 0 {
		boot.State = "degraded"
	}
	return boot, nil
}

// pause waits, and returns the cause when ctx ended, be it before.
func pause(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Nodes lists the nodes that were created.
func (b *Backend) Nodes(ctx context.Context, key backends.Key) ([]backends.Node, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var nodes []backends.Node
	for _, k := range b.keys(key) {
		for _, n := range b.clusters[k].nodes {
			if n.Transport != nil {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes, nil
}

// keys returns the clusters that a key names, sorted; the lock is held.
func (b *Backend) keys(key backends.Key) []backends.Key {
	var keys []backends.Key
	for k := range b.clusters {
		if k.Run == key.Run && (key.Cluster == "" || k.Cluster == key.Cluster) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b backends.Key) int { return strings.Compare(a.Cluster, b.Cluster) })
	return keys
}

// Discard forgets that a node was created.
func (b *Backend) Discard(ctx context.Context, key backends.Key, node string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.mu.Lock()
	if c := b.clusters[key]; c != nil {
		for i := range c.nodes {
			if c.nodes[i].Name == node {
				c.nodes[i].ID, c.nodes[i].Transport = "", nil
			}
		}
	}
	b.mu.Unlock()
	return b.record(Call{Op: "discard", Node: node, Path: key.Cluster})
}

// Delete forgets clusters.
func (b *Backend) Delete(ctx context.Context, key backends.Key) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.mu.Lock()
	for _, k := range b.keys(key) {
		delete(b.clusters, k)
	}
	b.mu.Unlock()
	return b.record(Call{Op: "delete", Path: key.Cluster})
}

// Remnants lists the runs that have clusters.
func (b *Backend) Remnants(ctx context.Context) ([]backends.Remnant, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	runs := map[string]*backends.Remnant{}
	for key, c := range b.clusters {
		r := runs[key.Run]
		if r == nil {
			r = &backends.Remnant{Run: key.Run, Owner: c.spec.Owner, Dir: c.spec.Dir}
			runs[key.Run] = r
		}
		r.Networks++
		for _, n := range c.nodes {
			if n.Transport != nil {
				r.Containers++
			}
		}
	}
	all := make([]backends.Remnant, 0, len(runs))
	for _, r := range runs {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b backends.Remnant) int { return strings.Compare(a.Run, b.Run) })
	return all, nil
}
