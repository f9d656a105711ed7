package backends

// SharePath is where nodes see what the machine of the tool shares with them.
const SharePath = "/srv/dcosflow"

// Share is a directory that the tool writes and the nodes of a cluster read.
type Share struct {
	// Host is its path on the machine of the tool, Node that on every node.
	Host, Node string
}

// Sharer is the optional ability of a backend whose nodes can see files of the
// machine of the tool as they are written. See Shared.
type Sharer interface {
	// Share returns the cluster's directory and makes it on the machine of the
	// tool. Nodes see it read-only, also those that exist already. It is
	// removed with the run's directory.
	Share(spec Spec) (Share, error)
}
