package engine

import (
	"fmt"

	"github.com/dcosflow/dcosflow/backends"
)

// Share returns the directory that the nodes of a cluster see.
func (m *machines) Share(name string) (backends.Share, error) {
	c, err := m.cluster(name)
	if err != nil {
		return backends.Share{}, err
	}
	sharer, ok := c.backend.(backends.Sharer)
	if !ok {
		return backends.Share{}, fmt.Errorf("the backend of cluster %q cannot share files of this machine with its nodes", name)
	}
	return sharer.Share(c.spec)
}
