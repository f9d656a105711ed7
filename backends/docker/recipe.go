package docker

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/container"
)

// recipe is how the engine at hand boots systemd in a container.
type recipe struct {
	securityOpt []string
	// drop are the capabilities that a node does not get.
	drop []string
}

// engineFacts are what an engine was found to be able to.
type engineFacts struct {
	mu     sync.Mutex
	recipe *recipe
}

// recipe asks the engine once which recipe is for it.
func (b *Backend) recipe(ctx context.Context) (recipe, error) {
	b.engine.mu.Lock()
	defer b.engine.mu.Unlock()
	if b.engine.recipe != nil {
		return b.engine.recipe.clone(), nil
	}
	info, err := b.api.Info(ctx)
	if err != nil {
		return recipe{}, trouble("ask the Docker engine what it can do", err)
	}
	var bounding string
	if b.local() {
		status, _ := os.ReadFile("/proc/self/status")
		bounding = string(status)
	}
	r := chooseRecipe(info.CgroupVersion, info.ServerVersion, bounding)
	b.engine.recipe = &r
	return r.clone(), nil
}

// learn remembers what a failed attempt taught.
func (b *Backend) learn(r recipe) {
	b.engine.mu.Lock()
	defer b.engine.mu.Unlock()
	b.engine.recipe = &r
}

// chooseRecipe decides by the version of cgroups, that of the engine, and this
// process's /proc/self/status, if the engine shares its machine.
//
// A private cgroup namespace keeps what runs in a node below the node, so that
// pausing and limits reach the inner containers. The control files in it are
// mounted read-only: the entrypoint remounts them, newer engines do it
// themselves. The host's own cgroups must never be mounted with it.
func chooseRecipe(cgroups, engine, status string) recipe {
	r := recipe{securityOpt: []string{"seccomp=unconfined", "apparmor=unconfined"}}
	if major, _ := strconv.Atoi(strings.SplitN(engine, ".", 2)[0]); cgroups == "2" && major >= 28 {
		r.securityOpt = append(r.securityOpt, "writable-cgroups=true")
	}
	// The clock is the host's.
	r.drop = []string{"SYS_TIME"}
	r.drop = append(r.drop, missingCapabilities(status)...)
	return r
}

// droppable are capabilities that environments are known to lack.
var droppable = []struct {
	name string
	bit  uint
}{{"SYS_MODULE", 16}, {"SYS_RESOURCE", 24}}

// missingCapabilities are those that nothing on this machine can have, which
// the engine would fail to give to a container.
func missingCapabilities(status string) []string {
	_, rest, found := strings.Cut(status, "CapBnd:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return nil
	}
	bounding, err := strconv.ParseUint(fields[0], 16, 64)
	if err != nil {
		return nil
	}
	var missing []string
	for _, c := range droppable {
		if bounding&(1<<c.bit) == 0 {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// adapt changes the recipe to what an error says and tells whether another try
// is worth it. Engines differ: some refuse to drop what their environment
// lacks, others fail unless it is dropped, without saying what it is.
func (r *recipe) adapt(err error) bool {
	text := err.Error()
	switch {
	case strings.Contains(text, "invalid CapDrop"):
		// What cannot be dropped cannot be given either.
		before := len(r.drop)
		r.drop = slices.DeleteFunc(r.drop, func(name string) bool { return strings.Contains(text, `"CAP_`+name+`"`) })
		return len(r.drop) < before
	case strings.Contains(text, "unable to apply caps"):
		for _, c := range droppable {
			if !slices.Contains(r.drop, c.name) {
				r.drop = append(r.drop, c.name)
				return true
			}
		}
	}
	return false
}

func (r recipe) clone() recipe {
	return recipe{securityOpt: slices.Clone(r.securityOpt), drop: slices.Clone(r.drop)}
}

// apply writes the recipe into a container's configuration.
func (r recipe) apply(host *container.HostConfig) {
	no := false
	host.Init = &no // systemd is the init
	host.CapAdd = []string{"ALL"}
	host.CapDrop = r.drop
	host.SecurityOpt = r.securityOpt
	host.CgroupnsMode = container.CgroupnsModePrivate
	host.DeviceCgroupRules = []string{"a *:* rwm"}
	host.Tmpfs = map[string]string{"/run": "exec,mode=755", "/tmp": "exec,mode=1777"}
	// Explicit lists leave /proc/sys writable, as systemd and the inner Docker
	// need it, but not what would reach the host.
	host.MaskedPaths = []string{"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/scsi", "/proc/timer_list", "/sys/firmware"}
	host.ReadonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger"}
}

// entrypoint makes the control groups writable and becomes systemd, which alone
// must know the socket. It works in any image that has a shell and mount.
const entrypoint = `
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  [ -w /sys/fs/cgroup/cgroup.procs ] && [ -w /sys/fs/cgroup ] || mount -o remount,rw /sys/fs/cgroup
else
  for controller in /sys/fs/cgroup/*; do
    [ -L "$controller" ] || mount -o remount,bind,rw "$controller"
  done
fi
[ ! -S ` + inside + `/notify ] || export NOTIFY_SOCKET=` + inside + `/notify
exec /sbin/init "$@"
`

// foreignMasks are units that images of others have and nodes do not need: they
// wait for hardware, or reach the host's kernel.
var foreignMasks = []string{
	"systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udev-trigger.service",
	"systemd-udev-settle.service", "systemd-modules-load.service", "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount",
	"systemd-remount-fs.service", "dev-hugepages.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
	"sys-fs-fuse-connections.mount", "systemd-update-utmp.service", "console-getty.service", "getty.target",
}

// bootCommand is what the container runs.
func bootCommand(foreign bool) []string {
	command := []string{"/bin/sh", "-c", entrypoint, "sh"}
	if foreign {
		for _, unit := range foreignMasks {
			command = append(command, fmt.Sprintf("systemd.mask=%s", unit))
		}
	}
	return command
}
