package docker

import (
	"context"
	"errors"
	"strings"

	"github.com/docker/docker/client"

	"github.com/dcosflow/dcosflow/backends"
)

// hints map what engines say to what the user can do. The first match counts.
var hints = []struct{ text, hint string }{
	{"no space left on device", "the engine's disk is full: `docker system df` shows what fills it, `dcosflow clean` removes what earlier runs left"},
	{"fully subnetted", "all address pools of the engine are used: `dcosflow clean` or `docker network prune` frees networks, or set `subnet` in the backend block"},
	{"could not find an available", "all address pools of the engine are used: `dcosflow clean` or `docker network prune` frees networks, or set `subnet` in the backend block"},
	{"Pool overlaps", "another network has these addresses: choose another `subnet` in the backend block, or leave it out"},
	{"permission denied while trying to connect", "this user may not use the Docker engine: run as root or join the group `docker`"},
	{"is paused", "somebody paused the node: `docker unpause` lets it go on"},
	{"is not running", "the node has stopped: `docker logs` shows its console"},
	{"bind source path does not exist", "the engine does not see the files of this machine: where dcosflow runs in a container, mount the directory of the runs at the same path in it"},
	{"Unable to fetch some archives", archiveHint},
	{"Temporary failure resolving", archiveHint},
	{"Unable to locate package", archiveHint},
	{errSilent.Error(), "look with `docker info`: if that hangs too, restart Docker"},
	{"too many open files", "raise the limit of inotify instances: `sysctl fs.inotify.max_user_instances=1024`"},
	{"connection reset by peer", closedHint},
	{"EOF", closedHint},
}

const archiveHint = "the Debian archive cannot be reached: check the network and the proxy, or name a mirror by " + MirrorVariable

const closedHint = "the Docker engine closed the connection: was it stopped or restarted?"

// trouble wraps an error of the engine, with a hint when the text is known. No
// error, the end of a context, and trouble that is wrapped already stay.
func trouble(op string, err error) error {
	if err == nil {
		return nil
	}
	if known := (*backends.TroubleError)(nil); errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	t := &backends.TroubleError{Op: op, Err: err}
	for _, h := range hints {
		if strings.Contains(err.Error(), h.text) {
			t.Hint = h.hint
			return t
		}
	}
	if client.IsErrConnectionFailed(err) {
		t.Hint = "is Docker running? Start it (`systemctl start docker`), or set DOCKER_HOST or `host` in the backend block to the address of an engine"
	}
	return t
}
