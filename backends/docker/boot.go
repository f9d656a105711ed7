package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/dcosflow/dcosflow/backends"
)

// patience is how long systemd may take to tell that it has booted before it is
// asked. It is asked at firstLook, and then ever less often, where it cannot
// tell: images with an old systemd, or engines on other machines.
const (
	patience   = 3 * time.Second
	firstLook  = 50 * time.Millisecond
	laterLooks = 500 * time.Millisecond
)

// retried is the unit that now and then fails when many nodes start at once,
// because they share the host's hierarchy of control groups.
const retried = "systemd-tmpfiles-setup.service"

// boot waits until systemd has started everything, and fails at once when the
// container dies.
func (m *machine) boot(ctx context.Context) (backends.Boot, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the wait for the container's end
	ended, waitErr := m.backend.api.ContainerWait(ctx, m.node.ID, container.WaitConditionNotRunning)
	t := &transport{api: m.backend.api, id: m.node.ID, node: m.node.Name}
	ready, look := m.signal.ready(), firstLook
	if m.fresh && m.signal.conn != nil {
		look = patience
	}
	for {
		timer := time.NewTimer(look)
		select {
		case <-ready:
			ready = nil // a look now tells; should it not, look again and again
		case <-timer.C:
		case end := <-ended:
			return backends.Boot{}, m.dead(ctx, end.StatusCode)
		case err := <-waitErr:
			return backends.Boot{}, trouble("wait for node "+m.node.Name, err)
		case <-ctx.Done():
			return backends.Boot{}, context.Cause(ctx)
		}
		timer.Stop()
		state, failed, err := t.systemd(ctx)
		if err == nil && (state == "running" || state == "degraded") {
			m.node.Transport = t
			return backends.Boot{Node: m.node, State: state, FailedUnits: failed}, nil
		}
		look = min(look*2, laterLooks)
	}
}

// systemd asks for the state of the machine and its failed units.
func (t *transport) systemd(ctx context.Context) (state string, failed []string, err error) {
	script := `ask() { systemctl is-system-running; systemctl list-units --failed --plain --no-legend; }
		out=$(ask)
		case $out in *` + retried + `*) systemctl restart ` + retried + `; out=$(ask) ;; esac
		printf '%s\n' "$out"`
	out, err := t.plain(ctx, []string{"sh", "-c", script})
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) == 1 && state == "" {
			state = words[0]
		} else if len(words) > 1 {
			failed = append(failed, words[0])
		}
	}
	return state, failed, err
}

// bootHints map what systemd and engines say when a node cannot boot to what
// the user can do. The first match counts.
var bootHints = []struct{ text, hint string }{
	{"init.scope control group: Read-only file system", "the control groups are read-only in containers: with cgroup v2, use Docker 28 or newer"},
	{"init.scope control group: No such file", "the engine gives containers no control groups of their own: use Docker 20.10 or newer"},
	{"alternative telinit", "the engine puts its own init before systemd: remove `init: true` from its configuration"},
	{"219/CGROUP", "too many nodes started at once for the host's control groups: run again, or start fewer"},
	{"too many open files", "raise the limit of inotify instances: `sysctl fs.inotify.max_user_instances=1024`"},
	{"/sbin/init: not found", "the image has no systemd: `image` in the backend block must name one that boots with /sbin/init"},
	{"exec: /sbin/init", "the image has no systemd: `image` in the backend block must name one that boots with /sbin/init"},
}

// dead explains why a node's container ended while it should boot.
func (m *machine) dead(ctx context.Context, code int64) error {
	reason := fmt.Sprintf("the container ended with exit code %d while the node booted", code)
	log := m.log(ctx)
	if log != "" {
		reason += "; the last lines were:\n" + log
	}
	t := &backends.TroubleError{Op: "create node " + m.node.Name, Err: errors.New(reason)}
	for _, h := range bootHints {
		if strings.Contains(log, h.text) {
			t.Hint = h.hint
			break
		}
	}
	return t
}

// log returns the last lines of the node's console.
func (m *machine) log(ctx context.Context) string {
	stream, err := m.backend.api.ContainerLogs(ctx, m.node.ID, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: fmt.Sprint(tailLines)})
	if err != nil {
		return ""
	}
	defer stream.Close()
	text, _ := io.ReadAll(stream)
	return strings.TrimSpace(colours.ReplaceAllString(strings.ReplaceAll(string(text), "\r", ""), ""))
}
