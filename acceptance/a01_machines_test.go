package acceptance

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestA01_ContainerIsNode(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.pass("run", testdata(t, "nodes.hcl"), "--keep", "always")

	id := s.lastRun()
	nodes := containers(t, id)
	if got, want := slices.Sorted(maps.Keys(nodes)), []string{"agent-0", "master-0", "public-agent-0"}; !slices.Equal(got, want) {
		t.Fatalf("got nodes %v, want %v", got, want)
	}
	for node, container := range nodes {
		if got := dockerText(t, "exec", container, "cat", "/proc/1/comm"); got != "systemd" {
			t.Errorf("process 1 of %s is %q, want systemd", node, got)
		}
		state := finish(t, command(t, "docker", "exec", container, "systemctl", "is-system-running")).stdout
		if got := strings.TrimSpace(state); got != "running" && got != "degraded" {
			t.Errorf("systemd of %s is %q, want running or degraded", node, got)
		}
	}
	s.pass("destroy", id)
	if left := labelled(t, "dcosflow.run="+id); !left.empty() {
		t.Errorf("after destroy there still are %v", left)
	}

	t.Run("control", func(t *testing.T) {
		newSandbox(t).want(stepFailed, "run", testdata(t, "nodes.hcl"), "--var", "init=launchd", "--var", "agents=0", "--var", "public_agents=0").
			says(t, `step.is_init["master-0"]`, "process 1 of master-0 is systemd", `"launchd"`)
	})
}

func TestA02_RoleCounts(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		vars  []string
		nodes []string
	}{
		{"3-2-1", []string{"masters=3", "agents=2", "public_agents=1"}, []string{"agent-0", "agent-1", "master-0", "master-1", "master-2", "public-agent-0"}},
		{"1-0-0", []string{"masters=1", "agents=0", "public_agents=0"}, []string{"master-0"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSandbox(t)
			s.pass(append([]string{"run", testdata(t, "nodes.hcl"), "--keep", "always"}, vars(c.vars)...)...)
			if got := slices.Sorted(maps.Keys(containers(t, s.lastRun()))); !slices.Equal(got, c.nodes) {
				t.Errorf("got %v, want %v", got, c.nodes)
			}
		})
	}
	for _, wrong := range []string{"agents=-1", "agents=1.5"} {
		t.Run("control "+wrong, func(t *testing.T) {
			s := newSandbox(t)
			for _, command := range []string{"plan", "run"} {
				s.want(wrongInput, command, testdata(t, "nodes.hcl"), "--var", wrong).
					says(t, "nodes.hcl line", "agent", strings.TrimPrefix(wrong, "agents="))
			}
			if runs := s.runs(); len(runs) != 0 {
				t.Errorf("a run that cannot be planned left %v", runs)
			}
		})
	}
}

func TestA11_DockerInDocker(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	image, archive := smallImage(t, s)
	s.pass("run", testdata(t, "inner-docker.hcl"), "--keep", "always", "--var", "image="+image, "--var", "archive="+archive)

	node := containers(t, s.lastRun())["box-0"]
	if got := dockerText(t, "exec", node, "docker", "ps", "--format", "{{.Names}}"); got != "dcosflow-inner" {
		t.Errorf("the node's docker ps shows %q, want dcosflow-inner", got)
	}
	if outer := docker(t, "ps", "--all", "--format", "{{.Names}}"); slices.Contains(outer, "dcosflow-inner") {
		t.Errorf("the host's docker ps shows the inner container: %v", outer)
	}

	t.Run("control", func(t *testing.T) {
		newSandbox(t).want(stepFailed, "run", testdata(t, "inner-docker.hcl"),
			"--var", "image="+image, "--var", "archive="+archive, "--var", "driver=vfs").
			says(t, "step.driver_is", `"overlay2"`, `"vfs"`)
	})
}

func TestA20_PublicIsPrivateAddress(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.pass("run", testdata(t, "nodes.hcl"), "--keep", "always")

	var plain struct {
		Addresses map[string]string `json:"addresses"`
	}
	s.outputs(&plain)
	for node, container := range containers(t, s.lastRun()) {
		got := dockerText(t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
		if got == "" || got != plain.Addresses[node] {
			t.Errorf("%s has address %q, the workflow says %q", node, got, plain.Addresses[node])
		}
	}

	t.Run("control", func(t *testing.T) {
		newSandbox(t).want(stepFailed, "run", testdata(t, "nodes.hcl"),
			"--var", "agents=0", "--var", "public_agents=0", "--var", "address=192.0.2.1").
			says(t, `step.address["master-0"]`, "node.public_ip", `"192.0.2.1"`)
	})
}

// containers are the names of a run's containers by node.
func containers(t *testing.T, run string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, line := range docker(t, "ps", "--filter", "label=dcosflow.run="+run, "--format", `{{.Label "dcosflow.node"}} {{.Names}}`) {
		if node, name, ok := strings.Cut(line, " "); ok {
			found[node] = name
		}
	}
	return found
}

func vars(values []string) []string {
	var args []string
	for _, v := range values {
		args = append(args, "--var", v)
	}
	return args
}

// smallImage makes an image without a registry: one static program that prints
// its arguments, or waits without any. It returns its name and a file with it.
func smallImage(t *testing.T, s *sandbox) (name, archive string) {
	t.Helper()
	name = "dcosflow-acceptance/say:" + filepath.Base(filepath.Dir(s.dir))
	archive = s.path("image.tar")
	build := command(t, "go", "build", "-o", s.path("say"), s.write("say.go", sayProgram))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	for _, cmd := range []*exec.Cmd{build, command(t, "tar", "-C", s.dir, "-cf", s.path("root.tar"), "say")} {
		if r := finish(t, cmd); r.code != 0 {
			t.Fatal(r)
		}
	}
	dockerText(t, "import", "--change", `ENTRYPOINT ["/say"]`, s.path("root.tar"), name)
	t.Cleanup(func() { dockerText(t, "image", "rm", name) })
	dockerText(t, "save", "--output", archive, name)
	return name, archive
}

const sayProgram = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Println(strings.Join(os.Args[1:], " "))
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
}
`
