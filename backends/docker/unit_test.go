package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/client"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
)

func TestHostMirror(t *testing.T) {
	tests := []struct {
		name             string
		files            map[string]string
		mirror, security string
	}{
		{"no apt", nil, defaultMirror, ""},
		{"old format", map[string]string{
			"sources.list": "# deb http://commented/debian bookworm main\ndeb [arch=amd64] http://mirror.example/debian/ bookworm main\ndeb http://mirror.example/debian-security bookworm-security main\n",
		}, "http://mirror.example/debian", "http://mirror.example/debian-security"},
		{"new format", map[string]string{
			"sources.list.d/debian.sources": "Types: deb\nURIs: http://one.example/debian http://two.example/debian\n",
		}, "http://one.example/debian", ""},
		{"other files", map[string]string{"sources.list.d/x.disabled": "deb http://mirror.example/debian bookworm main\n"}, defaultMirror, ""},
		{"a relative of Debian", map[string]string{"sources.list": "deb http://archive.example/ubuntu noble main\n"}, defaultMirror, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range tt.files {
				path := filepath.Join(dir, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			if mirror, security := hostMirror(dir); mirror != tt.mirror || security != tt.security {
				t.Errorf("got %q, %q, want %q, %q", mirror, security, tt.mirror, tt.security)
			}
		})
	}
}

func TestAptConfig(t *testing.T) {
	dump := "APT \"\";\nAcquire::Check-Date \"false\";\nAcquire::http::Proxy \"\";\nDir::Etc \"etc/apt\";\n"
	got := withProxy(relevantConfig(dump), "http://proxy:3128")
	want := []string{`Acquire::Check-Date "false";`, `Acquire::http::Proxy "http://proxy:3128";`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if again := withProxy(want, "http://other"); !slices.Equal(again, want) {
		t.Errorf("with a proxy already: got %q, want %q", again, want)
	}
}

func TestImageTag(t *testing.T) {
	tag := func(d distribution, s aptSettings) string {
		archive, err := d.context(s)
		if err != nil {
			t.Fatal(err)
		}
		return d.ref(archive)
	}
	settings := aptSettings{mirror: "http://a/debian", security: "http://a/debian-security"}
	first := tag(distributions[0], settings)
	if first != tag(distributions[0], settings) {
		t.Error("the same recipe twice: got two tags, want one")
	}
	if !strings.HasPrefix(first, "dcosflow/debian-12:") {
		t.Errorf("got %q, want a tag of dcosflow/debian-12", first)
	}
	settings.mirror = "http://b/debian"
	if first == tag(distributions[0], settings) {
		t.Error("another mirror: got the same tag, want another")
	}
}

func TestChooseRecipe(t *testing.T) {
	tests := []struct {
		name, cgroups, engine, status string
		drop                          []string
		writable                      bool
	}{
		{"v1", "1", "20.10.24+dfsg1", "CapBnd:\t000001ffffffffff\n", []string{"SYS_TIME"}, false},
		{"v1 without SYS_RESOURCE", "1", "20.10.24", "CapInh: 0\nCapBnd:\t000001fffeffffff\n", []string{"SYS_TIME", "SYS_RESOURCE"}, false},
		{"v2, old engine, elsewhere", "2", "26.1.5", "", []string{"SYS_TIME"}, false},
		{"v2, new engine", "2", "28.0.1", "", []string{"SYS_TIME"}, true},
		{"nonsense", "", "dev", "CapBnd: x", []string{"SYS_TIME"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := chooseRecipe(tt.cgroups, tt.engine, tt.status)
			if !slices.Equal(r.drop, tt.drop) || slices.Contains(r.securityOpt, "writable-cgroups=true") != tt.writable {
				t.Errorf("got %+v, want drop %v, writable cgroups %t", r, tt.drop, tt.writable)
			}
		})
	}
}

func TestAdaptRecipe(t *testing.T) {
	tests := []struct {
		name, err  string
		drop, want []string
		again      bool
	}{
		{"cannot drop", `invalid CapDrop: capability not supported: "CAP_SYS_RESOURCE"`, []string{"SYS_TIME", "SYS_RESOURCE"}, []string{"SYS_TIME"}, true},
		{"cannot drop something else", `invalid CapDrop: "CAP_X"`, []string{"SYS_TIME"}, []string{"SYS_TIME"}, false},
		{"must drop", "unable to apply caps: operation not permitted", []string{"SYS_TIME"}, []string{"SYS_TIME", "SYS_MODULE"}, true},
		{"must drop more", "unable to apply caps", []string{"SYS_TIME", "SYS_MODULE"}, []string{"SYS_TIME", "SYS_MODULE", "SYS_RESOURCE"}, true},
		{"nothing left", "unable to apply caps", []string{"SYS_MODULE", "SYS_RESOURCE"}, []string{"SYS_MODULE", "SYS_RESOURCE"}, false},
		{"anything else", "no such image", []string{"SYS_TIME"}, []string{"SYS_TIME"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := recipe{drop: tt.drop}
			if again := r.adapt(errors.New(tt.err)); again != tt.again || !slices.Equal(r.drop, tt.want) {
				t.Errorf("got %v, %t, want %v, %t", r.drop, again, tt.want, tt.again)
			}
		})
	}
}

func TestSubnets(t *testing.T) {
	for nodes, want := range map[int]int{1: 29, 2: 29, 3: 28, 6: 28, 125: 24, 126: 24, 127: 23, 1000: 21, 30000: 16} {
		got, err := prefixLength(nodes)
		if err != nil || got != want {
			t.Errorf("%d nodes: got /%d, %v, want /%d", nodes, got, err, want)
		}
	}
	if _, err := prefixLength(40000); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("40000 nodes: got %v, want that they are too many", err)
	}
	seen := map[netip.Prefix]bool{}
	for p := range walk(backends.Key{Run: "r", Cluster: "c"}, 24) {
		if seen[p] || !pools.Overlaps(p) || p != p.Masked() {
			t.Fatalf("%s: seen before, outside %s, or not masked", p, pools)
		}
		seen[p] = true
	}
	if len(seen) != 256 {
		t.Errorf("got %d subnets, want 256", len(seen))
	}
	if got := upperHalf(netip.MustParsePrefix("10.1.2.0/24")).String(); got != "10.1.2.128/25" {
		t.Errorf("upper half: got %s, want 10.1.2.128/25", got)
	}
}

func TestCheckSubnet(t *testing.T) {
	tests := []struct{ subnet, want string }{
		{"10.20.0.0/24", ""},
		{"10.20.0.7/24", `write "10.20.0.0/24"`},
		{"10.20.0.0/30", "at most 29"},
		{"fd00::/64", "no IPv4 subnet"},
		{"lan", "no IPv4 subnet"},
	}
	for _, tt := range tests {
		problems := check(cty.ObjectVal(map[string]cty.Value{"subnet": cty.StringVal(tt.subnet)}))
		if tt.want == "" {
			if len(problems) > 0 {
				t.Errorf("%s: got %+v, want no problem", tt.subnet, problems)
			}
			continue
		}
		if len(problems) != 1 || problems[0].Attribute != "subnet" || !strings.Contains(problems[0].Detail, tt.want) {
			t.Errorf("%s: got %+v, want one that says %q", tt.subnet, problems, tt.want)
		}
	}
	for _, v := range []cty.Value{cty.NullVal(cty.String), cty.UnknownVal(cty.String)} {
		if problems := check(cty.ObjectVal(map[string]cty.Value{"subnet": v})); problems != nil {
			t.Errorf("%#v: got %+v, want no problem", v, problems)
		}
	}
}

func TestKeysAreMadeOnce(t *testing.T) {
	spec := backends.Spec{Key: backends.Key{Run: "r", Cluster: "c"}, Roles: []backends.RoleCount{{Role: "m", Count: 2}}, Dir: t.TempDir()}
	nodes := spec.Nodes()
	for i := range nodes {
		nodes[i].Private = netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 2)})
	}
	read := func() []string {
		if err := makeKeys(t.Context(), spec, nodes); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, name := range []string{keyFile, keyFile + ".pub", knownFile, "hosts/c/m-0", "hosts/c/m-1"} {
			content, err := os.ReadFile(filepath.Join(keysDir(spec), name))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(content))
		}
		return all
	}
	first := read()
	if diff := cmp.Diff(first, read()); diff != "" {
		t.Errorf("made again (-first +again):\n%s", diff)
	}
	if first[3] == first[4] || strings.Count(first[2], "\n") != 2 {
		t.Errorf("host keys: got the same for two nodes, or known_hosts %q without a line for each", first[2])
	}
}

