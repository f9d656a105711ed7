package docker

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/dcosflow/dcosflow/backends"
)

// pools are the addresses that clusters share, away from those that engines
// hand out by themselves.
var pools = netip.MustParsePrefix("10.213.0.0/16")

// usual is the prefix length of a network, unless more nodes need a shorter one.
const usual = 24

// Allocate makes the network of a cluster, which fixes the addresses of its
// nodes, and the keys. See backends.Backend.
func (b *Backend) Allocate(ctx context.Context, spec backends.Spec) ([]backends.Node, error) {
	ctx, over := b.vigil.attend(ctx)
	defer over()
	b.allocating.Lock()
	defer b.allocating.Unlock()
	net, err := b.network(ctx, spec)
	if err != nil {
		return nil, cause(ctx, err)
	}
	b.settled[spec.Key] = net
	nodes := spec.Nodes()
	address := net.subnet.Addr().Next() // the gateway's
	for i := range nodes {
		address = address.Next()
		nodes[i].Private, nodes[i].Public = address, address
	}
	if err := makeKeys(ctx, spec, nodes); err != nil {
		return nil, fmt.Errorf("make the keys of cluster %s: %w", spec.Cluster, err)
	}
	return nodes, nil
}

// subnetwork is a network of the engine. Its name may be that of two: an engine
// goes on making a network for a process that was killed, and the process that
// resumes the run does not see that one yet.
type subnetwork struct {
	id     string
	subnet netip.Prefix
}

// patienceForNetworks is how long the network of a killed process may be in the
// making: it has its name and subnet, and is not listed.
const patienceForNetworks = time.Second

// network finds or makes the network of a cluster. Once it has, that one stays.
func (b *Backend) network(ctx context.Context, spec backends.Spec) (subnetwork, error) {
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		ours, used, err := b.networks(ctx, spec.Key)
		if err != nil {
			return subnetwork{}, err
		}
		if len(ours) > 0 {
			return b.choose(ctx, spec.Key, ours)
		}
		made, err := b.newNetwork(ctx, spec, used)
		if err == nil || wait > patienceForNetworks || !errdefs.IsConflict(err) && !overlaps(err) {
			return made, trouble("make the network of cluster "+spec.Cluster, err)
		}
		if err := sleep(ctx, wait); err != nil {
			return subnetwork{}, err
		}
	}
}

// networks lists those of a cluster, and the subnets of all.
func (b *Backend) networks(ctx context.Context, key backends.Key) (ours []subnetwork, used []netip.Prefix, err error) {
	existing, err := b.api.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return nil, nil, trouble("list the networks", err)
	}
	for _, n := range existing {
		subnets := subnetsOf(n)
		if n.Labels[labelRun] == key.Run && n.Labels[labelCluster] == key.Cluster && len(subnets) > 0 {
			ours = append(ours, subnetwork{n.ID, subnets[0]})
		}
		used = append(used, subnets...)
	}
	return ours, used, nil
}

// forget lets clusters have another network.
func (b *Backend) forget(key backends.Key) {
	b.allocating.Lock()
	defer b.allocating.Unlock()
	maps.DeleteFunc(b.settled, func(k backends.Key, _ subnetwork) bool {
		return k.Run == key.Run && (key.Cluster == "" || k.Cluster == key.Cluster)
	})
}

func (b *Backend) networkID(key backends.Key) string {
	b.allocating.Lock()
	defer b.allocating.Unlock()
	return b.settled[key].id
}

// choose settles on one of the networks of a cluster: the one that it has got,
// or its containers have, else the first. Delete removes the others too.
func (b *Backend) choose(ctx context.Context, key backends.Key, ours []subnetwork) (subnetwork, error) {
	if i := slices.Index(ours, b.settled[key]); i >= 0 {
		return ours[i], nil
	}
	if len(ours) == 1 {
		return ours[0], nil
	}
	containers, err := b.api.ContainerList(ctx, container.ListOptions{All: true, Filters: byKey(key)})
	if err != nil {
		return subnetwork{}, trouble("list the containers of cluster "+key.Cluster, err)
	}
	for _, c := range containers {
		for _, endpoint := range c.NetworkSettings.Networks {
			at := slices.IndexFunc(ours, func(s subnetwork) bool { return in(endpoint, s) })
			if at >= 0 {
				return ours[at], nil
			}
		}
	}
	slices.SortFunc(ours, func(x, y subnetwork) int { return strings.Compare(x.id, y.id) })
	return ours[0], nil
}

// in says whether an endpoint is in a network. One of a container that does not
// run has only the address that it asked for.
func in(endpoint *network.EndpointSettings, s subnetwork) bool {
	if endpoint.IPAMConfig == nil {
		return endpoint.NetworkID == s.id
	}
	address, err := netip.ParseAddr(endpoint.IPAMConfig.IPv4Address)
	return endpoint.NetworkID == s.id || err == nil && s.subnet.Contains(address)
}

