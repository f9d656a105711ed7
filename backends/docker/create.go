package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"

	"github.com/dcosflow/dcosflow/backends"
)

// stateDirs are the directories that nodes keep in volumes: inner layers need a
// real file system, and the journal should be fast and survive a restart.
var stateDirs = map[string]string{"docker": "/var/lib/docker", "journal": "/var/log/journal"}

// Prepare makes the image of the nodes available.
func (b *Backend) Prepare(ctx context.Context, progress func(line string)) error {
	ctx, over := b.vigil.attend(ctx)
	defer over()
	if b.image == "" {
		_, err := b.images.Build(ctx, b.distribution, progress)
		return cause(ctx, err)
	}
	found, err := b.images.has(ctx, b.image)
	if err != nil || found {
		return cause(ctx, err)
	}
	progress("pulling " + b.image)
	if err := b.images.pull(ctx, b.image); err != nil {
		err = &backends.TroubleError{Op: "pull " + b.image, Err: err, Hint: "build the image or load it into the engine, or correct `image` in the backend block"}
		return cause(ctx, err)
	}
	return nil
}

// nodeImage is the image of the nodes, as Prepare made it.
func (b *Backend) nodeImage(ctx context.Context) (string, error) {
	if b.image != "" {
		return b.image, nil
	}
	return b.images.ref(ctx, b.distribution)
}

// Create makes one node and waits until it has booted. See backends.Backend.
func (b *Backend) Create(ctx context.Context, spec backends.Spec, name string) (backends.Boot, error) {
	ctx, over := b.vigil.attend(ctx)
	defer over()
	begin := time.Now()
	boot, err := b.create(ctx, spec, name)
	if err != nil {
		return backends.Boot{}, cause(ctx, err)
	}
	boot.Took = time.Since(begin)
	return boot, nil
}

func (b *Backend) create(ctx context.Context, spec backends.Spec, name string) (backends.Boot, error) {
	if ctx.Err() != nil {
		return backends.Boot{}, context.Cause(ctx)
	}
	nodes, err := b.Allocate(ctx, spec)
	if err != nil {
		return backends.Boot{}, err
	}
	place := slices.IndexFunc(nodes, func(n backends.Node) bool { return n.Name == name })
	if place < 0 {
		return backends.Boot{}, fmt.Errorf("create node %s: cluster %s has no such node", name, spec.Cluster)
	}
	m := &machine{backend: b, spec: spec, node: nodes[place], place: place, network: b.networkID(spec.Key)}
	if m.signal, err = listen(b.local(), spec, name); err != nil {
		return backends.Boot{}, fmt.Errorf("create node %s: %w", name, err)
	}
	defer m.signal.close()
	if err := m.start(ctx); err != nil {
		return backends.Boot{}, err
	}
	return m.boot(ctx)
}

// machine is a node in the making.
type machine struct {
	backend *Backend
	spec    backends.Spec
	node    backends.Node
	place   int
	signal  *signal
	network string // its id
	// fresh says that it did not run before.
	fresh bool
}

func (m *machine) containerName() string {
	return objectName(m.spec.Run, m.spec.Cluster, m.node.Name)
}

// start makes the container, or finds it, and starts it. The first attempts on
// an engine may teach what it can do.
func (m *machine) start(ctx context.Context) error {
	r, err := m.backend.recipe(ctx)
	if err != nil {
		return err
	}
	op := "create node " + m.node.Name
	for {
		err := m.tryStart(ctx, r)
		if err == nil {
			m.backend.learn(r)
			return nil
		}
		if ctx.Err() != nil || !r.adapt(err) {
			return trouble(op, err)
		}
		if err := m.discard(ctx); err != nil {
			return trouble(op, err)
		}
	}
}

