package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
)

// recipe is how the tool makes a node: read from one that it made, so that the
// floor makes the same.
type recipe struct {
	config  *container.Config
	host    *container.HostConfig
	network network.Inspect
	first   netip.Addr // of the first node
	// socketDir is where a node sees the directory of its NOTIFY_SOCKET.
	socketDir string
}

// readRecipe has the tool make a single node and keep it, and looks at it.
func readRecipe(ctx context.Context, api *client.Client, t *tool) (r recipe, err error) {
	events, err := t.run(ctx, 1, "always")
	defer func() { err = errors.Join(err, t.destroy(ctx, events)) }()
	if err != nil {
		return recipe{}, err
	}
	if len(events) == 0 {
		return recipe{}, errors.New("the run has no events")
	}
	byRun := filters.NewArgs(filters.Arg("label", "dcosflow.run="+events[0].Event.Run))
	found, err := api.ContainerList(ctx, container.ListOptions{Filters: byRun})
	if err != nil {
		return recipe{}, err
	}
	if len(found) != 1 {
		return recipe{}, fmt.Errorf("a run with one node has %d containers", len(found))
	}
	node, err := api.ContainerInspect(ctx, found[0].ID)
	if err != nil {
		return recipe{}, err
	}
	r = recipe{config: node.Config, host: node.HostConfig}
	if r.socketDir, err = socketDir(node.HostConfig.Binds); err != nil {
		return recipe{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(node.NetworkSettings.Networks)) {
		if r.first, err = netip.ParseAddr(node.NetworkSettings.Networks[name].IPAddress); err != nil {
			return recipe{}, err
		}
		r.network, err = api.NetworkInspect(ctx, name, network.InspectOptions{})
	}
	return r, err
}

// socketDir is where a node sees its only bind: what it is told besides comes as
// a mount.
func socketDir(binds []string) (string, error) {
	if len(binds) != 1 {
		return "", fmt.Errorf("the nodes have the binds %q, want the one of NOTIFY_SOCKET: measure on the machine that the Docker engine runs on", binds)
	}
	_, inside, _ := strings.Cut(binds[0], ":")
	return inside, nil
}

// node returns the configuration of the floor's i-th node. Its volumes are
// named and labelled after the floor, and its socket is in dir.
func (r *recipe) node(i int, networkName, dir string, labels map[string]string) (*container.Config, *container.HostConfig, *network.NetworkingConfig) {
	name := fmt.Sprintf("%s-%d", networkName, i)
	config, host := *r.config, *r.host
	config.Hostname, config.Labels = fmt.Sprint("node-", i), labels
	host.NetworkMode = container.NetworkMode(networkName)
	host.Binds = slices.Clone(r.host.Binds)
	for b, bind := range host.Binds {
		if _, inside, found := strings.Cut(bind, ":"); found && strings.HasPrefix(inside, r.socketDir) {
			host.Binds[b] = dir + ":" + inside
		}
	}
	host.Mounts = slices.Clone(r.host.Mounts)
	for m := range host.Mounts {
		mount := &host.Mounts[m]
		if mount.VolumeOptions != nil {
			options := *mount.VolumeOptions
			options.Labels = labels
			mount.Source, mount.VolumeOptions = fmt.Sprintf("%s-%d", name, m), &options
		}
	}
	address := r.first
	for range i {
		address = address.Next()
	}
	return &config, &host, &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
		networkName: {IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: address.String()}, Aliases: []string{config.Hostname}},
	}}
}
