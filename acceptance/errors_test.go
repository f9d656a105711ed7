package acceptance

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// errorCase is one case of errors.txt.
type errorCase struct {
	title, command string
	code           int
	says           []string
}

func TestErrors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("errors.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range errorCases(t, string(text)) {
		t.Run(c.title, func(t *testing.T) {
			s := newSandbox(t)
			if err := os.CopyFS(s.dir, os.DirFS("testdata/errors")); err != nil {
				t.Fatal(err)
			}
			r := s.shell(c.command)
			if r.code != c.code {
				t.Errorf("want exit code %d, got %s", c.code, r)
			}
			var missing []string
			for _, text := range c.says {
				if !strings.Contains(r.stderr, text) {
					missing = append(missing, text)
				}
			}
			if len(missing) > 0 {
				t.Errorf("the error output does not contain %q: %s", missing, r)
			}
			if left := s.remains(); len(left) > 0 {
				t.Errorf("Docker is not as it was before, there are %v", left)
			}
		})
	}
}

// All mistakes of a file are shown, each once.
func TestTenMistakes(t *testing.T) {
	s := newSandbox(t)
	got := s.diagnostics(testdata(t, "errors/ten-mistakes.hcl"))
	var lines []int
	for _, d := range got {
		lines = append(lines, d.Range.Start.Line)
	}
	if want := 10; len(got) != want || !slices.IsSorted(lines) {
		t.Errorf("got %d diagnostics in lines %v, want %d, sorted: %+v", len(got), lines, want, got)
	}
}

// errorCases reads blocks of lines: "# title", "$ command", the exit code, and
// three texts or more.
func errorCases(t *testing.T, text string) []errorCase {
	t.Helper()
	var cases []errorCase
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n")[1:] {
		lines := strings.Split(block, "\n")
		if len(lines) < 6 || !strings.HasPrefix(lines[0], "# ") || !strings.HasPrefix(lines[1], "$ ") {
			t.Fatalf("want a title, a command, an exit code and three texts, got\n%s", block)
		}
		code, err := strconv.Atoi(lines[2])
		if err != nil {
			t.Fatalf("%s: the third line is no exit code: %v", lines[0], err)
		}
		cases = append(cases, errorCase{title: lines[0][2:], command: lines[1][2:], code: code, says: lines[3:]})
	}
	return cases
}

// fullDisk runs a command while the directory `full` is a tiny file system. The
// engine sees it too, so it cannot hide in a namespace, and mounting needs root.
const fullDisk = `#!/bin/sh
sudo=$([ "$(id -u)" = 0 ] || echo sudo -n)
mkdir full
$sudo mount -t tmpfs -o size=256k,mode=1777 tmpfs full || exit 99
"$@"
code=$?
$sudo umount full
exit $code
`

// shell runs a command line of errors.txt with the tool on the PATH.
func (s *sandbox) shell(line string) result {
	s.t.Helper()
	bin := s.t.TempDir()
	if err := os.Symlink(s.bin, bin+"/dcosflow"); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(bin+"/full-disk", []byte(fullDisk), 0o755); err != nil {
		s.t.Fatal(err)
	}
	cmd := command(s.t, "sh", "-c", line)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "CI=true", "PATH="+bin+":"+os.Getenv("PATH"))
	return finish(s.t, cmd)
}

// remains lists what runs in the sandbox left in Docker. Objects of other runs,
// which may be at work now, are not looked at.
func (s *sandbox) remains() []string {
	s.t.Helper()
	var left []string
	for _, list := range [][]string{{"ps", "--all"}, {"volume", "ls"}, {"network", "ls"}} {
		for _, line := range docker(s.t, append(list, "--filter", "label=dcosflow.run", "--format", `{{.Label "dcosflow.dir"}}`)...) {
			if strings.HasPrefix(line, s.dir) {
				left = append(left, list[0]+" of "+line)
			}
		}
	}
	return left
}
