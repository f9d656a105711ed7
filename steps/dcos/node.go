package dcos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dcosflow/dcosflow/backends"
)

// versionFile tells which DC/OS a node has.
const versionFile = "/opt/mesosphere/etc/dcos-version.json"

// Installed returns the version of DC/OS on a node.
func Installed(ctx context.Context, node *backends.Node) (string, error) {
	var stdout bytes.Buffer
	err := node.Transport.Run(ctx, backends.Command{Args: []string{"cat", versionFile}, Stdout: &stdout})
	var exit *backends.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("DC/OS is not installed on %s: it has no %s", node.Name, versionFile)
	} else if err != nil {
		return "", err
	}
	var v Version
	if err := json.Unmarshal(stdout.Bytes(), &v); err != nil {
		return "", fmt.Errorf("read %s of %s: %w", versionFile, node.Name, err)
	}
	return v.Version, nil
}

// HealthScope says what a health check looks at.
type HealthScope string

// The scopes: this node's own components, or the cluster as this node sees it.
const (
	NodeHealth    HealthScope = "node"
	ClusterHealth HealthScope = "cluster"
)

// HealthCommand runs the health tool of the installed version: the check runner
// from 1.12 on, dcos-diagnostics in 1.10 and 1.11, 3dt before.
func HealthCommand(scope HealthScope) []string {
	check := map[HealthScope]string{NodeHealth: "node-poststart", ClusterHealth: "cluster"}[scope]
	return []string{"/bin/sh", "-c", fmt.Sprintf(`b=/opt/mesosphere/bin
if [ -x $b/dcos-check-runner ]; then exec $b/dcos-shell $b/dcos-check-runner check %[1]s
elif [ -f /opt/mesosphere/etc/dcos-diagnostics-runner-config.json ]; then exec $b/dcos-shell $b/dcos-diagnostics check %[1]s
elif [ -x $b/3dt ]; then exec $b/dcos-shell $b/3dt --diag
else echo "DC/OS is not installed yet: no health tool in $b" >&2; exit 3
fi`, check)}
}

// Unhealthy returns "check: output" for each check of a health tool's report
// that is not well, sorted; nil when the report is not JSON.
func Unhealthy(report string) []string {
	var r struct {
		Checks map[string]struct {
			Status int    `json:"status"`
			Output string `json:"output"`
		} `json:"checks"`
	}
	if json.Unmarshal([]byte(report), &r) != nil {
		return nil
	}
	var out []string
	for name, c := range r.Checks {
		if c.Status != 0 {
			out = append(out, name+": "+strings.TrimSpace(c.Output))
		}
	}
	slices.Sort(out)
	return out
}

// NodePath turns a bootstrap URL of the file scheme into the path on a node.
func NodePath(url string) (string, error) {
	path, ok := strings.CutPrefix(url, "file://")
	if !ok || !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("the bundle's url must start with file:///, as genconf makes it, not %q", url)
	}
	return path, nil
}
