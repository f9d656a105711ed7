package docker

import (
	"fmt"

	"github.com/docker/docker/client"
)

// connect makes a client; it does not connect yet. An empty host means
// DOCKER_HOST, else the machine's own engine.
func connect(host string) (*client.Client, error) {
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		options = append(options, client.WithHost(host))
	}
	api, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("address of the Docker engine: %w", err)
	}
	return api, nil
}
