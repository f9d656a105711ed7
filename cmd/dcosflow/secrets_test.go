package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The secrets of the test: a variable of several lines, and what a step says.
const (
	license = "two words & \"quotes\"/and more\nsecond line of the license\n"
	token   = "tok-8c1f2a/77+x"
)

// leaky prints its secrets in every way, fails at times, and hands them on.
const leaky = `
variable "license" {
  sensitive = SENSITIVE
}

step "run" "token" {
  local     = true
  sensitive = SENSITIVE
  script    = "echo tok-8c1f2a/77+x"
}

step "run" "print" {
  local = true
  env   = { LICENSE = var.license, TOKEN = trimspace(step.token.stdout), ESCAPED = urlencode(var.license) }
  shell = ["bash", "-e"]
  script = <<-EOT
    set -x
    printf '%s' "$LICENSE"; printf '%s\n' "$ESCAPED" "$TOKEN" >&2
    printf '%s' "$LICENSE" | base64; printf 'user:%s' "$LICENSE" | base64 -w0
    half=$(printf '%s' "$TOKEN" | head -c 7)
    printf '%s' "$half"; sleep 0.05; printf '%s\n' "$${TOKEN#"$half"}"
    exit 7
  EOT
  on_failure = "continue"
  retry {
    attempts = 2
    delay    = "1ms"
  }
}

step "assert" "equal" {
  condition     = var.license == step.token.stdout
  error_message = "${jsonencode(var.license)} is not ${step.token.stdout}"
}

output "license" {
  value     = var.license
  sensitive = SENSITIVE
}
`

// A test that greps what a run leaves behind and what every command prints of
// it. Without sensitive = true the same is found: the test can see.
func TestRule23_NothingShowsSecrets(t *testing.T) {
	for _, sensitive := range []bool{true, false} {
		t.Run(map[bool]string{true: "sensitive", false: "control"}[sensitive], func(t *testing.T) {
			s := &leak{t: t, dir: t.TempDir(), found: map[string][]string{}}
			s.write(sensitive)
			s.run(0, "plan", "leaky.hcl")
			s.run(0, "plan", "--json", "leaky.hcl")
			s.run(1, "run", "leaky.hcl")
			s.run(1, "run", "--progress", "json", "leaky.hcl")
			s.run(1, "resume")
			s.run(0, "show")
			s.run(0, "show", "--json")
			for _, step := range []string{"step.token", "step.print", "step.equal"} {
				s.run(0, "logs", step)
			}
			s.files()
			for form := range s.forms() {
				where := s.found[form]
				if sensitive && len(where) > 0 {
					t.Errorf("%s of a secret is in %s", form, strings.Join(where, ", "))
				}
				if !sensitive && len(where) == 0 {
					t.Errorf("%s is nowhere: the test does not see it", form)
				}
			}
		})
	}
}

func TestLockShowsNoValues(t *testing.T) {
	got := withoutValues([]string{"dcosflow", "run", "--var", "pw=a=b", "--var=token=x", "--var-file", "f=g", "w.hcl"})
	want := []string{"dcosflow", "run", "--var", "pw=...", "--var=token=...", "--var-file", "f=g", "w.hcl"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// leak remembers where it saw which form of a secret.
type leak struct {
	t     *testing.T
	dir   string
	found map[string][]string
}

func (s *leak) write(sensitive bool) {
	s.t.Helper()
	text := strings.ReplaceAll(leaky, "SENSITIVE", map[bool]string{true: "true", false: "false"}[sensitive])
	if err := os.WriteFile(filepath.Join(s.dir, "leaky.hcl"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// forms are what nobody may see, by name.
func (s *leak) forms() map[string]string {
	quoted := string(mustJSON(s.t, license))
	return map[string]string{
		"the first line":  strings.TrimSuffix(strings.SplitAfter(license, "\n")[0], "\n"),
		"the second line": "second line of the license",
		"JSON":            quoted[1 : len(quoted)-3],
		"a URL":           strings.TrimSuffix(url.QueryEscape(license), "%0A"),
		"base64":          base64.StdEncoding.EncodeToString([]byte(license))[:60],
		"inner base64":    base64.StdEncoding.EncodeToString([]byte("user:" + license))[8:60],
		"the token":       token,
	}
}

func (s *leak) run(want int, args ...string) {
	s.t.Helper()
	var out bytes.Buffer
	env := func(name string) (string, bool) {
		return license, name == "DCOSFLOW_VAR_license"
	}
	a := testApp(s.dir, env, &out, &out, sharedFake())
	if got := a.run(context.Background(), args); got != want {
		s.t.Fatalf("dcosflow %s: got exit code %d, want %d:\n%s", strings.Join(args, " "), got, want, out.String())
	}
	s.search("dcosflow "+strings.Join(args, " "), out.String())
}

// files searches everything on disk. The secrets themselves may be in one file,
// which only its owner can read.
func (s *leak) files() {
	s.t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, ".dcosflow"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if d.Name() == "secrets.json" && info.Mode().Perm() == 0o600 {
			return err
		}
		s.search(d.Name(), string(content))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *leak) search(where, text string) {
	for form, secret := range s.forms() {
		if strings.Contains(text, secret) {
			s.found[form] = append(s.found[form], where)
		}
	}
}
