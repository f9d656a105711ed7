package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"
)

// label is on everything that the floor makes; its value is the floor's name.
const label = "dcosflow.bench"

// floor does what cannot be left out to have booted nodes, and nothing else.
type floor struct {
	api    *client.Client
	name   string
	dir    string
	nodes  int
	recipe recipe
}

func newFloor(ctx context.Context, t *tool, nodes int) (*floor, error) {
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, err
	}
	r, err := readRecipe(ctx, api, t)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the recipe of a node: %w", err), api.Close())
	}
	return &floor{api: api, name: filepath.Base(t.dir), dir: t.dir, nodes: nodes, recipe: r}, nil
}

// provision creates one network, creates and starts all containers in parallel,
// and waits until every systemd has sent READY=1: that is the timed part. It
// copies no keys and asks no node whether units failed. Then it removes all.
func (f *floor) provision(ctx context.Context) (took time.Duration, err error) {
	defer func() { err = errors.Join(err, f.remove(ctx)) }()
	sockets := make([]*net.UnixConn, f.nodes)
	for i := range sockets {
		if err := os.MkdirAll(f.socketDir(i), 0o755); err != nil {
			return 0, err
		}
		path := filepath.Join(f.socketDir(i), "notify")
		sockets[i], err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			return 0, err
		}
		defer sockets[i].Close()
	}
	begin := time.Now()
	if err := f.makeNetwork(ctx); err != nil {
		return 0, fmt.Errorf("create the network: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, socket := range sockets {
		group.Go(func() error {
			if err := f.start(ctx, i); err != nil {
				return fmt.Errorf("start node %d: %w", i, err)
			}
			return booted(ctx, socket)
		})
	}
	err = group.Wait()
	return time.Since(begin), err
}

func (f *floor) socketDir(i int) string { return filepath.Join(f.dir, fmt.Sprint("node-", i)) }

// makeNetwork and start go on when ctx ends, so that nothing appears after the removal.
func (f *floor) makeNetwork(ctx context.Context) error {
	n := f.recipe.network
	_, err := f.api.NetworkCreate(context.WithoutCancel(ctx), f.name, network.CreateOptions{
		Driver: n.Driver, Options: n.Options, IPAM: &n.IPAM, Labels: f.labels(),
	})
	return err
}

func (f *floor) start(ctx context.Context, i int) error {
	config, host, networking := f.recipe.node(i, f.name, f.socketDir(i), f.labels())
	work := context.WithoutCancel(ctx)
	made, err := f.api.ContainerCreate(work, config, host, networking, nil, fmt.Sprintf("%s-%d", f.name, i))
	if err != nil {
		return err
	}
	return f.api.ContainerStart(work, made.ID, container.StartOptions{})
}

func (f *floor) labels() map[string]string { return map[string]string{label: f.name} }

// booted waits for READY=1, which systemd sends at the end of the boot.
func booted(ctx context.Context, socket *net.UnixConn) error {
	defer context.AfterFunc(ctx, func() { _ = socket.SetReadDeadline(time.Now()) })()
	message := make([]byte, 4096)
	for {
		n, err := socket.Read(message)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		for line := range bytes.Lines(message[:n]) {
			if string(bytes.TrimSpace(line)) == "READY=1" {
				return nil
			}
		}
	}
}

// remove removes everything that bears the floor's label, also after a Ctrl-C.
func (f *floor) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	ours := filters.NewArgs(filters.Arg("label", label+"="+f.name))
	containers, err := f.api.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, c := range containers {
		group.Go(func() error {
			return f.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
		})
	}
	errs := []error{group.Wait()}
	volumes, err := f.api.VolumeList(ctx, volume.ListOptions{Filters: ours})
	errs = append(errs, err)
	for _, v := range volumes.Volumes {
		errs = append(errs, f.api.VolumeRemove(ctx, v.Name, true))
	}
	if err := f.api.NetworkRemove(ctx, f.name); !errdefs.IsNotFound(err) {
		errs = append(errs, err)
	}
	for i := range f.nodes {
		errs = append(errs, os.RemoveAll(f.socketDir(i)))
	}
	return errors.Join(errs...)
}
