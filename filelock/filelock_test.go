package filelock_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/dcosflow/dcosflow/filelock"
)

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := filelock.Lock(t.Context(), path, func() { t.Error("a free lock: waits") })
	if err != nil {
		t.Fatalf("a free lock: %v", err)
	}

	enough := errors.New("enough")
	ctx, stop := context.WithCancelCause(t.Context())
	if _, err := filelock.Lock(ctx, path, func() { stop(enough) }); !errors.Is(err, enough) {
		t.Errorf("a held lock: got %v, want the cause %v", err, enough)
	}

	waited := 0
	again, err := filelock.Lock(t.Context(), path, func() { waited++; unlock() })
	if err != nil || waited != 1 {
		t.Fatalf("a lock that is let go: got %v after %d calls, want success after 1", err, waited)
	}
	again()
	last, err := filelock.Lock(t.Context(), path, nil)
	if err != nil {
		t.Fatalf("once more: %v", err)
	}
	last()

	if _, err := filelock.Lock(t.Context(), filepath.Join(path, "below a file"), nil); err == nil {
		t.Error("a path that cannot be: got success")
	}
}
