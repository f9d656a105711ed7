package docker

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/filters"

	"github.com/dcosflow/dcosflow/backends"
)

// The labels on containers, volumes and networks alike. Clean-up goes by them,
// never by name.
const (
	labelRun     = "dcosflow.run"
	labelCluster = "dcosflow.cluster"
	labelRole    = "dcosflow.role"
	labelNode    = "dcosflow.node"
	labelDir     = "dcosflow.dir"
	// labelOwner is the owner as JSON.
	labelOwner = "dcosflow.owner"
	// labelPlace is the node's position in its spec.
	labelPlace = "dcosflow.place"
)

// clusterLabels are the labels of what a whole cluster shares.
func clusterLabels(spec backends.Spec) (map[string]string, error) {
	owner, err := json.Marshal(spec.Owner)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		labelRun: spec.Run, labelCluster: spec.Cluster, labelDir: spec.Dir, labelOwner: string(owner),
	}, nil
}

func nodeLabels(spec backends.Spec, node backends.Node, place int) (map[string]string, error) {
	labels, err := clusterLabels(spec)
	if err != nil {
		return nil, err
	}
	labels[labelNode] = node.Name
	labels[labelRole] = string(node.Role)
	labels[labelPlace] = strconv.Itoa(place)
	return labels, nil
}

// containerLabels adds the user's labels. Ours win: clean-up depends on them.
func (b *Backend) containerLabels(node backends.Node, ours map[string]string) map[string]string {
	labels := maps.Clone(b.labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, b.roleLabels[node.Role])
	maps.Copy(labels, ours)
	return labels
}

// byKey selects what belongs to a cluster or a run; the zero key selects all
// that is ours.
func byKey(key backends.Key) filters.Args {
	if key.Run == "" {
		return filters.NewArgs(filters.Arg("label", labelRun))
	}
	args := filters.NewArgs(filters.Arg("label", labelRun+"="+key.Run))
	if key.Cluster != "" {
		args.Add("label", labelCluster+"="+key.Cluster)
	}
	return args
}

// objectName names an object for people; nothing is ever found by it.
func objectName(parts ...string) string {
	return "dcosflow-" + strings.Join(parts, "-")
}