// discard removes the container of an attempt that failed, if there is one.
func (m *machine) discard(ctx context.Context) error {
	if m.node.ID == "" {
		return nil
	}
	err := m.backend.api.ContainerRemove(ctx, m.node.ID, container.RemoveOptions{Force: true})
	m.node.ID = ""
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func (m *machine) tryStart(ctx context.Context, r recipe) error {
	api := m.backend.api
	running, err := m.make(ctx, r)
	if err != nil || running {
		return err
	}
	m.fresh = true
	files, err := nodeKeys(m.spec, m.node.Name)
	if err != nil {
		return err
	}
	archive, err := pack(files)
	if err != nil {
		return err
	}
	if err := api.CopyToContainer(ctx, m.node.ID, "/", archive, container.CopyToContainerOptions{}); err != nil {
		return fmt.Errorf("copy the keys: %w", err)
	}
	select {
	case m.backend.starts <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-m.backend.starts }()
	return api.ContainerStart(ctx, m.node.ID, container.StartOptions{})
}

// make creates the container or finds it, and says whether it runs already. It
// goes on when ctx ends: a container whose creation was given up could appear
// after everything has been deleted.
func (m *machine) make(ctx context.Context, r recipe) (running bool, err error) {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	work, over := m.backend.vigil.attend(work)
	defer over()
	config, host, networking, err := m.configs(ctx, r)
	if err != nil {
		return false, err
	}
	created, err := m.backend.api.ContainerCreate(work, config, host, networking, nil, m.containerName())
	err = cause(work, err)
	if errdefs.IsConflict(err) {
		return m.adopt(work, config.Labels)
	}
	if errdefs.IsNotFound(err) {
		return false, &backends.TroubleError{Op: "use the image " + config.Image, Err: err, Hint: "`dcosflow image build` builds it"}
	}
	m.node.ID = created.ID
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return false, err
}

// adopt takes over the container that has the name, if it is this node.
func (m *machine) adopt(ctx context.Context, labels map[string]string) (running bool, err error) {
	c, err := m.backend.api.ContainerInspect(ctx, m.containerName())
	if err != nil {
		return false, err
	}
	for _, l := range []string{labelRun, labelCluster, labelNode} {
		if c.Config.Labels[l] != labels[l] {
			return false, fmt.Errorf("the name %s belongs to a container that is not this node", m.containerName())
		}
	}
	if c.State.Paused {
		return false, errors.New("the node is paused")
	}
	m.node.ID = c.ID
	return c.State.Running, nil
}

func (m *machine) configs(ctx context.Context, r recipe) (*container.Config, *container.HostConfig, *network.NetworkingConfig, error) {
	image, err := m.backend.nodeImage(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	ours, err := nodeLabels(m.spec, m.node, m.place)
	if err != nil {
		return nil, nil, nil, err
	}
	shared, err := m.shared()
	if err != nil {
		return nil, nil, nil, err
	}
	config := &container.Config{
		Image: image, Hostname: m.node.Hostname, Tty: true, StopSignal: "SIGRTMIN+3",
		Entrypoint: []string{}, Cmd: bootCommand(m.backend.image != ""),
		Env: []string{"container=docker"}, User: "root", WorkingDir: "/",
		Labels: m.backend.containerLabels(m.node, ours),
	}
	host := &container.HostConfig{
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		NetworkMode:   container.NetworkMode(m.network),
		Binds:         m.signal.binds(),
		Mounts:        append(m.volumes(ours), shared...),
	}
	r.apply(host)
	networking := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
		m.network: {
			IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: m.node.Private.String()},
			Aliases:    []string{m.node.Name},
		},
	}}
	return config, host, networking, nil
}

func (m *machine) volumes(labels map[string]string) []mount.Mount {
	var mounts []mount.Mount
	for purpose, dir := range stateDirs {
		mounts = append(mounts, mount.Mount{
			Type: mount.TypeVolume, Source: objectName(m.spec.Run, m.spec.Cluster, m.node.Name, purpose), Target: dir,
			VolumeOptions: &mount.VolumeOptions{Labels: labels},
		})
	}
	return mounts
}

// pack makes a tar stream. Directories that are missing on the node are made
// with its defaults.
func pack(files []file) (*bytes.Buffer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	// sshd does not trust keys in a directory that others may write to.
	dir := &tar.Header{Typeflag: tar.TypeDir, Name: path.Dir(files[0].name) + "/", Mode: 0o700}
	if err := w.WriteHeader(dir); err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := addFile(w, f); err != nil {
			return nil, err
		}
	}
	return &buf, w.Close()
}
