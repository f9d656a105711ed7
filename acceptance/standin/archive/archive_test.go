package archive

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTarXZIsReadByRealTools(t *testing.T) {
	big := bytes.Repeat([]byte("dcos"), 50_000) // more than three chunks
	name := filepath.Join(t.TempDir(), "a.tar.xz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	files := []File{
		{Name: "bin/tool", Mode: 0o755, Data: big},
		{Name: "etc/empty", Mode: 0o644},
		{Name: "bin/link", Link: "tool"},
	}
	if err := TarXZ(f, files); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("xz", "--test", name).CombinedOutput(); err != nil {
		t.Fatalf("xz --test: %v\n%s", err, out)
	}
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-axf", name, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar -axf: %v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "bin/link"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, big) {
		t.Errorf("bin/link has %d bytes, want %d equal ones", len(got), len(big))
	}
}
