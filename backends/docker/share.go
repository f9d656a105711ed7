package docker

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/docker/docker/api/types/mount"

	"github.com/dcosflow/dcosflow/backends"
)

var _ backends.Sharer = (*Backend)(nil)

// Share makes the directory that nodes see at backends.SharePath. An engine
// elsewhere cannot bind a directory of this machine.
func (b *Backend) Share(spec backends.Spec) (backends.Share, error) {
	if !b.local() {
		return backends.Share{}, &backends.TroubleError{
			Op:   "share files with the nodes of cluster " + spec.Cluster,
			Err:  fmt.Errorf("the engine at %s does not see the files of this machine", b.api.DaemonHost()),
			Hint: "use an engine on this machine",
		}
	}
	s := backends.Share{Host: filepath.Join(spec.Dir, "share", spec.Cluster), Node: backends.SharePath}
	return s, os.MkdirAll(s.Host, 0o755)
}

// shared is the mount of the cluster's share; none where there can be none.
func (m *machine) shared() ([]mount.Mount, error) {
	if !m.backend.local() {
		return nil, nil
	}
	s, err := m.backend.Share(m.spec)
	if err != nil {
		return nil, err
	}
	return []mount.Mount{{Type: mount.TypeBind, Source: s.Host, Target: s.Node, ReadOnly: true}}, nil
}
