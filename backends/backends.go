// Package backends holds the contracts of machines: what makes and removes
// clusters (Backend), what reaches a machine (Transport), and what a machine
// is (Node). Implementations live in folders below and import only this.
package backends

import (
	"context"
	"net/netip"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
)

// Role is what a node is for: "master", "agent", "member".
type Role string

// Key names the machines of a run. An empty Cluster means all clusters of the
// run.
type Key struct {
	Run     string
	Cluster string
}

// RoleCount is how many nodes of a role a cluster has.
type RoleCount struct {
	Role  Role
	Count int
}

// Spec says which cluster is wanted. The same spec always means the same
// nodes.
type Spec struct {
	Key
	// Roles are in the order of node creation.
	Roles []RoleCount
	// Owner is the process that answers for the machines.
	Owner Owner
	// Dir is the run's directory, absolute. Keys live in Dir/keys.
	Dir string
}

// Owner is a process: the same only if host, process id and start time agree.
type Owner struct {
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Start is the start time in clock ticks since boot, as in field 22 of
	// /proc/PID/stat, prefixed by the boot id, so that it never repeats.
	Start string `json:"start"`
}

// Node is one machine. It is plain data plus the way to reach it.
type Node struct {
	Name     string     `json:"name"`
	Cluster  string     `json:"cluster"`
	Role     Role       `json:"role"`
	Index    int        `json:"index"`
	Hostname string     `json:"hostname"`
	Private  netip.Addr `json:"ip"`
	Public   netip.Addr `json:"public_ip"`
	// ID is the backend's own name of the machine (a container id); empty
	// before it exists.
	ID string `json:"id,omitempty"`
	// Stopped says that the machine exists and does not run.
	Stopped bool `json:"stopped,omitempty"`
	// Transport is nil until the machine exists.
	Transport Transport `json:"-"`
}

// Boot is the outcome of creating a node.
type Boot struct {
	Node Node
	// State is what systemd says: "running" or "degraded".
	State string
	// FailedUnits are the units behind "degraded".
	FailedUnits []string
	// Took is the time from the request to the end of the boot.
	Took time.Duration
}

// Backend makes and removes the machines of clusters. All methods may be
// called concurrently.
type Backend interface {
	// Allocate reserves what the nodes of a cluster need before they exist:
	// network, addresses, keys. It takes well under a second and may be
	// repeated: the same spec gets the same nodes. The nodes have no Transport.
	Allocate(ctx context.Context, spec Spec) ([]Node, error)
	// Create makes one node of an allocated cluster and waits until it has
	// booted. A node that exists already is only waited for. When Create fails
	// or ctx ends, what it made stays labelled and Delete removes it.
	Create(ctx context.Context, spec Spec, node string) (Boot, error)
	// Nodes lists the machines that exist, ordered by role and index as in
	// the spec that made them, each with its Transport.
	Nodes(ctx context.Context, key Key) ([]Node, error)
	// Delete removes machines, volumes and networks of the key, in parallel,
	// found by label. What is gone already is no error.
	Delete(ctx context.Context, key Key) error
}

// Preparer is the optional ability of a backend that needs something before
// its first node, such as a node image. See Prepare.
type Preparer interface {
	// Prepare may take minutes. It calls progress with one line at a time, from
	// one goroutine, for a person to read.
	Prepare(ctx context.Context, progress func(line string)) error
}

// Discarder is the optional ability of a backend that can remove one machine of
// a cluster, so that Create makes it anew. See Discard.
type Discarder interface {
	// Discard removes a machine and all that it kept. One that does not exist is
	// no error.
	Discard(ctx context.Context, key Key, node string) error
}

// Sweeper is the optional ability of a backend that can find what earlier runs
// left behind. See Remnants.
type Sweeper interface {
	// Remnants lists what exists on this backend, one entry per run, sorted by
	// run.
	Remnants(ctx context.Context) ([]Remnant, error)
}

// Remnant is what a run has, or left, on a backend.
type Remnant struct {
	Run                           string
	Owner                         Owner
	Dir                           string
	Containers, Volumes, Networks int
}

// Type is a kind of backend: a plug-in.
type Type struct {
	Name string
	// Doc is Markdown; its first sentence is the summary.
	Doc    string
	Schema schema.Block
	// Role describes `role "<role>" {}` blocks; the zero Block allows none.
	Role schema.Block
	// Destroys says that the backend's machines end with the run: a plan then
	// adds `provision` and `destroy` where a workflow has none.
	Destroys bool
	// New makes a backend. It does not touch the world.
	New func(cfg Config) (Backend, error)
}

// Config is a decoded `backend` block.
type Config struct {
	Name string
	// Value is an object as described by Type.Schema.
	Value cty.Value
	// Roles has one object per `role` block, as described by Type.Role.
	Roles map[Role]cty.Value
}
