package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
)

func TestLabels(t *testing.T) {
	cluster(t)
	found, err := shared.backend.find(t.Context(), byKey(shared.spec.Key))
	if err != nil {
		t.Fatal(err)
	}
	if c, v, n := len(found.containers), len(found.volumes), len(found.networks); c != 2 || v != 4 || n != 1 {
		t.Errorf("got %d containers, %d volumes, %d networks, want 2, 4, 1", c, v, n)
	}
	var all []map[string]string
	for _, c := range found.containers {
		all = append(all, c.Labels)
	}
	for _, v := range found.volumes {
		all = append(all, v.Labels)
	}
	for _, n := range found.networks {
		all = append(all, n.Labels)
	}
	owner, _ := json.Marshal(shared.spec.Owner)
	want := map[string]string{labelRun: shared.spec.Run, labelCluster: "shared", labelDir: shared.spec.Dir, labelOwner: string(owner)}
	for _, labels := range all {
		for name, value := range want {
			if labels[name] != value {
				t.Errorf("label %s of %v: got %q, want %q", name, labels, labels[name], value)
			}
		}
	}
}

// A run of an image that was loaded into a node is the node's own affair.
func TestInnerContainer(t *testing.T) {
	cluster(t)
	got := on(t, 0, `
		mkdir -p /tmp/inner && cp -L --parents /usr/bin/echo $(ldd /usr/bin/echo | grep -o '/lib[^ ]*') /tmp/inner
		tar -c -C /tmp/inner . | docker import - inner >/dev/null
		docker run --rm --name inner-container inner /usr/bin/echo from inside`)
	if got != "from inside" {
		t.Errorf("inner docker run: got %q, want %q", got, "from inside")
	}
	on(t, 0, `docker create --name inner-container inner /usr/bin/echo`)
	all, err := shared.backend.api.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if slices.ContainsFunc(c.Names, func(n string) bool { return strings.Contains(n, "inner-container") }) {
			t.Errorf("the engine lists the inner container %v", c.Names)
		}
	}
}

