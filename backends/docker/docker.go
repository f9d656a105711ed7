// Package docker makes machines of Docker containers that boot systemd: one
// network with fixed addresses per cluster, one container and its volumes per
// node, reached by `docker exec` through the engine's API.
package docker
