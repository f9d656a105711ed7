package acceptance

import (
	"os"
	"strings"
	"testing"
)

func TestA32_RunCommand(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.env = []string{"ON_THE_MACHINE_OF_THE_TOOL=yes"}
	s.pass("run", testdata(t, "run.hcl"))

	// Each stream has a file of its own, byte for byte.
	for file, want := range map[string]string{"stdout": "to stdout\n", "stderr": "to stderr\n"} {
		if got := s.log("step.streams", file); got != want {
			t.Errorf("%s of step.streams: got %q, want %q", file, got, want)
		}
	}

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		s.env = []string{"ON_THE_MACHINE_OF_THE_TOOL=yes"}
		s.want(stepFailed, "run", testdata(t, "run.hcl"), "--var", `broken=["environment", "code"]`).
			says(t, `step.check["environment"]`, `step.check["code"]`, "something else", "two  words", `"3"`)
	})
}

func TestA33_Assertions(t *testing.T) {
	t.Parallel()
	newSandbox(t).pass("run", testdata(t, "assert.hcl"))

	cases := []struct {
		broken string
		says   []string
	}{
		{"regex", []string{"step.regex", "another release", "VERSION_ID"}},
		{"equality", []string{"step.equality", "length(jsondecode(step.json.stdout).cluster.members)", "2", "3"}},
		{"json_path", []string{"step.json_path", "the cluster runs 2.2.9", `"2.2.9"`, `"2.2.10"`}},
		{"exit_code", []string{"step.exit_code", "probe.exit_code", "7", "0"}},
		{"file_exists", []string{"step.file_exists", "/etc/no-such-file"}},
		{"port_open", []string{"step.port_open", "127.0.0.1:9", "refused"}},
	}
	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		var broken []string
		for _, c := range cases {
			broken = append(broken, `"`+c.broken+`"`)
		}
		r := s.want(stepFailed, "run", testdata(t, "assert.hcl"), "--var", "broken=["+strings.Join(broken, ",")+"]")
		for _, c := range cases {
			r.says(t, c.says...)
		}
	})
}

func TestA34_CopyFiles(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	source := s.tree()
	s.pass("run", testdata(t, "copy.hcl"), "--var", "source="+source)

	var out struct{ Stat, Link, Tmp string }
	s.outputs(&out)
	for _, c := range []struct{ what, got, want string }{
		{"modes and owners", out.Stat, "640 nobody:daemon regular file\n755 root:root regular file\n777 root:root symbolic link\n755 root:root directory\n"},
		{"target of the link", out.Link, "file.txt\n"},
		{"file system of /tmp", out.Tmp, "tmpfs\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		s.want(stepFailed, "run", testdata(t, "copy.hcl"), "--var", "source="+s.tree(), "--var", "digest=0123").
			says(t, "step.same", `"0123"`)
	})
	t.Run("missing source", func(t *testing.T) {
		s := newSandbox(t)
		s.want(wrongInput, "plan", testdata(t, "copy.hcl"), "--var", "source="+s.path("absent")).
			says(t, "copy.hcl line", s.path("absent"))
	})
}

func TestA35_Destroy(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.pass("run", testdata(t, "nodes.hcl"), "--keep", "always")

	// The control: what destroy removes was there before.
	id := s.lastRun()
	label := "dcosflow.run=" + id
	there := labelled(t, label)
	if len(there.containers) != 3 || len(there.volumes) == 0 || len(there.networks) != 1 {
		t.Fatalf("three kept nodes should have 3 containers, volumes and 1 network, got %v", there)
	}
	var mounted []string
	for _, c := range there.containers {
		mounted = append(mounted, fields(dockerText(t, "inspect", "--format", `{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}`, c))...)
	}
	s.pass("destroy", id)
	if left := labelled(t, label); !left.empty() {
		t.Errorf("after destroy there still are %v", left)
	}
	volumes := docker(t, "volume", "ls", "--quiet")
	for _, v := range mounted {
		for _, left := range volumes {
			if v == left {
				t.Errorf("volume %s of a node is left", v)
			}
		}
	}

	// A run that keeps nothing leaves nothing either.
	s.pass("run", testdata(t, "nodes.hcl"), "--keep", "never")
	if left := labelled(t, "dcosflow.run="+s.lastRun()); !left.empty() {
		t.Errorf("after the run there still are %v", left)
	}

	t.Run("control", func(t *testing.T) {
		newSandbox(t).want(wrongInput, "destroy", "no-such-run").says(t, "no-such-run")
	})
}

// tree makes a directory with a file, an executable, a link and an empty
// directory.
func (s *sandbox) tree() string {
	s.t.Helper()
	root := s.path("tree")
	if err := os.MkdirAll(root+"/empty", 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.write("tree/file.txt", "copied by a step\n")
	s.write("tree/run.sh", "#!/bin/sh\necho run\n")
	if err := os.Chmod(root+"/run.sh", 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink("file.txt", root+"/link"); err != nil {
		s.t.Fatal(err)
	}
	return root
}