// newNetwork makes the network of a cluster beside those subnets that are used.
func (b *Backend) newNetwork(ctx context.Context, spec backends.Spec, used []netip.Prefix) (subnetwork, error) {
	length, err := prefixLength(len(spec.Nodes()))
	if err != nil {
		return subnetwork{}, err
	}
	if b.subnet.IsValid() {
		if b.subnet.Bits() > length {
			return subnetwork{}, fmt.Errorf("cluster %s has %d nodes: its subnet %s is too small, it must be a /%d at least", spec.Cluster, len(spec.Nodes()), b.subnet, length)
		}
		id, err := b.makeNetwork(ctx, spec, b.subnet)
		return subnetwork{id, b.subnet}, err
	}
	length = min(length, usual)
	used = append(used, b.hostSubnets()...)
	for subnet := range walk(spec.Key, length) {
		if slices.ContainsFunc(used, subnet.Overlaps) {
			continue
		}
		// Another process may be faster, or the engine may know more.
		id, err := b.makeNetwork(ctx, spec, subnet)
		if err == nil {
			return subnetwork{id, subnet}, nil
		}
		if !overlaps(err) {
			return subnetwork{}, err
		}
	}
	return subnetwork{}, &backends.TroubleError{
		Op: "make the network of cluster " + spec.Cluster, Err: fmt.Errorf("no free /%d is left in %s", length, pools),
		Hint: "`dcosflow clean` removes the networks that earlier runs left, or set `subnet` in the backend block",
	}
}

func (b *Backend) makeNetwork(ctx context.Context, spec backends.Spec, subnet netip.Prefix) (id string, err error) {
	labels, err := clusterLabels(spec)
	if err != nil {
		return "", err
	}
	// It goes on when ctx ends, so that nothing appears after a deletion.
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	work, over := b.vigil.attend(work)
	defer over()
	options := map[string]string{}
	if mtu, err := b.defaultMTU(ctx); err != nil {
		return "", err
	} else if mtu != "" {
		options[optionMTU] = mtu
	}
	// What has no address of ours takes one from the upper half, so it can
	// never take that of a node that is stopped.
	created, err := b.api.NetworkCreate(work, networkName(spec.Key), network.CreateOptions{
		Driver: "bridge", Labels: labels, Options: options,
		IPAM: &network.IPAM{Config: []network.IPAMConfig{{
			Subnet: subnet.String(), Gateway: subnet.Addr().Next().String(), IPRange: upperHalf(subnet).String(),
		}}},
	})
	return created.ID, cause(work, err)
}

func networkName(key backends.Key) string { return objectName(key.Run, key.Cluster) }

const optionMTU = "com.docker.network.driver.mtu"

// defaultMTU is that of the default bridge: networks made through the API do
// not take over what the administrator set for the engine.
func (b *Backend) defaultMTU(ctx context.Context) (string, error) {
	bridge, err := b.api.NetworkInspect(ctx, "bridge", network.InspectOptions{})
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	return bridge.Options[optionMTU], err
}

// walk yields every subnet of the pools once. Where it begins depends on the
// cluster, so that processes seldom want the same.
func walk(key backends.Key, length int) func(yield func(netip.Prefix) bool) {
	return func(yield func(netip.Prefix) bool) {
		count := uint32(1) << (length - pools.Bits())
		sum := fnv.New32a()
		fmt.Fprintf(sum, "%s/%s", key.Run, key.Cluster)
		first := sum.Sum32()
		for i := range count {
			if !yield(nth(pools, (first+i)%count, length)) {
				return
			}
		}
	}
}

// nth returns the n-th subnet of a length inside a prefix.
func nth(p netip.Prefix, n uint32, length int) netip.Prefix {
	raw := p.Masked().Addr().As4()
	value := uint32(raw[0])<<24 | uint32(raw[1])<<16 | uint32(raw[2])<<8 | uint32(raw[3])
	value += n << (32 - length)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), length)
}

func upperHalf(p netip.Prefix) netip.Prefix { return nth(p, 1, p.Bits()+1) }

// prefixLength is that of the smallest network whose lower half has room for
// the nodes, the gateway and the network's own address.
func prefixLength(nodes int) (int, error) {
	length := 31 - bits.Len(uint(nodes+1))
	if length < pools.Bits() {
		return 0, fmt.Errorf("%d nodes are too many for one network", nodes)
	}
	return length, nil
}

func parseSubnet(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() || p.Bits() > 29 {
		return netip.Prefix{}, fmt.Errorf("%q is no IPv4 subnet with room for nodes: write an address and a prefix length of at most 29, such as \"10.20.0.0/24\"", s)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has bits set behind its prefix: write %q", s, p.Masked())
	}
	return p, nil
}

func subnetsOf(n network.Summary) []netip.Prefix {
	var subnets []netip.Prefix
	for _, c := range n.IPAM.Config {
		if p, err := netip.ParsePrefix(c.Subnet); err == nil {
			subnets = append(subnets, p)
		}
	}
	return subnets
}

// hostSubnets are those that this machine is in, if the engine runs on it: a
// cluster's network must not hide them.
func (b *Backend) hostSubnets() []netip.Prefix {
	addresses, err := net.InterfaceAddrs()
	if err != nil || !b.local() {
		return nil
	}
	var subnets []netip.Prefix
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			subnets = append(subnets, p.Masked())
		}
	}
	return subnets
}

// overlaps tells an error that another subnet may avoid. The last is what the
// engine says of the very same pool.
func overlaps(err error) bool {
	return slices.ContainsFunc([]string{"Pool overlaps", "conflicts with network", "Address already in use"},
		func(text string) bool { return strings.Contains(err.Error(), text) })
}

// local says that the engine shares this machine's files.
func (b *Backend) local() bool { return strings.HasPrefix(b.api.DaemonHost(), "unix://") }

// cause returns why ctx ended when that is the reason of err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return context.Cause(ctx)
	}
	return err
}
