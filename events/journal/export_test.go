package journal

import (
	"os"
	"testing"
)

// Replace gives a writer another file, such as one on a full disk.
func Replace(w *Writer, file *os.File) {
	w.file.Close()
	w.file = file
}

// StartOf is the start of a process as in an Owner.
func StartOf(t *testing.T, pid int) string {
	t.Helper()
	start, err := startOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	return start
}
