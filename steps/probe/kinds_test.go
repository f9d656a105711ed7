package probe_test

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps/probe"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

type args = stepstest.Args

// try looks once, from a node that tr reaches, or from the tool's machine when
// tr is nil.
func try(t *testing.T, tr backends.Transport, a args) (probe.Result, *probe.Prober) {
	t.Helper()
	block := probe.Block()
	p, err := probe.New(stepstest.Config(t, &block, a))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	var node *backends.Node
	if tr != nil {
		node = stepstest.Node("box-0", tr)
	}
	return p.Try(t.Context(), stepstest.NewWorld(local.Transport{}, node).Env), p
}

func wantErr(t *testing.T, got error, want string) {
	t.Helper()
	switch {
	case want == "" && got != nil:
		t.Errorf("got %v, want it to hold", got)
	case want != "" && (got == nil || !strings.Contains(got.Error(), want)):
		t.Errorf("got %v, want %q in it", got, want)
	}
}

func TestCommandsHoldOrNot(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "app.log")
	if err := os.WriteFile(log, []byte("start\nready 1\nready 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		args     args
		want     string
		stdout   string
		describe string
	}{
		{"command", args{"command": []string{"echo", "hi"}}, "", "hi\n", `command "echo hi" succeeds`},
		{"command fails", args{"command": []string{"sh", "-c", "echo no; exit 4"}}, "sh: exit code 4", "no\n", `command "sh -c echo no; exit 4" succeeds`},
		{"script", args{"script": "echo a; echo b | tr b c"}, "", "a\nc\n", "the script succeeds"},
		{"script fails", args{"script": "false\necho never"}, "exit code 1", "", "the script succeeds"},
		{"file", args{"file": log}, "", "start\nready 1\nready 2\n", `file "` + log + `" exists`},
		{"directory", args{"file": dir}, "", "", `file "` + dir + `" exists`},
		{"no file", args{"file": dir + "/none"}, "it does not exist", "", `file "` + dir + `/none" exists`},
		{"log file", args{"log": args{"file": log, "match": "^ready [0-9]+$"}}, "", "ready 1\nready 2\n", `file "` + log + `" has a line that matches "^ready [0-9]+$"`},
		{"no line", args{"log": args{"file": log, "match": "fatal"}}, "no line matches", "", `file "` + log + `" has a line that matches "fatal"`},
		{"no log file", args{"log": args{"file": dir + "/none", "match": "x"}}, "exit code 2", "", `file "` + dir + `/none" has a line that matches "x"`},
	}
	for _, tt := range tests {
		for place, tr := range map[string]backends.Transport{"node": local.Transport{}, "tool": nil} {
			t.Run(tt.name+" from "+place, func(t *testing.T) {
				r, p := try(t, tr, tt.args)
				wantErr(t, r.Err, tt.want)
				if got := r.Value().GetAttr("stdout").AsString(); got != tt.stdout {
					t.Errorf("stdout: got %q, want %q", got, tt.stdout)
				}
				if got := p.Describe(); got != tt.describe {
					t.Errorf("describe: got %q, want %q", got, tt.describe)
				}
			})
		}
	}
}

func TestSystemd(t *testing.T) {
	tr, calls := fake.NewTransport("box-0",
		fake.Script{Command: fake.CommandPattern("systemctl is-active -- etcd"), Stdout: "active\n"},
		fake.Script{Command: fake.CommandPattern("systemctl is-active -- ssh"), Stdout: "failed\n", Code: 3},
		fake.Script{Command: regexp.MustCompile(`(?s)journalctl.* sh listening etcd$`), Stdout: "listening on 2379\n"},
		fake.Script{Command: regexp.MustCompile(`(?s)journalctl.* sh panic etcd$`), Code: 1},
	)
	tests := []struct {
		name string
		args args
		want string
	}{
		{"active", args{"unit": "etcd"}, ""},
		{"failed", args{"unit": "ssh"}, "it is failed"},
		{"journal", args{"log": args{"unit": "etcd", "match": "listening"}}, ""},
		{"journal without it", args{"log": args{"unit": "etcd", "match": "panic"}}, "no line matches"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := try(t, tr, tt.args)
			wantErr(t, r.Err, tt.want)
		})
	}
	if got := len(calls()); got != len(tests) {
		t.Errorf("got %d commands, want %d", got, len(tests))
	}
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := l.Addr().String()
	for place, tr := range map[string]backends.Transport{"node": local.Transport{}, "tool": nil} {
		r, _ := try(t, tr, args{"tcp": open})
		wantErr(t, r.Err, "")
		if !r.Value().GetAttr("exit_code").IsNull() {
			t.Errorf("%s: got an exit code, want null", place)
		}
	}
	l.Close()
	for place, tr := range map[string]backends.Transport{"node": local.Transport{}, "tool": nil} {
		t.Run("closed from "+place, func(t *testing.T) {
			r, _ := try(t, tr, args{"tcp": open})
			wantErr(t, r.Err, "connection refused")
		})
	}
}

func handler(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Token", r.Header.Get("Token"))
	switch r.URL.Path {
	case "/health":
		w.Write([]byte(`{"health":"true"}`))
	case "/chunks":
		w.Write([]byte("one "))
		w.(http.Flusher).Flush()
		w.Write([]byte("two"))
	case "/moved":
		http.Redirect(w, r, "/health", http.StatusFound)
	default:
		http.Error(w, "leader lost", http.StatusServiceUnavailable)
	}
}

