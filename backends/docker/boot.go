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
// asked. Where it cannot tell (images with an old systemd, engines on other
// machines) it is asked at earliest, and then again and again: a command that
// comes before systemd has made its control groups would keep it from that. A
// node that ran before is asked at once.
const (
	patience   = 3 * time.Second
	earliest   = time.Second
	firstLook  = 50 * time.Millisecond
	laterLooks = 500 * time.Millisecond
)

// bootLimit is when an attempt gives a node up. Boots take seconds, on busy machines
// tens of them.
const bootLimit = 2 * time.Minute

// retried is the unit that now and then fails when many nodes start at once,
// because they share the host's hierarchy of control groups.
const retried = "systemd-tmpfiles-setup.service"

// boot waits until systemd has started everything, and fails at once when the
// container dies.
func (m *machine) boot(ctx context.Context) (backends.Boot, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.backend.bootLimit, errBoot)
	defer cancel() // ends the wait for the container's end
	boot, err := m.booted(ctx)
	if errors.Is(context.Cause(ctx), errBoot) && err != nil {
		return backends.Boot{}, m.stuck(context.WithoutCancel(ctx))
	}
	return boot, err
}

var errBoot = errors.New("the node has not booted")

func (m *machine) booted(ctx context.Context) (backends.Boot, error) {
	ended, waitErr := m.backend.api.ContainerWait(ctx, m.node.ID, container.WaitConditionNotRunning)
	t := &transport{api: m.backend.api, vigil: m.backend.vigil, id: m.node.ID, node: m.node.Name}
	ready, look := m.signal.ready(), firstLook
	switch {
	case m.fresh && m.signal.conn != nil:
		look = patience
	case m.fresh:
		look = earliest
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
	script := `ask() {
			failed= state=$(systemctl is-system-running)
			[ "$state" != degraded ] || failed=$(systemctl list-units --failed --plain --no-legend)
		}
		ask
		case $failed in *` + retried + `*) systemctl restart ` + retried + `; ask ;; esac
		printf '%s\n' "$state" "$failed"`
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
	{"has not booted within", "systemd must run in the node and say `running` or `degraded`: `image` in the backend block may have another init; `systemctl list-jobs` on a node that is kept (`--keep`) shows what hangs"},
	{"exec: /sbin/init", "the image has no systemd: `image` in the backend block must name one that boots with /sbin/init"},
}

// dead explains why a node's container ended while it should boot.
func (m *machine) dead(ctx context.Context, code int64) error {
	return m.unbooted(ctx, fmt.Sprintf("the container ended with exit code %d%s while the node booted", code, meaning(int(code), false)))
}

// stuck is a node that lives and does not boot.
func (m *machine) stuck(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	return m.unbooted(ctx, fmt.Sprintf("the node has not booted within %v", m.backend.bootLimit))
}

func (m *machine) unbooted(ctx context.Context, reason string) error {
	log := m.log(ctx)
	if log != "" {
		reason += "; the last lines were:\n" + log
	}
	t := &backends.TroubleError{Op: "create node " + m.node.Name, Err: errors.New(reason)}
	for _, h := range bootHints {
		if strings.Contains(reason, h.text) {
			t.Hint = h.hint
			break
		}
	}
	return t
}

// meaning says what the exit code of a node tells, as a remark behind it.
func meaning(code int, outOfMemory bool) string {
	switch {
	case outOfMemory:
		return " (out of memory)"
	case code == 129:
		return " (it rebooted)"
	case code == 130:
		return " (it was shut down)"
	case code == 137:
		return " (it was killed)"
	case code == 255:
		return " (systemd gave up)"
	}
	return ""
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
