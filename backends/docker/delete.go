package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
)

// Nodes lists the machines that exist. See backends.Backend.
func (b *Backend) Nodes(ctx context.Context, key backends.Key) ([]backends.Node, error) {
	ctx, over := b.vigil.attend(ctx)
	defer over()
	found, err := b.api.ContainerList(ctx, container.ListOptions{All: true, Filters: byKey(key)})
	if err != nil {
		return nil, cause(ctx, trouble("list the nodes", err))
	}
	slices.SortFunc(found, func(x, y container.Summary) int {
		return cmp.Or(cmp.Compare(x.Labels[labelCluster], y.Labels[labelCluster]), cmp.Compare(place(x), place(y)))
	})
	var nodes []backends.Node
	for _, c := range found {
		nodes = append(nodes, b.nodeOf(c))
	}
	return nodes, nil
}

func place(c container.Summary) int {
	n, _ := strconv.Atoi(c.Labels[labelPlace])
	return n
}

func (b *Backend) nodeOf(c container.Summary) backends.Node {
	name := c.Labels[labelNode]
	node := backends.Node{
		Name: name, Cluster: c.Labels[labelCluster], Role: backends.Role(c.Labels[labelRole]), Hostname: name, ID: c.ID,
		Stopped:   c.State != container.StateRunning,
		Transport: &transport{api: b.api, vigil: b.vigil, id: c.ID, node: name},
	}
	node.Index, _ = strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	for _, n := range c.NetworkSettings.Networks {
		// A stopped container has only the address that it asked for.
		if n.IPAMConfig != nil {
			node.Private, _ = netip.ParseAddr(n.IPAMConfig.IPv4Address)
		}
	}
	node.Public = node.Private
	return node
}

// patienceToDelete bounds how long Delete tries: endpoints vanish a moment
// after their containers, and what was being created may appear late.
const patienceToDelete = time.Minute

// Delete removes what bears the labels of a key. See backends.Backend.
func (b *Backend) Delete(ctx context.Context, key backends.Key) error {
	if key.Run == "" {
		return errors.New("delete machines: no run is given")
	}
	b.forget(key)
	return b.delete(ctx, key, byKey(key))
}

// Discard removes the container and the volumes of one node. See
// backends.Discarder.
func (b *Backend) Discard(ctx context.Context, key backends.Key, node string) error {
	if key.Run == "" || key.Cluster == "" || node == "" {
		return errors.New("remove a machine: its run, cluster or name is not given")
	}
	labels := byKey(key)
	labels.Add("label", labelNode+"="+node)
	return b.delete(ctx, key, labels)
}

func (b *Backend) delete(ctx context.Context, key backends.Key, labels filters.Args) error {
	ctx, over := b.vigil.attend(ctx)
	defer over()
	ctx, cancel := context.WithTimeoutCause(ctx, patienceToDelete, errors.New("some would not go away"))
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		found, err := b.find(ctx, labels)
		if err != nil {
			return cause(ctx, err)
		}
		if found.empty() {
			return nil
		}
		err = b.remove(ctx, found)
		if err == nil {
			continue // look again: something may have been in the making
		}
		if sleepErr := sleep(ctx, wait); sleepErr != nil {
			return trouble("delete the machines of run "+key.Run, fmt.Errorf("%w: %w", sleepErr, err))
		}
	}
}

// objects are the things that an engine has under some labels.
type objects struct {
	containers []container.Summary
	volumes    []*volume.Volume
	networks   []network.Summary
}

func (o objects) empty() bool {
	return len(o.containers)+len(o.volumes)+len(o.networks) == 0
}

func (b *Backend) find(ctx context.Context, labels filters.Args) (objects, error) {
	var o objects
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		o.containers, err = b.api.ContainerList(ctx, container.ListOptions{All: true, Filters: labels})
		return trouble("list containers", err)
	})
	g.Go(func() error {
		list, err := b.api.VolumeList(ctx, volume.ListOptions{Filters: labels})
		o.volumes = list.Volumes
		return trouble("list volumes", err)
	})
	g.Go(func() (err error) {
		o.networks, err = b.api.NetworkList(ctx, network.ListOptions{Filters: labels})
		return trouble("list networks", err)
	})
	return o, g.Wait()
}

// remove tries to remove everything: containers first, which hold the others.
func (b *Backend) remove(ctx context.Context, o objects) error {
	err := each(o.containers, func(c container.Summary) error {
		return b.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
	})
	return errors.Join(err,
		each(o.volumes, func(v *volume.Volume) error { return b.api.VolumeRemove(ctx, v.Name, true) }),
		each(o.networks, func(n network.Summary) error { return b.api.NetworkRemove(ctx, n.ID) }))
}

// each does the same to all, in parallel. What is gone already is no error.
func each[T any](all []T, do func(T) error) error {
	var mu sync.Mutex
	var errs []error
	var g errgroup.Group
	for _, one := range all {
		g.Go(func() error {
			if err := do(one); err != nil && !errdefs.IsNotFound(err) {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
			return nil
		})
	}
	_ = g.Wait()
	return errors.Join(errs...)
}

// Remnants lists what runs have, or left, on the engine. See backends.Sweeper.
func (b *Backend) Remnants(ctx context.Context) ([]backends.Remnant, error) {
	ctx, over := b.vigil.attend(ctx)
	defer over()
	found, err := b.find(ctx, byKey(backends.Key{}))
	if err != nil {
		return nil, cause(ctx, err)
	}
	runs := map[string]*backends.Remnant{}
	of := func(labels map[string]string) *backends.Remnant {
		run := labels[labelRun]
		if runs[run] == nil {
			r := &backends.Remnant{Run: run, Dir: labels[labelDir]}
			// An owner that cannot be read is nobody, so nobody who lives.
			_ = json.Unmarshal([]byte(labels[labelOwner]), &r.Owner)
			runs[run] = r
		}
		return runs[run]
	}
	for _, c := range found.containers {
		of(c.Labels).Containers++
	}
	for _, v := range found.volumes {
		of(v.Labels).Volumes++
	}
	for _, n := range found.networks {
		of(n.Labels).Networks++
	}
	var remnants []backends.Remnant
	for _, r := range runs {
		remnants = append(remnants, *r)
	}
	slices.SortFunc(remnants, func(x, y backends.Remnant) int { return cmp.Compare(x.Run, y.Run) })
	return remnants, nil
}
