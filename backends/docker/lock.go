package docker

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/dcosflow/dcosflow/filelock"
)

// lockUser takes a lock among all processes of this user.
func lockUser(ctx context.Context, name string, progress func(string)) (unlock func(), err error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	dir = filepath.Join(dir, "dcosflow")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name+".lock")
	return filelock.Lock(ctx, path, func() { progress("waiting for another dcosflow that holds " + path) })
}

// sleep waits for a while or until ctx ends, then with its cause.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
