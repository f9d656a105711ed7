// Package docker makes machines of Docker containers that boot systemd: one
// network with fixed addresses per cluster, one container and its volumes per
// node, reached by `docker exec` through the engine's API.
package docker

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/docker/docker/client"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
)

// Type returns the kind of backend.
func Type() backends.Type {
	return backends.Type{
		Name: "docker",
		Doc: "Machines are Docker containers that boot systemd. Each has a fixed address on its cluster's own network, " +
			"an inner Docker with a volume of its own, and an SSH server that knows the run's key.",
		Schema: schema.Block{
			Attributes: []schema.Attribute{
				{Name: "distribution", Type: cty.String, Values: Distributions(), Doc: "What the nodes run; `debian-12` unless `image` is set. The image is built when it is first needed."},
				{Name: "image", Public: true, Type: cty.String, Doc: "An image of your own instead, which must have systemd as `/sbin/init`. It is pulled when the engine does not have it."},
				{Name: "host", Type: cty.String, Doc: "Address of the Docker engine, such as `unix:///var/run/docker.sock` or `tcp://10.0.0.5:2376`. By default `DOCKER_HOST`, else the machine's own engine."},
				{Name: "subnet", Public: true, Type: cty.String, Doc: "IPv4 addresses of the network, such as `10.20.0.0/24`, which fixes those of the nodes; for workflows with one cluster. By default a free subnet is chosen."},
				{Name: "labels", Public: true, Type: cty.Map(cty.String), Doc: "Labels for the containers, besides our own `dcosflow.*`."},
			},
			AtMostOne: [][]string{{"distribution", "image"}},
			Check:     check,
		},
		Role: schema.Block{Attributes: []schema.Attribute{
			{Name: "labels", Public: true, Type: cty.Map(cty.String), Doc: "Labels for the containers of the role; they win over those of the backend."},
		}},
		Destroys: true,
		New:      open,
	}
}

// config is a decoded backend block.
type config struct {
	Distribution *string           `cty:"distribution"`
	Image        *string           `cty:"image"`
	Host         *string           `cty:"host"`
	Subnet       *string           `cty:"subnet"`
	Labels       map[string]string `cty:"labels"`
}

type roleConfig struct {
	Labels map[string]string `cty:"labels"`
}

func check(cfg cty.Value) []schema.Problem {
	v := cfg.GetAttr("subnet")
	if !v.IsKnown() || v.IsNull() {
		return nil
	}
	v, _ = v.Unmark()
	if _, err := parseSubnet(v.AsString()); err != nil {
		return []schema.Problem{{
			Attribute: "subnet", Summary: "Invalid subnet", Detail: err.Error(),
		}}
	}
	return nil
}

// Backend makes clusters on one Docker engine.
type Backend struct {
	api    *client.Client
	vigil  *vigil
	images *Images
	// distribution is what to build, image what to use instead of it.
	distribution, image string
	subnet              netip.Prefix
	labels              map[string]string
	roleLabels          map[backends.Role]map[string]string
	// bootLimit is when a node that does not boot is given up.
	bootLimit time.Duration
	// starts has room for as many containers as the engine starts at once
	// with profit: it works one after the other in large part.
	starts chan struct{}
	// allocating keeps two allocations of one cluster from making two networks;
	// settled are the networks that clusters have got.
	allocating sync.Mutex
	settled    map[backends.Key]subnetwork
	engine     engineFacts
}

var (
	_ backends.Backend   = (*Backend)(nil)
	_ backends.Preparer  = (*Backend)(nil)
	_ backends.Discarder = (*Backend)(nil)
	_ backends.Sweeper   = (*Backend)(nil)
)

const parallelStarts = 4

func open(c backends.Config) (backends.Backend, error) {
	var cfg config
	if err := schema.Decode(c.Value, &cfg); err != nil {
		return nil, fmt.Errorf("backend %s: %w", c.Name, err)
	}
	b := &Backend{
		distribution: distributions[0].name,
		labels:       cfg.Labels,
		roleLabels:   map[backends.Role]map[string]string{},
		bootLimit:    bootLimit,
		starts:       make(chan struct{}, parallelStarts),
		settled:      map[backends.Key]subnetwork{},
	}
	var host string
	for to, from := range map[*string]*string{&b.distribution: cfg.Distribution, &b.image: cfg.Image, &host: cfg.Host} {
		if from != nil {
			*to = *from
		}
	}
	if cfg.Subnet != nil {
		subnet, err := parseSubnet(*cfg.Subnet)
		if err != nil {
			return nil, fmt.Errorf("backend %s: %w", c.Name, err)
		}
		b.subnet = subnet
	}
	for role, value := range c.Roles {
		var r roleConfig
		if err := schema.Decode(value, &r); err != nil {
			return nil, fmt.Errorf("backend %s, role %s: %w", c.Name, role, err)
		}
		b.roleLabels[role] = r.Labels
	}
	api, err := connect(host)
	if err != nil {
		return nil, fmt.Errorf("backend %s: %w", c.Name, err)
	}
	b.api, b.vigil = api, newVigil(api)
	b.images = &Images{api: api, vigil: b.vigil}
	return b, nil
}
