// Package folders is the backend `folders`: each node is a directory on the
// machine of the tool, where its commands run.
package folders

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/schema"
)

// Type returns the backend type.
func Type() backends.Type {
	return backends.Type{
		Name: "folders",
		Doc:  "Nodes that are directories.",
		Schema: schema.Block{Attributes: []schema.Attribute{
			{Name: "root", Type: cty.String, Required: true, Doc: "The directory above those of the nodes."},
		}},
		Destroys: true,
		New: func(cfg backends.Config) (backends.Backend, error) {
			return &backend{root: cfg.Value.GetAttr("root").AsString()}, nil
		},
	}
}

type backend struct{ root string }

var _ backends.Backend = (*backend)(nil)

func (b *backend) path(n backends.Node) string { return filepath.Join(b.root, n.Cluster, n.Name) }

// Allocate gives every node an address of the loopback network.
func (b *backend) Allocate(_ context.Context, spec backends.Spec) ([]backends.Node, error) {
	nodes := spec.Nodes()
	address := netip.MustParseAddr("127.0.0.1")
	for i := range nodes {
		address = address.Next()
		nodes[i].Private, nodes[i].Public = address, address
	}
	return nodes, nil
}

// Create makes the node's directory.
func (b *backend) Create(ctx context.Context, spec backends.Spec, name string) (backends.Boot, error) {
	nodes, err := b.Allocate(ctx, spec)
	if err != nil {
		return backends.Boot{}, err
	}
	node := nodes[slices.IndexFunc(nodes, func(n backends.Node) bool { return n.Name == name })]
	if err := os.MkdirAll(b.path(node), 0o755); err != nil {
		return backends.Boot{}, err
	}
	return backends.Boot{Node: b.reach(node), State: "running"}, nil
}

// Nodes lists the directories.
func (b *backend) Nodes(_ context.Context, key backends.Key) ([]backends.Node, error) {
	entries, err := os.ReadDir(filepath.Join(b.root, key.Cluster))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var nodes []backends.Node
	for _, e := range entries {
		nodes = append(nodes, b.reach(backends.Node{Name: e.Name(), Cluster: key.Cluster}))
	}
	return nodes, nil
}

// Delete removes the directories of a cluster.
func (b *backend) Delete(_ context.Context, key backends.Key) error {
	return os.RemoveAll(filepath.Join(b.root, key.Cluster))
}

func (b *backend) reach(n backends.Node) backends.Node {
	n.ID = b.path(n)
	n.Transport = transport{dir: n.ID}
	return n
}

// transport runs commands in the node's directory.
type transport struct {
	local.Transport
	dir string
}

func (t transport) Run(ctx context.Context, cmd backends.Command) error {
	if cmd.Dir == "" {
		cmd.Dir = t.dir
	}
	return t.Transport.Run(ctx, cmd)
}
