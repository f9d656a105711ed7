package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/dcosflow/dcosflow/backends"
)

// recorder remembers the last command that a step ran, so that a report can
// name it also when it did not end by itself.
type recorder struct {
	mu   sync.Mutex
	args []string
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
	r.recorder.mu.Lock()
	r.recorder.args = slices.Clone(cmd.Args)
	r.recorder.mu.Unlock()
	return r.Transport.Run(ctx, cmd)
}
