package acceptance

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The secrets of A81. The token is made on the node; no file has it in one
// piece.
const (
	licenseText  = "license: Jane Doe & Co, 40 nodes\nsignature 5bb2c6e0/77+a1\n"
	passwordHash = "$6$rounds=656000$Zu1uFQUQ4Yg1$kd6SBeUYqyrPmv0"
	tokenText    = "tok-f00d8c1f2a77"
)

// A81: license, password hash and token are in nothing that a run prints or
// leaves, on no command line, and in no file that others can read.
func TestA81_Secrets(t *testing.T) {
	t.Run("nothing shows", func(t *testing.T) {
		l := newLeak(t, "true")
		l.run()
		for form, places := range l.found {
			t.Errorf("%s: %s", form, strings.Join(places, ", "))
		}
		for _, place := range l.readable {
			t.Errorf("others can read %s", place)
		}
		l.own("secrets.json", 0o600)
	})
	t.Run("control", func(t *testing.T) {
		l := newLeak(t, "false")
		l.run("--var", `arguments=["--token", "`+tokenText+`"]`)
		for form := range secretForms() {
			if len(l.found[form]) == 0 {
				t.Errorf("%s is nowhere: the test does not see it", form)
			}
		}
		for _, want := range []string{"the output of run", "the output of show", "journal.jsonl", "logs/step.print/1.stdout", "a command line"} {
			if !strings.Contains(l.places(), want) {
				t.Errorf("nothing was found in %s, only in %s", want, l.places())
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		s := newSandbox(t)
		text := "variable \"token\" {\n  sensitive = true\n}\nstep \"run\" \"x\" {\n  local   = true\n  command = [\"echo\", var.token]\n}\n"
		s.env = []string{"DCOSFLOW_VAR_token=" + tokenText}
		r := s.want(wrongInput, "run", s.write("wrong.hcl", text))
		r.says(t, "wrong.hcl line 6", `Sensitive value in "command"`, "`env`")
		if strings.Contains(r.String(), tokenText) {
			t.Errorf("the error shows the token: %s", r)
		}
		// A step that may use it, may.
		s.pass("run", s.write("right.hcl", strings.Replace(text, `"echo", var.token]`, "\"true\"]\n  stdin = var.token", 1)))
	})
}

// leak looks for the secrets in all that there is of a run.
type leak struct {
	*sandbox
	workflow string
	// found are the places by the form of a secret that is there; readable are
	// files with a secret that others can read.
	found    map[string][]string
	readable []string
}

func newLeak(t *testing.T, sensitive string) *leak {
	t.Helper()
	s := newSandbox(t)
	text, err := os.ReadFile(testdata(t, "secrets.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	s.env = []string{"DCOSFLOW_VAR_license=" + licenseText, "DCOSFLOW_VAR_password_hash=" + passwordHash}
	workflow := s.write("secrets.hcl", strings.ReplaceAll(string(text), "sensitive = true", "sensitive = "+sensitive))
	return &leak{sandbox: s, workflow: workflow, found: map[string][]string{}}
}

// secretForms are what nobody may see.
func secretForms() map[string]string {
	return map[string]string{
		"the license":           "license: Jane Doe & Co, 40 nodes",
		"its second line":       "signature 5bb2c6e0/77+a1",
		"the license in base64": base64.StdEncoding.EncodeToString([]byte(licenseText))[:76],
		"the license in JSON":   `Jane Doe \u0026 Co, 40 nodes\nsignature 5bb2`,
		"the hash":              passwordHash,
		"the token":             tokenText,
	}
}

// run runs the workflow, and looks at processes while it holds and at files
// after it.
func (l *leak) run(flags ...string) {
	l.t.Helper()
	installer, err := enterprise()
	if err != nil {
		l.t.Fatal(err)
	}
	args := append([]string{"run", l.workflow, "--keep", "always", "--var", "installer=" + installer}, flags...)
	p := l.start(args...)
	node := l.untilContainers(1, p)["master-0"]
	eventually(l.t, "the step holds", 2*time.Minute, func() bool {
		p.mustLive()
		return finish(l.t, command(l.t, "docker", "exec", node, "test", "-e", "/run/holds")).code == 0
	})
	l.processes(p.cmd.Process.Pid)
	l.write("go", "")
	dockerText(l.t, "exec", node, "rm", "/run/holds")
	if code := p.wait(); code != passed {
		l.t.Fatalf("got exit code %d, want 0: %s", code, p)
	}
	l.look("the output of run", p.out.String())
	for _, args := range [][]string{{"plan", l.workflow, "--var", "installer=" + installer}, {"show"}, {"show", "--json"}, {"logs", "step.print"}} {
		l.look("the output of "+strings.Join(args, " "), l.pass(args...).String())
	}
	l.files()
	l.machine(node)
}

// processes looks at the command lines of this machine, on which the processes
// of its nodes are too, and for variables of the workflow in environments.
func (l *leak) processes(tool int) {
	l.t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, dir := range dirs {
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue // it has ended
		}
		text := strings.ReplaceAll(string(line), "\x00", " ")
		if !strings.Contains(text, "go-build") { // the test's own arguments
			l.look("a command line: "+text, text)
		}
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err == nil && filepath.Base(dir) != strconv.Itoa(tool) && strings.Contains(string(environ), "DCOSFLOW_VAR_license") {
			l.found["the variables of the tool"] = append(l.found["the variables of the tool"], "the environment of "+text)
		}
	}
}

// files looks at the directory of the run. In bundles and in secrets.json the
// secrets may be, but nobody else may read these.
func (l *leak) files() {
	l.t.Helper()
	root := l.path(".dcosflow/runs/" + l.lastRun())
	closed := mode(l.t, root)&0o007 == 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root+"/")
		if name != "secrets.json" && !strings.HasPrefix(name, "share/") {
			l.look(name, string(content))
			return nil
		}
		for _, secret := range secretForms() {
			if strings.Contains(string(content), secret) && !closed && mode(l.t, path)&0o007 != 0 {
				l.readable = append(l.readable, name)
			}
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// machine looks at the node: at what Docker knows and prints of it, and at the
// places where files of other steps may lie.
func (l *leak) machine(node string) {
	l.t.Helper()
	l.look("docker inspect", dockerText(l.t, "inspect", node))
	l.look("docker logs", finish(l.t, command(l.t, "docker", "logs", node)).String())
	const everything = `grep -r --exclude-dir=proc --exclude-dir=sys --exclude=license "" /tmp /var/tmp /run /dev/shm /root /home /etc /var/log 2>/dev/null; journalctl --no-pager`
	l.look("the file system of the node", onNode(l.t, node, everything).stdout)
}

func (l *leak) look(place, text string) {
	for form, secret := range secretForms() {
		if strings.Contains(text, secret) {
			l.found[form] = append(l.found[form], place)
		}
	}
}

// places lists where secrets were found.
func (l *leak) places() string {
	var all []string
	for _, list := range l.found {
		all = append(all, list...)
	}
	return strings.Join(all, ", ")
}

// own wants a file of the run that only its owner can read.
func (l *leak) own(name string, want fs.FileMode) {
	l.t.Helper()
	if got := mode(l.t, l.path(".dcosflow/runs/"+l.lastRun()+"/"+name)); got != want {
		l.t.Errorf("%s: got mode %o, want %o", name, got, want)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
