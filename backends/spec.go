package backends

import (
	"fmt"
	"strings"
)

// NodeName returns the name of a role's node: "<role>-<index>", with "-" for
// "_" so that it is a valid host name.
func NodeName(role Role, index int) string {
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(string(role), "_", "-"), index)
}

// Nodes returns the nodes of the spec in order: what is known of them without
// asking a backend, so addresses are missing.
func (s Spec) Nodes() []Node {
	var nodes []Node
	for _, r := range s.Roles {
		for i := range r.Count {
			name := NodeName(r.Role, i)
			nodes = append(nodes, Node{Name: name, Cluster: s.Cluster, Role: r.Role, Index: i, Hostname: name})
		}
	}
	return nodes
}