// Two backends of a run share its key pair and known_hosts, but no lock.
func TestKeysOfClustersInParallel(t *testing.T) {
	const clusters = 8
	spec := backends.Spec{Key: backends.Key{Run: "r"}, Roles: []backends.RoleCount{{Role: "m", Count: 1}}, Dir: t.TempDir()}
	var g errgroup.Group
	for i := range clusters {
		one := spec
		one.Cluster = fmt.Sprint("c", i)
		nodes := one.Nodes()
		nodes[0].Private = netip.AddrFrom4([4]byte{10, 0, byte(i), 2})
		g.Go(func() error { return makeKeys(t.Context(), one, nodes) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(keysDir(spec), name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	signer, err := ssh.ParsePrivateKey(read(keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if public := ssh.MarshalAuthorizedKey(signer.PublicKey()); !bytes.HasPrefix(read(keyFile+".pub"), bytes.TrimSpace(public)) {
		t.Errorf("got the public key %s, want that of the private one, %s", read(keyFile+".pub"), public)
	}
	if known := read(knownFile); bytes.Count(known, []byte("\n")) != clusters {
		t.Errorf("known_hosts: got %s, want a line for each of %d nodes", known, clusters)
	}
}

func TestRunWithProgress(t *testing.T) {
	var got []string
	err := runWithProgress(t.Context(), []string{"sh", "-c", `echo one; echo "$V" >&2; printf last; exit 3`}, []string{"V=two"}, func(l string) { got = append(got, l) })
	if want := []string{"one", "two", "last"}; !slices.Equal(got, want) {
		t.Errorf("got lines %q, want %q", got, want)
	}
	if err == nil || err.Error() != "exit status 3; the last lines were:\none\ntwo\nlast" {
		t.Errorf("got %v, want the exit status and the last lines", err)
	}
}

// A program that is stopped cleans up, and its children do not hold it.
func TestRunWithProgressStopped(t *testing.T) {
	dir := t.TempDir()
	script := `trap "rmdir mounted; exit 1" TERM; mkdir mounted; sh -c 'echo $$; exec sleep 4567' & wait`
	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	var child string
	begin := time.Now()
	err := runWithProgress(ctx, []string{"sh", "-c", "cd " + dir + "; " + script}, nil, func(l string) { child = l; stop(enough) })
	if !errors.Is(err, enough) || time.Since(begin) >= stopTime {
		t.Errorf("got %v after %v, want the cause %v, soon", err, time.Since(begin), enough)
	}
	if _, err := os.Stat(filepath.Join(dir, "mounted")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that the program cleaned up", err)
	}
	if state, err := os.ReadFile("/proc/" + child + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
		t.Errorf("the child lives: %s", state)
	}
}

// silentEngine answers nothing that would begin a command.
func silentEngine(t *testing.T) *client.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "engine")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-over }))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(func() { close(over); server.CloseClientConnections(); server.Close() })
	api, err := client.NewClientWithOpts(client.WithHost("unix://"+socket), client.WithVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestEngineThatHangs(t *testing.T) {
	tr := &transport{api: silentEngine(t), id: "c", node: "n"}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errSilent)
	defer cancel()
	_, err := tr.attach(ctx, "exec")
	if !errors.Is(err, errSilent) {
		t.Errorf("got %v, want %v", err, errSilent)
	}
	wantTrouble(t, tr.troubled(backends.Command{Args: []string{"true"}}, err), "run true on n: the Docker engine does not answer", "restart Docker")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHintsOfConnections(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "unix", Err: err} }
	tests := []struct {
		name string
		err  error
		hint string
	}{
		{"not allowed", dial(syscall.EACCES), "join the group `docker`"},
		{"not there", dial(syscall.ENOENT), "is Docker running?"},
		{"gone meanwhile", io.ErrUnexpectedEOF, "stopped or restarted?"},
		{"killed meanwhile", &net.OpError{Op: "read", Net: "unix", Err: syscall.ECONNRESET}, "stopped or restarted?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := roundTripper(func(*http.Request) (*http.Response, error) { return nil, tt.err })
			api, err := client.NewClientWithOpts(client.WithHTTPClient(&http.Client{Transport: answer}), client.WithVersion("1.41"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = (&Backend{api: api}).Nodes(t.Context(), backends.Key{Run: "r"})
			wantTrouble(t, err, "list the nodes", tt.hint)
		})
	}
}

func TestProgressOfFailedBuild(t *testing.T) {
	stream := strings.NewReader(`{"stream":"Step 1/2 : RUN x\n"}{"stream":"\u001b[91mno such package\u001b[0m\n"}{"error":"returned a non-zero code: 100"}`)
	var lines []string
	err := followStream(stream, func(l string) { lines = append(lines, l) })
	want := "returned a non-zero code: 100; the last lines were:\nStep 1/2 : RUN x\nno such package"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if diff := cmp.Diff([]string{"Step 1/2 : RUN x", "no such package"}, lines); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestTroubleHints(t *testing.T) {
	tests := []struct{ err, hint string }{
		{"write /x: no space left on device", "docker system df"},
		{"could not find an available, non-overlapping IPv4 address pool", "dcosflow clean"},
		{"Pool overlaps with other one on this address space", "subnet"},
		{"something new", ""},
	}
	for _, tt := range tests {
		var got *backends.TroubleError
		if !errors.As(trouble("op", errors.New(tt.err)), &got) || !strings.Contains(got.Hint, tt.hint) || (tt.hint == "") != (got.Hint == "") {
			t.Errorf("%s: got hint %q, want %q in it", tt.err, got.Hint, tt.hint)
		}
	}
	if err := trouble("op", nil); err != nil {
		t.Errorf("no error: got %v, want nil", err)
	}
}
