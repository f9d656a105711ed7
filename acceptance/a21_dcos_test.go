package acceptance

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// roleOfNode is the installer's word for the role of each node of the workflow.
var roleOfNode = map[string]string{
	"master-0": "master", "master-1": "master", "master-2": "master",
	"agent-0": "slave", "agent-1": "slave", "public-agent-0": "slave_public",
}

func TestA21_Install(t *testing.T) {
	t.Run("six nodes", func(t *testing.T) {
		s := upgradedSix(t)
		calls := s.calls()
		for _, bundle := range []string{"bundle-from", "bundle-to"} {
			if e, g := count(calls, bundle, "extract", ""), count(calls, bundle, "run", "-v --genconf"); e != 1 || g != 1 {
				t.Errorf("%s: got %d extractions and %d genconfs for six nodes, want one of each", bundle, e, g)
			}
		}
		for node, role := range roleOfNode {
			log := s.log("step.dcos."+node, "stdout")
			if n := strings.Count(log, "Starting DC/OS Install Process"); n != 1 || !strings.Contains(log, "Checking role "+role+": PASS") {
				t.Errorf("%s: installed %d times, want once, as %s:\n%s", node, n, role, log)
			}
		}
	})
	t.Run("on the nodes", func(t *testing.T) {
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), "nodes={master=1,agent=1,public_agent=1}")
		s.pass(append(args, "--keep", "always")...)
		checkNodes(t, containers(t, s.lastRun()))
	})
	t.Run("control failing script", func(t *testing.T) {
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), `config={standin={install_fail="master-0"}}`)
		s.want(stepFailed, args...).says(t, `FAILED step.dcos["master-0"]`, "exit code 7", "asked to fail")
	})
	t.Run("control unhealthy unit", func(t *testing.T) {
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), "within=8s",
			`config={standin={unhealthy_node="master-0",unhealthy_unit="dcos-marathon"}}`)
		s.want(stepFailed, args...).says(t, `FAILED step.healthy["master-0"]`, "components_master: dcos-marathon.service")
		if took := s.took(`step.healthy["master-0"]`); took < 8*time.Second || took > 10*time.Second {
			t.Errorf("the wait of 8s took %s, want at most 10s", took)
		}
	})
	t.Run("control binary log", func(t *testing.T) {
		const size = 3 << 20
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), fmt.Sprintf("config={standin={install_noise=%d}}", size))
		s.pass(append(args, "--keep", "always")...)
		log := s.log("step.dcos.master-0", "stdout")
		node := containers(t, s.lastRun())["master-0"]
		want, _, _ := strings.Cut(dockerText(t, "exec", node, "sha256sum", "/var/log/dcos-install-noise"), " ")
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(log))); got != want || len(log) != size {
			t.Errorf("the log has %d bytes with SHA-256 %s, want %d and %s", len(log), got, size, want)
		}
	})
}

func TestA26_RefusedConfiguration(t *testing.T) {
	t.Run("bad keys", func(t *testing.T) {
		file := project(t, upgradeTest)
		s, args := dcosRun(t, file, `config={resolvers=["198.51.100.1"],cluster_name=""}`)
		r := s.want(stepFailed, args...)
		r.says(t, lineOf(t, file, "  config    = merge("), `Wrong value for "config"`,
			"cluster_name: Must set cluster_name, no way to calculate value.", "resolvers: 198.51.100.1", "ended with exit code 1")
		for address, i := range s.instances() {
			if strings.HasPrefix(address, "step.dcos[") && i.state != "skipped" {
				t.Errorf("%s is %s, want skipped", address, i.state)
			}
		}
		if left := labelled(t, "dcosflow.run="+s.lastRun()); !left.empty() {
			t.Errorf("there still are %v", left)
		}
	})
	t.Run("no installer", func(t *testing.T) {
		s := newSandbox(t)
		file := testdata(t, "dcos.hcl")
		other := s.write("other.sh", "#!/bin/sh\necho no installer\n")
		s.want(stepFailed, "run", file, "--var", fmt.Sprintf(`installers={from=%q,to=%q}`, other, other)).
			says(t, lineOf(t, file, "  installer = each.value"), "this is no DC/OS installer")
	})
	t.Run("hang", func(t *testing.T) {
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), "within=5s", "config={standin={genconf_hang=true}}")
		s.want(stepFailed, args...).says(t, `FAILED step.bundle["from"]`, `timeout = "5s" is over`, "dcos_generate_config.sh -v --genconf")
		if took := s.took(`step.bundle["from"]`); took > 8*time.Second {
			t.Errorf("the genconf with a time-out of 5s took %s", took)
		}
		if left := installerContainers(t, s.calls()); len(left) != 0 {
			t.Errorf("the installers' containers are still there: %v", left)
		}
	})
	t.Run("control", func(t *testing.T) {
		s := upgradedSix(t)
		if state := s.instances()[`step.bundle["from"]`].state; state != "succeeded" {
			t.Errorf("with good keys the bundle is %q, want succeeded", state)
		}
	})
}

