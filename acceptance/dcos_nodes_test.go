package acceptance

import (
	"strings"
	"testing"
)

// nodeFact is what a shell command says on a node.
type nodeFact struct {
	name, node, shell string
	code              int
	want              []string
}

// nodeFacts hold on one node of each role after the old release was installed
// and the master upgraded: what is known of nodes that the real installer made.
// The order counts; the last ones remove DC/OS from the public agent.
var nodeFacts = []nodeFact{
	{"role of a master", "master-0", "ls /etc/mesosphere/roles", 0, []string{"master\n"}},
	{"role of an agent", "agent-0", "ls /etc/mesosphere/roles", 0, []string{"slave\n"}},
	{"role of a public agent", "public-agent-0", "ls /etc/mesosphere/roles", 0, []string{"slave_public\n"}},
	{"setup flags", "agent-0", "cd /etc/mesosphere/setup-flags; cat repository-url; echo; cmp cluster-package-list /srv/dcosflow/bundle-from/genconf/serve/cluster-package-list.latest", 0,
		[]string{"file:///srv/dcosflow/bundle-from/genconf/serve\n"}},
	{"the bundle is read-only", "agent-0", "touch /srv/dcosflow/x", 1, []string{"Read-only"}},
	{"other files", "agent-0", "cat /etc/systemd/journald.conf.d/dcos.conf /etc/rexray/config.yml; readlink /etc/profile.d/dcos.sh", 0,
		[]string{"MaxLevelConsole=warning", "rexray", "/opt/mesosphere/bin/add_dcos_path.sh"}},
	{"download unit", "agent-0", "systemctl cat dcos-download", 0, []string{"ConditionPathExists=!/opt/mesosphere/active/", "/usr/bin/curl", "/usr/bin/tar -axf"}},
	{"setup unit", "agent-0", "systemctl is-enabled dcos-setup; systemctl show -p Result,ActiveState dcos-setup", 0, []string{"enabled", "Result=success", "ActiveState=active"}},
	{"units of a master", "master-0", "systemctl show -p Wants dcos.target; systemctl is-active dcos-mesos-master", 0, []string{"dcos-exhibitor.service", "dcos-adminrouter.service", "dcos-net.service", "active"}},
	{"units of an agent", "agent-0", "systemctl show -p Wants dcos.target; systemctl is-active dcos-mesos-slave", 0, []string{"dcos-adminrouter-agent.service", "dcos-net.service", "active"}},
	{"units of a public agent", "public-agent-0", "systemctl is-active dcos-mesos-slave-public", 0, []string{"active"}},
	{"tree", "agent-0", "cd /opt/mesosphere && ls -d bin etc active/dcos-core packages/dcos-core--* environment environment.export active.buildinfo.full.json && ls bootstrap install_progress", 2,
		[]string{"active/dcos-core", "active.buildinfo.full.json", "'bootstrap'", "'install_progress'"}},
	{"active packages are links", "agent-0", "readlink /opt/mesosphere/active/dcos-config; /opt/mesosphere/bin/pkgpanda list", 0, []string{"../packages/dcos-config--setup_", "dcos-metadata--setup_"}},
	{"version file", "agent-0", "cat /opt/mesosphere/etc/dcos-version.json", 0, []string{`"version": "` + oldRelease, `"dcos-image-commit"`, `"bootstrap-id"`, `"dcos-variant": "open"`}},
	{"version after the upgrade", "master-0", "cat /opt/mesosphere/etc/dcos-version.json", 0, []string{`"version": "` + newRelease}},
	{"full configuration is private", "agent-0", "stat -L -c %a /opt/mesosphere/etc/expanded.config.full.json", 0, []string{"600"}},
	{"detect_ip", "agent-0", `[ "$(/opt/mesosphere/bin/detect_ip)" = "$(hostname -i)" ]`, 0, nil},
	{"node health of a master", "master-0", "/opt/mesosphere/bin/dcos-shell dcos-check-runner check node-poststart", 0, []string{`"components_master":{"status":0`, `"mesos_master_replog_synchronized":{"status":0`, `"status":0}`}},
	{"node health of an agent", "agent-0", "/opt/mesosphere/bin/dcos-shell dcos-check-runner check node-poststart", 0, []string{`"components_agent":{"status":0`, `"mesos_agent_registered_with_masters"`, `"journald_dir_permissions"`}},
	{"cluster health", "master-0", "/opt/mesosphere/bin/dcos-check-runner check cluster", 0, []string{`"status":0`}},
	{"a stopped unit is critical", "agent-0", "systemctl stop dcos-net; /opt/mesosphere/bin/dcos-check-runner check node-poststart; code=$?; systemctl start dcos-net; exit $code", 2, []string{"dcos-net.service: inactive"}},
	{"version over HTTP", "master-0", "curl -fsS http://127.0.0.1/dcos-metadata/dcos-version.json", 0, []string{newRelease}},
	{"version of an agent over HTTP", "agent-0", "curl -fsS http://127.0.0.1:61001/dcos-metadata/dcos-version.json", 0, []string{oldRelease}},
	{"packages need a login", "master-0", "curl -s -o /dev/null -w %{http_code} http://127.0.0.1/pkgpanda/active.buildinfo.full.json", 0, []string{"401"}},

	{"install help", "agent-0", install + "--help", 1, []string{"Usage: dcos_install.sh"}},
	{"install without a role", "agent-0", install, 1, []string{"Usage: dcos_install.sh"}},
	{"install with an unknown flag", "agent-0", install + "--nonsense slave", 1, []string{"Usage: dcos_install.sh"}},
	{"install twice", "agent-0", install + "slave", 1, []string{"Currently installed", "first uninstall DC/OS"}},
	{"install as another user", "agent-0", "setpriv --reuid=65534 " + install + "slave", 1, []string{"must be run as root"}},
	{"contradicting flags of the old release", "agent-0", install + "-p -d slave", 1, []string{"can not be specified"}},
	{"upgrade of another version", "master-0", upgrade, 1, []string{"Current version: " + newRelease + " does not match expected: " + oldRelease}},
	{"upgrade with an unknown flag", "agent-0", upgrade + " --nonsense", 1, []string{"Unknown option"}},

	{"uninstall", "public-agent-0", "/opt/mesosphere/bin/pkgpanda uninstall && ls -d /etc/mesosphere/roles/slave_public /opt/mesosphere /etc/systemd/system/dcos.target", 2,
		[]string{"/etc/mesosphere/roles/slave_public\n", "'/opt/mesosphere'", "'/etc/systemd/system/dcos.target'"}},
	{"preflight after it", "public-agent-0", install + "--preflight-only slave_public", 0, []string{"docker is installed: PASS", "port 5051 is free: PASS"}},
	{"preflight finds a port in use", "public-agent-0", "timeout 20 python3 -c 'import socket, subprocess, sys; s = socket.create_server((\"\", 5051)); sys.exit(subprocess.call([\"/bin/bash\", *sys.argv[1:]]))' " + strings.TrimPrefix(install, "/bin/bash ") + "-p slave_public", 1, []string{"port 5051 is free: FAIL"}},
	{"preflight counts failures", "public-agent-0", install + "--preflight-only nonsense", 1, []string{"Checking role nonsense: FAIL", "Preflight checks failed: 1"}},
}

const (
	install = "/bin/bash /srv/dcosflow/bundle-from/genconf/serve/dcos_install.sh "
	upgrade = "/bin/bash /srv/dcosflow/bundle-to/genconf/serve/upgrade/*/dcos_node_upgrade.sh"
)

func checkNodes(t *testing.T, containers map[string]string) {
	t.Helper()
	for _, f := range nodeFacts {
		r := onNode(t, containers[f.node], f.shell)
		if r.code != f.code {
			t.Errorf("%s: want exit code %d, got %s", f.name, f.code, r)
		}
		for _, want := range f.want {
			if !strings.Contains(r.stdout+r.stderr, want) {
				t.Errorf("%s: want %q, got %s", f.name, want, r)
			}
		}
	}
}
