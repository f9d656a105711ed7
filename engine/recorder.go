package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/dcosflow/dcosflow/backends"
)

// recorder remembers the last command that a step ran, so that a report can
// name it also when it did not end by itself. What runs once over is closed
// only cleans up.
type recorder struct {
	over <-chan struct{}
	mu   sync.Mutex
	args []string
}

func (r *recorder) record(args []string) {
	select {
	case <-r.over:
	default:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.args = slices.Clone(args)
	}
}

func (r *recorder) last() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.args
}

// around returns a transport that tells the recorder; nil for nil.
func (r *recorder) around(t backends.Transport) backends.Transport {
	if t == nil {
		return nil
	}
	return recorded{t, r}
}

type recorded struct {
	backends.Transport
	recorder *recorder
}

func (r recorded) Run(ctx context.Context, cmd backends.Command) error {
	r.recorder.record(cmd.Args)
	return r.Transport.Run(ctx, cmd)
}