func TestA27_ParallelInstall(t *testing.T) {
	t.Run("six nodes", func(t *testing.T) {
		s := upgradedSix(t)
		each := installSeconds * time.Second
		if took := elapsed(t, s.instances(), "dcos", 6); took < each || took >= 2*each {
			t.Errorf("the installs of %s on six nodes took %s, want less than twice that", each, took)
		}
		for node, role := range roleOfNode {
			if got := regexp.MustCompile(`Checking role (\w+): `).FindAllString(s.log("step.dcos."+node, "stdout"), -1); !slices.Equal(got, []string{"Checking role " + role + ": "}) {
				t.Errorf("the log of %s has %q, want one line of %s", node, got, role)
			}
		}
	})
	t.Run("hang", func(t *testing.T) {
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), "within=5s", "config={standin={install_hang=true}}")
		s.want(stepFailed, append(args, "--keep", "always")...).says(t, `FAILED step.dcos["master-0"]`, `timeout = "5s" is over`, "dcos_install.sh")
		if left := onNode(t, containers(t, s.lastRun())["master-0"], "ps -e -o args | grep -E '[d]cos-standin-hang|[d]cos_install'"); left.code != 1 {
			t.Errorf("on the node there still are\n%s", left.stdout)
		}
	})
	t.Run("control one by one", func(t *testing.T) {
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), "nodes={master=1,agent=1,public_agent=0}", "parallel=1", "config={standin={install_seconds=3}}")
		s.pass(args...)
		if took := elapsed(t, s.instances(), "dcos", 2); took < 6*time.Second {
			t.Errorf("with max_parallel = 1 two installs of 3s took %s, want at least 6s", took)
		}
	})
}

func TestA31_Upgrade(t *testing.T) {
	t.Run("six nodes", func(t *testing.T) {
		s := upgradedSix(t)
		if n := count(s.calls(), "bundle-to", "run", "-v --generate-node-upgrade-script "+oldRelease); n != 1 {
			t.Errorf("the upgrade script was made %d times, want once", n)
		}
		all := s.instances()
		var masters, agents []instance
		for _, address := range slices.Sorted(maps.Keys(all)) {
			switch {
			case strings.HasPrefix(address, "step.masters["):
				masters = append(masters, all[address])
			case strings.HasPrefix(address, "step.agents["):
				agents = append(agents, all[address])
			}
		}
		if n := overlaps(masters); n != 0 || len(masters) != 3 {
			t.Errorf("%d of %d masters were upgraded at the same time, want none of 3", n, len(masters))
		}
		if n := overlaps(agents); n != 3 || len(agents) != 3 {
			t.Errorf("%d pairs of %d agents were upgraded at the same time, want all 3 pairs of 3", n, len(agents))
		}
		for node := range roleOfNode {
			if log := s.log("step.version."+node, "stdout"); !strings.Contains(log, `"version": "`+newRelease+`"`) {
				t.Errorf("%s is not upgraded: %s", node, log)
			}
		}
	})
	t.Run("control wrong version", func(t *testing.T) {
		file := testdata(t, "dcos.hcl")
		s, args := dcosRun(t, file, "installed=1.12.0")
		s.want(stepFailed, append(args, "--keep", "always")...).
			says(t, lineOf(t, file, "  from       = var.installed"), "master-0 has DC/OS 1.13.9, not 1.12.0")
		node := containers(t, s.lastRun())["master-0"]
		if got := onNode(t, node, "cat /opt/mesosphere/etc/dcos-version.json"); !strings.Contains(got.stdout, oldRelease) {
			t.Errorf("the node was touched: %s", got)
		}
		if n := count(s.calls(), "bundle-to", "run", "-v --generate-node-upgrade-script "+oldRelease); n != 0 {
			t.Errorf("an upgrade script was made %d times", n)
		}
	})
	t.Run("control failing script", func(t *testing.T) {
		s, args := dcosRun(t, testdata(t, "dcos.hcl"), "within=8s", `config={standin={upgrade_fail="master-0"}}`)
		s.want(stepFailed, args...).says(t, `FAILED step.masters["master-0"]`, "dcos_node_upgrade.sh", "exit code 7")
	})
}

// overlaps counts the pairs that worked at the same time.
func overlaps(list []instance) int {
	n := 0
	for i, a := range list {
		for _, b := range list[i+1:] {
			if a.started.Before(b.ended) && b.started.Before(a.ended) {
				n++
			}
		}
	}
	return n
}

func TestA83_MainCommand(t *testing.T) {
	t.Run("passes", func(t *testing.T) {
		s := upgradedSix(t)
		six.result.says(t, "passed upgrade-test")
		for address, i := range s.instances() {
			if i.state != "succeeded" {
				t.Errorf("%s is %s", address, i.state)
			}
		}
		if left := labelled(t, "dcosflow.run="+s.lastRun()); !left.empty() {
			t.Errorf("there still are %v", left)
		}
		if left := installerContainers(t, s.calls()); len(left) != 0 {
			t.Errorf("the installers' containers are still there: %v", left)
		}
	})
	t.Run("control", func(t *testing.T) {
		s, args := dcosRun(t, project(t, upgradeTest), "expect=9.9.9")
		s.want(stepFailed, args...).says(t, `FAILED step.upgraded["agent-0"]`, "agent-0 runs DC/OS 2.2.9", `"9.9.9"`)
		for address, i := range s.instances() {
			if want := map[bool]string{true: "failed", false: "succeeded"}[strings.HasPrefix(address, "step.upgraded[")]; i.state != want {
				t.Errorf("%s is %s, want %s", address, i.state, want)
			}
		}
	})
}
