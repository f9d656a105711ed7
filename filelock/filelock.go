// Package filelock makes processes, and the goroutines of one, wait for each
// other at a file.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// poll is how often a lock that another holds is tried: the kernel's own wait
// would not end with a context.
const poll = 50 * time.Millisecond

// Lock locks the file at path, which it makes when it is missing, and returns
// what unlocks it. It waits for another holder, whose death unlocks it too,
// until ctx ends, then with its cause. Before it waits it calls waiting once,
// unless that is nil.
func Lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, f, waiting); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func wait(ctx context.Context, f *os.File, waiting func()) error {
	for said := waiting == nil; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if !said {
			waiting()
			said = true
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