func TestLoginWithKeys(t *testing.T) {
	cluster(t)
	keys := keysDir(shared.spec)
	pem, err := os.ReadFile(filepath.Join(keys, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(filepath.Join(keys, keyFile)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the private key: got %v, want 0600", info.Mode().Perm())
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	check, err := knownhosts.New(filepath.Join(keys, knownFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range shared.nodes {
		client, err := ssh.Dial("tcp", net.JoinHostPort(n.Private.String(), "22"), &ssh.ClientConfig{
			User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: check,
			HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, Timeout: 10 * time.Second,
		})
		if err != nil {
			t.Errorf("log in to %s: %v", n.Name, err)
			continue
		}
		client.Close()
	}
}

func TestOverlappingPool(t *testing.T) {
	spec := another(t, "overlap")
	for first := range walk(spec.Key, usual) {
		taken, err := shared.backend.api.NetworkCreate(t.Context(), "dcosflow-test-overlap", network.CreateOptions{
			Labels: map[string]string{labelRun: spec.Run},
			IPAM:   &network.IPAM{Config: []network.IPAMConfig{{Subnet: first.String()}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shared.backend.api.NetworkRemove(context.WithoutCancel(t.Context()), taken.ID) })
		if _, err := shared.backend.makeNetwork(t.Context(), spec, first); err == nil || !overlaps(err) {
			t.Errorf("the first pool again: got %v, want that it overlaps", err)
		}
		nodes, err := shared.backend.Allocate(t.Context(), spec)
		if err != nil || first.Contains(nodes[0].Private) {
			t.Errorf("allocate: got %v, %v, want an address outside %s", nodes, err, first)
		}
		return
	}
}

// A small subnet of one's own has room for few nodes, and no more.
func TestSubnetOfOnesOwn(t *testing.T) {
	spec := another(t, "subnet")
	b, err := newBackend(map[string]cty.Value{"subnet": cty.StringVal("10.212.99.0/28")})
	if err != nil {
		t.Fatal(err)
	}
	spec.Roles[0].Count = 7
	_, err = b.Allocate(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "must be a /27 at least") {
		t.Errorf("7 nodes: got %v, want that the subnet is too small", err)
	}
	spec.Roles[0].Count = 6
	nodes, err := b.Allocate(t.Context(), spec)
	if err != nil || nodes[5].Private.String() != "10.212.99.7" {
		t.Errorf("6 nodes: got %v, %v, want the last at 10.212.99.7", nodes, err)
	}
}

// Two processes, so to say: two backends that share no lock.
func TestAllocationsInParallel(t *testing.T) {
	one, two := another(t, "one"), another(t, "two")
	other, err := newBackend(nil)
	if err != nil {
		t.Fatal(err)
	}
	var a, b []backends.Node
	var g errgroup.Group
	g.Go(func() (err error) { a, err = shared.backend.Allocate(t.Context(), one); return err })
	g.Go(func() (err error) { b, err = other.Allocate(t.Context(), two); return err })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if a[0].Private == b[0].Private {
		t.Errorf("both have the address %s", a[0].Private)
	}
}

func wantTrouble(t *testing.T, err error, texts ...string) {
	t.Helper()
	var trouble *backends.TroubleError
	if !errors.As(err, &trouble) {
		t.Errorf("got %v (%T), want *backends.TroubleError", err, err)
		return
	}
	for _, text := range texts {
		if !strings.Contains(trouble.Error()+"\n"+trouble.Hint, text) {
			t.Errorf("got %v, hint %q, want %q in it", err, trouble.Hint, text)
		}
	}
}

func TestUnreachableEngine(t *testing.T) {
	b, err := newBackend(map[string]cty.Value{"host": cty.StringVal("unix:///nonexistent/docker.sock")})
	if err != nil {
		t.Fatal(err)
	}
	spec := backends.Spec{Key: backends.Key{Run: "r", Cluster: "c"}, Roles: []backends.RoleCount{{Role: "m", Count: 1}}, Dir: t.TempDir()}
	texts := []string{"unix:///nonexistent/docker.sock", "is Docker running?", "systemctl start docker"}
	wantTrouble(t, b.Prepare(t.Context(), func(string) {}), texts...)
	_, err = b.Allocate(t.Context(), spec)
	wantTrouble(t, err, texts...)
	_, err = b.Nodes(t.Context(), spec.Key)
	wantTrouble(t, err, texts...)
	wantTrouble(t, b.Delete(t.Context(), spec.Key), texts...)
}

func TestNodeInTrouble(t *testing.T) {
	spec := another(t, "trouble")
	api := shared.backend.api
	nodes, err := createCluster(t.Context(), shared.backend, spec)
	if err != nil {
		t.Fatal(err)
	}
	node := nodes[0]
	if err := api.ContainerPause(t.Context(), node.ID); err != nil {
		t.Fatal(err)
	}
	wantTrouble(t, node.Transport.Run(t.Context(), backends.Command{Args: []string{"true"}}), "paused")
	if err := api.ContainerUnpause(t.Context(), node.ID); err != nil {
		t.Fatal(err)
	}
	killing := writerFunc(func(p []byte) (int, error) {
		_ = api.ContainerKill(t.Context(), node.ID, "KILL") // dead is dead at the second line
		return len(p), nil
	})
	err = node.Transport.Run(t.Context(), backends.Command{Args: []string{"sh", "-c", "echo started; sleep 60"}, Stdout: killing})
	wantTrouble(t, err, "exit code 137 (it was killed)")
	wantTrouble(t, node.Transport.Run(t.Context(), backends.Command{Args: []string{"true"}}), "not running")

	// A node that stopped is started again, with the same address.
	boot, err := shared.backend.Create(t.Context(), spec, node.Name)
	if err != nil || boot.Node.ID != node.ID || boot.Node.Private != node.Private {
		t.Errorf("create again: got %+v, %v, want %+v", boot.Node, err, node)
	}
	if err := api.ContainerRemove(t.Context(), node.ID, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	wantTrouble(t, node.Transport.Run(t.Context(), backends.Command{Args: []string{"true"}}), "does not exist any more")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A node that does not boot is given up.
func TestBootThatTakesTooLong(t *testing.T) {
	spec := another(t, "stuck")
	b, err := newBackend(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.bootLimit = time.Millisecond
	_, err = createCluster(t.Context(), b, spec)
	wantTrouble(t, err, "create node member-0", "has not booted within 1ms", "systemctl list-jobs")
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want no end of a context: that would be a timeout of the user's", err)
	}
}

// The image that node images are built from has no systemd.
func TestImageWithoutSystemd(t *testing.T) {
	spec := another(t, "no-systemd")
	d := distributions[0]
	base, err := shared.backend.images.base(t.Context(), d, hostApt(t.Context()), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBackend(map[string]cty.Value{"image": cty.StringVal(base)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = createCluster(t.Context(), b, spec)
	wantTrouble(t, err, "exit code 127", "/sbin/init", "the image has no systemd")
}

func TestImageOfOnesOwn(t *testing.T) {
	spec := another(t, "own-image")
	ref, err := shared.backend.nodeImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBackend(map[string]cty.Value{
		"image": cty.StringVal(ref), "labels": cty.MapVal(map[string]cty.Value{"team": cty.StringVal("a"), labelRun: cty.StringVal("x")}),
	})
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := createCluster(t.Context(), b, spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.api.ContainerInspect(t.Context(), nodes[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Config.Labels; got["team"] != "a" || got[labelRun] != spec.Run {
		t.Errorf("labels: got %v, want the user's and ours", got)
	}
}

// When the tool dies, the engine closes its connections: the command must not
// outlive that.
func TestCommandOfDeadTool(t *testing.T) {
	cluster(t)
	tr := shared.nodes[0].Transport.(*transport)
	_, stream, err := tr.start(t.Context(), backends.Command{
		Args: []string{"sh", "-c", "sleep 4321 & sleep 4321"}, StopTimeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	running := func() string { return on(t, 0, `ps -eo args | grep -c '^sleep 4321$' || true`) }
	eventually(t, "2", running)
	stream.Close()
	eventually(t, "0", running)
}

// eventually waits until look returns what is wanted.
func eventually(t *testing.T, want string, look func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		got := look()
		if got == want {
			return
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestPutIntoFullFileSystem(t *testing.T) {
	cluster(t)
	on(t, 0, `mkdir -p /run/small && mount -t tmpfs -o size=64k tmpfs /run/small`)
	archive, err := pack([]file{{name: "dir/big", mode: 0o644, content: bytes.Repeat([]byte("x"), 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	err = shared.nodes[0].Transport.Put(t.Context(), archive, "/run/small")
	wantTrouble(t, err, "copy to /run/small on master-0", "file system on the node is full", "df -h")
}

func TestImages(t *testing.T) {
	cluster(t)
	images, err := NewImages("")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	ref, err := images.Build(t.Context(), "debian-12", func(l string) { lines = append(lines, l) })
	if err != nil || len(lines) > 0 {
		t.Errorf("build again: got %v, progress %q, want nothing to be built", err, lines)
	}
	list, err := images.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(list, func(i Image) bool { return i.Ref == ref && i.Current && i.Distribution == "debian-12" }) {
		t.Errorf("list: got %+v, want %s in it", list, ref)
	}
	if _, err := images.Build(t.Context(), "debian-1", nil); err == nil || !strings.Contains(err.Error(), "debian-12") {
		t.Errorf("unknown distribution: got %v, want the list of them", err)
	}
}

// A process that was killed while it made the network may leave a second one:
// the one that the nodes are in stays, also for the process that goes on.
func TestTwoNetworks(t *testing.T) {
	spec := another(t, "twice")
	labels, err := clusterLabels(spec)
	if err != nil {
		t.Fatal(err)
	}
	var ours []subnetwork
	for n := uint32(0); len(ours) < 3; n++ {
		subnet := nth(netip.MustParsePrefix("10.214.0.0/16"), n, usual)
		made, err := shared.backend.api.NetworkCreate(t.Context(), networkName(spec.Key)+strconv.Itoa(int(n)), network.CreateOptions{
			Labels: labels, IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet.String()}}},
		})
		if err != nil && overlaps(err) && n < 255 {
			continue // another test on this engine has it
		}
		if err != nil {
			t.Fatal(err)
		}
		ours = append(ours, subnetwork{made.ID, subnet})
	}
	slices.SortFunc(ours, func(x, y subnetwork) int { return strings.Compare(x.id, y.id) })
	last := ours[len(ours)-1]
	shared.backend.settled[spec.Key] = last
	boot, err := shared.backend.Create(t.Context(), spec, spec.Nodes()[0].Name)
	if err != nil || !last.subnet.Contains(boot.Node.Private) {
		t.Fatalf("create: got %s, %v, want an address in %s", boot.Node.Private, err, last.subnet)
	}
	shared.backend.forget(spec.Key)
	again, err := shared.backend.Allocate(t.Context(), spec)
	if err != nil || again[0].Private != boot.Node.Private {
		t.Errorf("allocate as another process: got %s, %v, want %s", again[0].Private, err, boot.Node.Private)
	}
}