func TestHTTP(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(handler))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(handler))
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		http  args
		want  string
		unmet bool
		body  string
	}{
		{"ok", args{"url": plain.URL + "/health"}, "", false, `{"health":"true"}`},
		{"chunks", args{"url": plain.URL + "/chunks"}, "", false, "one two"},
		{"status", args{"url": plain.URL + "/moved", "status": 302}, "", false, "<a href=\"/health\">Found</a>.\n\n"},
		{"redirects are not followed", args{"url": plain.URL + "/moved"}, "status 302", false, "<a href=\"/health\">Found</a>.\n\n"},
		{"wrong status", args{"url": plain.URL + "/health", "status": 201}, "status 200, not 201", true, `{"health":"true"}`},
		{"error status", args{"url": plain.URL + "/x"}, "status 503", false, "leader lost\n"},
		{"body", args{"url": plain.URL + "/health", "body": `"health":"(true|yes)"`}, "", false, `{"health":"true"}`},
		{"wrong body", args{"url": plain.URL + "/health", "body": "false"}, "the body does not match", true, `{"health":"true"}`},
		{"authority", args{"url": secure.URL + "/health", "ca": ca}, "", false, `{"health":"true"}`},
		{"unknown authority", args{"url": secure.URL + "/health"}, "certificate", false, ""},
		{"nobody there", args{"url": "http://127.0.0.1:1/"}, "onnect", false, ""},
	}
	for _, tt := range tests {
		for place, tr := range map[string]backends.Transport{"node": local.Transport{}, "tool": nil} {
			t.Run(tt.name+" from "+place, func(t *testing.T) {
				tt.http["headers"] = map[string]string{"Token": `a "b" \c`}
				r, _ := try(t, tr, args{"http": tt.http})
				wantErr(t, r.Err, tt.want)
				if r.Unmet != tt.unmet {
					t.Errorf("unmet: got %v, want %v", r.Unmet, tt.unmet)
				}
				seen := r.Value()
				if tt.body == "" {
					if !seen.GetAttr("body").IsNull() || !seen.GetAttr("status").IsNull() {
						t.Errorf("got %#v, want no body and status", seen)
					}
					return
				}
				if got := seen.GetAttr("body").AsString(); got != tt.body {
					t.Errorf("body: got %q, want %q", got, tt.body)
				}
				if got := seen.GetAttr("headers").AsValueMap()["x-token"].AsString(); got != `a "b" \c` {
					t.Errorf("header: got %q, want %q", got, `a "b" \c`)
				}
			})
		}
	}
}

func TestHTTPSecretsAreOnNoCommandLine(t *testing.T) {
	tr, calls := fake.NewTransport("box-0", fake.Script{Stdout: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"})
	r, _ := try(t, tr, args{"http": args{"url": "http://x/", "headers": map[string]string{"Authorization": "s3cret"}}})
	wantErr(t, r.Err, "")
	call := calls()[0]
	if strings.Contains(strings.Join(call.Command.Args, " "), "s3cret") || !strings.Contains(call.Stdin, "s3cret") {
		t.Errorf("got command %q, stdin %q, want the secret in stdin only", call.Command.Args, call.Stdin)
	}
}

func TestVantage(t *testing.T) {
	other, calls := fake.NewTransport("other-0", fake.Script{})
	block := probe.Block()
	node := cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal("other-0"), "cluster": cty.StringVal("c"), "role": cty.StringVal("other"), "index": cty.Zero,
		"ip": cty.StringVal(""), "public_ip": cty.StringVal(""), "hostname": cty.StringVal(""),
	})
	p, err := probe.New(stepstest.Config(t, &block, args{"command": []string{"true"}, "node": node}))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	refuses, _ := fake.NewTransport("box-0")
	w := stepstest.NewWorld(refuses, stepstest.Node("box-0", refuses))
	w.Env.Machines = stepstest.Machines{"c/other-0": *stepstest.Node("other-0", other)}
	if r := p.Try(t.Context(), w.Env); r.Err != nil || len(calls()) != 1 {
		t.Errorf("got %v with %d calls on the other node, want one", r.Err, len(calls()))
	}
}

func TestObserved(t *testing.T) {
	r, _ := try(t, local.Transport{}, args{"script": "echo all; echo last; echo why >&2; exit 3"})
	var got []string
	for _, o := range r.Observed() {
		got = append(got, o.Text)
		if want := `"all\nlast"`; o.Text == "probe.stdout" && o.Value != want {
			t.Errorf("stdout: got %s, want %s", o.Value, want)
		}
	}
	if diff := cmp.Diff([]string{"probe.exit_code", "probe.stdout", "probe.stderr"}, got); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestCheck(t *testing.T) {
	block := probe.Block()
	unknown := cty.UnknownVal(cty.String)
	tests := []struct {
		name string
		args args
		want []string
	}{
		{"fine", args{"tcp": "10.0.0.1:22"}, nil},
		{"IPv6", args{"tcp": "[::1]:22"}, nil},
		{"unknown", args{"tcp": unknown, "file": unknown, "command": cty.UnknownVal(cty.List(cty.String)), "timeout": unknown, "http": args{"url": unknown, "body": unknown}}, nil},
		{"no port", args{"tcp": "10.0.0.1"}, []string{"tcp: Not an address"}},
		{"no program", args{"command": []string{}}, []string{"command: Empty command"}},
		{"relative file", args{"file": "etc/x"}, []string{"file: Path is not absolute"}},
		{"no address", args{"http": args{"url": "localhost:80/x"}}, []string{"http.url: Not a web address"}},
		{"odd expression", args{"http": args{"url": "http://x", "body": "("}}, []string{"http.body: Not a regular expression"}},
		{"no time", args{"file": "/x", "timeout": "0s"}, []string{"timeout: No time for a try"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stepstest.Problems(block.Check(stepstest.Config(t, &block, tt.args)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
