package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/dcosflow/dcosflow/dag"
	"github.com/dcosflow/dcosflow/plan"
)

// breakpoints are the steps before which a run stops until the user says that
// it may go on: once for each address, however many instances it means.
type breakpoints struct {
	app       *app
	run       string
	addresses []string
	turn      chan struct{} // has room for one question at a time
	passed    map[string]bool
}

// breakpoints makes engine.Options.Pause of the flag --break.
func (a *app) breakpoints(p *plan.Plan, given []string) (func(dag.ID) func(context.Context) error, error) {
	if len(given) == 0 {
		return nil, nil
	}
	if !terminal(a.stdin) {
		return nil, wrongInput("Start it on a terminal, or use --until and --keep always.", "--break waits for Enter, and the input is no terminal")
	}
	b := &breakpoints{app: a, run: p.Run.ID, turn: make(chan struct{}, 1), passed: map[string]bool{}}
	for _, address := range given {
		if _, err := vertices(p, "--break", address); err != nil {
			return nil, err
		}
		b.addresses = append(b.addresses, givenAddress(address))
	}
	return b.before, nil
}

func (b *breakpoints) before(id dag.ID) func(context.Context) error {
	i := slices.IndexFunc(b.addresses, func(address string) bool { return plan.Within(id, address) })
	if i < 0 {
		return nil
	}
	return func(ctx context.Context) error { return b.stop(ctx, id, b.addresses[i]) }
}

func (b *breakpoints) stop(ctx context.Context, before dag.ID, address string) error {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-b.turn }()
	if b.passed[address] {
		return nil
	}
	style := b.app.style()
	fmt.Fprintf(b.app.stderr, `
stopped before %s
  look around:  %s; %s
  enter a node: %s
Enter goes on, Ctrl-C ends the run.
`, before, style.Tool("show", b.run), style.Tool("nodes", b.run), style.Tool("exec", "--run", b.run, "NODE", "--", "bash"))
	err := b.app.enter.wait(ctx, b.app.stdin)
	b.passed[address] = err == nil
	return err
}

// enterKey tells when the user has pressed Enter. The zero value is ready to
// use, for one reader. Nobody waits for its goroutine: a read from the user's
// terminal cannot be interrupted.
type enterKey struct {
	once    sync.Once
	pressed chan struct{}
}

// wait waits for the next line, but not after the last one.
func (k *enterKey) wait(ctx context.Context, r io.Reader) error {
	k.once.Do(func() {
		k.pressed = make(chan struct{})
		go func() {
			defer close(k.pressed)
			for lines := bufio.NewScanner(r); lines.Scan(); {
				k.pressed <- struct{}{}
			}
		}()
	})
	select {
	case <-k.pressed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
