package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/backendtest"
)

// shared is a cluster of two nodes that the tests of this package use; see
// cluster.
var shared struct {
	once    sync.Once
	err     error
	backend *Backend
	spec    backends.Spec
	nodes   []backends.Node
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := unprovision(); err != nil {
		fmt.Fprintln(os.Stderr, "delete the shared cluster:", err)
		code = 1
	}
	os.Exit(code)
}

func unprovision() error {
	if shared.backend == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(shared.backend.Delete(ctx, shared.spec.Key), os.RemoveAll(shared.spec.Dir))
}

// cluster makes the shared cluster when the first test needs it. Without an
// engine the test fails.
func cluster(t *testing.T) {
	t.Helper()
	shared.once.Do(func() { shared.err = provision() })
	if shared.err != nil {
		t.Fatalf("this test needs a Docker engine: %v", shared.err)
	}
}

func provision() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	b, err := newBackend(nil)
	if err != nil {
		return err
	}
	if err := b.Prepare(ctx, func(line string) { fmt.Fprintln(os.Stderr, line) }); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dcosflow-docker-test-")
	if err != nil {
		return err
	}
	shared.backend = b
	shared.spec = backends.Spec{
		Key:   backends.Key{Run: fmt.Sprintf("dockertest-%d", os.Getpid()), Cluster: "shared"},
		Roles: []backends.RoleCount{{Role: "master", Count: 1}, {Role: "public_agent", Count: 1}},
		Owner: backends.Owner{Host: "test", PID: os.Getpid(), Start: "1"},
		Dir:   dir,
	}
	shared.nodes, err = createCluster(ctx, b, shared.spec)
	return err
}

// another is the spec of a one-node cluster of a run of its own, which is
// deleted at the end of the test.
func another(t *testing.T, name string) backends.Spec {
	t.Helper()
	cluster(t)
	spec := shared.spec
	spec.Key = backends.Key{Run: shared.spec.Run + "-" + name, Cluster: "c"}
	spec.Roles = []backends.RoleCount{{Role: "member", Count: 1}}
	spec.Dir = t.TempDir()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := shared.backend.Delete(ctx, spec.Key); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
	})
	return spec
}

func newBackend(args map[string]cty.Value) (*Backend, error) {
	value := map[string]cty.Value{}
	for _, a := range Type().Schema.Attributes {
		value[a.Name] = cty.NullVal(a.Type)
		if v, ok := args[a.Name]; ok {
			value[a.Name] = v
		}
	}
	b, err := Type().New(backends.Config{Name: "test", Value: cty.ObjectVal(value)})
	if err != nil {
		return nil, err
	}
	return b.(*Backend), nil
}

func createCluster(ctx context.Context, b *Backend, spec backends.Spec) ([]backends.Node, error) {
	nodes, err := b.Allocate(ctx, spec)
	if err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range nodes {
		g.Go(func() error {
			boot, err := b.Create(ctx, spec, nodes[i].Name)
			if err == nil && boot.State != "running" {
				err = fmt.Errorf("%s is %s: %v", boot.Node.Name, boot.State, boot.FailedUnits)
			}
			nodes[i] = boot.Node
			return err
		})
	}
	return nodes, g.Wait()
}

// on runs a script on a shared node and returns its output.
func on(t *testing.T, node int, script string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	err := shared.nodes[node].Transport.Run(t.Context(), backends.Command{
		Args: []string{"sh", "-c", script}, Stdout: &out, Stderr: &stderr,
	})
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.String())
	}
	return strings.TrimSpace(out.String())
}

func TestTransportContract(t *testing.T) {
	cluster(t)
	opts := backendtest.Options{Node: "master-0", Users: []string{"root", "nobody"}, Owners: true, Dir: "/tmp"}
	backendtest.TestTransport(t, shared.nodes[0].Transport, opts)
}

// A command whose output nobody takes any more is stopped: `exec | head`.
func TestOutputThatNobodyTakes(t *testing.T) {
	cluster(t)
	for range 3 { // what a select chooses is random
		closed, w := io.Pipe()
		closed.CloseWithError(syscall.EPIPE)
		err := shared.nodes[0].Transport.Run(t.Context(), backends.Command{Args: []string{"yes", "nobody takes this"}, Stdout: w})
		if !errors.Is(err, syscall.EPIPE) {
			t.Errorf("got %v, want %v", err, syscall.EPIPE)
		}
	}
	if left := on(t, 0, "pgrep -c -x yes || true"); left != "0" {
		t.Errorf("%s commands go on, want none", left)
	}
}

func TestTransportOutsideTmpfs(t *testing.T) {
	cluster(t)
	opts := backendtest.Options{Node: "public-agent-0", Owners: true, Dir: "/var/tmp"}
	backendtest.TestFiles(t, shared.nodes[1].Transport, opts)
}

func TestBackendContract(t *testing.T) {
	cluster(t)
	runs := 0
	backendtest.TestBackend(t, func() (backends.Backend, backends.Spec) {
		runs++
		spec := shared.spec
		spec.Key = backends.Key{Run: fmt.Sprintf("%s-%d", shared.spec.Run, runs), Cluster: "c"}
		spec.Dir = t.TempDir()
		return shared.backend, spec
	})
}

func TestMachine(t *testing.T) {
	cluster(t)
	tests := []struct{ name, script, want string }{
		{"systemd is the init", `cat /proc/1/comm`, "systemd"},
		{"host name", `hostname`, "master-0"},
		{"nothing failed", `systemctl is-system-running`, "running"},
		{"other nodes by name", `getent ahostsv4 public-agent-0 | awk '{ print $1; exit }'`, shared.nodes[1].Private.String()},
		{"own address", `ip -4 -o addr show eth0 | awk '{ print $4 }' | cut -d/ -f1`, shared.nodes[0].Private.String()},
		{"programs run in /tmp", `cp /bin/true /tmp/true && /tmp/true && echo yes`, "yes"},
		{"inner Docker", `docker info --format '{{.Driver}}'`, "overlay2"},
		{"inner Docker's packets fit", `test "$(cat /sys/class/net/eth0/mtu)" -ge "$(docker network inspect bridge --format '{{index .Options "com.docker.network.driver.mtu"}}')" && echo yes`, "yes"},
		{"no right to set the clock", `test $(( 0x$(sed -n 's/^CapBnd:\s*//p' /proc/1/status) >> 25 & 1 )) = 0 && echo yes`, "yes"},
		{"systemd's socket is its own", `echo "${NOTIFY_SOCKET-none}"`, "none"},
		{"control groups of its own", `cut -d: -f3 /proc/1/cgroup | grep -c docker || true`, "0"},
		{"tools of DC/OS", `for p in curl xz tar unzip ipset iptables ip ping netstat ssh sudo git envsubst dig cgexec getenforce xfs_info useradd systemd-tmpfiles modprobe; do command -v $p >/dev/null || echo $p; done; locale -a | grep -i en_US`, "en_US.utf8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := on(t, 0, tt.script); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.script, got, tt.want)
			}
		})
	}
	if a, b := on(t, 0, `cat /etc/machine-id`), on(t, 1, `cat /etc/machine-id`); a == b || len(a) != 32 {
		t.Errorf("machine ids: got %q and %q, want two", a, b)
	}
}
