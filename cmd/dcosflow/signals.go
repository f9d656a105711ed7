package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// stopSignals ask a command to end. SIGHUP comes when the terminal is closed.
var stopSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}

// errOutputClosed is the cause of a run that ends because nobody reads what it
// prints: `dcosflow run | head`.
var errOutputClosed = errors.New("the output was closed")

// interrupts turns signals into the end of a run: the first one cancels it,
// the second one closes Abort.
type interrupts struct {
	Abort chan struct{}

	cancel    context.CancelCauseFunc
	signals   chan os.Signal
	freePipes func()
	done      chan struct{}
	watcher   sync.WaitGroup
}

// interruptible returns a context that the first signal cancels, with the
// signal as its cause. The message goes to w at the first signal. Whoever
// calls it calls Stop.
func interruptible(ctx context.Context, w io.Writer, message string) (context.Context, *interrupts) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := &interrupts{
		Abort: make(chan struct{}), cancel: cancel,
		signals:   make(chan os.Signal, 2),
		freePipes: surviveClosedPipes(),
		done:      make(chan struct{}),
	}
	signal.Notify(i.signals, stopSignals...)
	i.watcher.Go(func() { i.watch(w, message) })
	return ctx, i
}

func (i *interrupts) watch(w io.Writer, message string) {
	for n := 0; ; n++ {
		select {
		case <-i.done:
			return
		case s := <-i.signals:
			switch n {
			case 0:
				fmt.Fprintf(w, "\ninterrupted by %s: %s\n", signalName(s), message)
				i.cancel(fmt.Errorf("interrupted by %s", signalName(s)))
			case 1:
				close(i.Abort)
			}
		}
	}
}

// Stop ends the watch; signals do again what they do by default.
func (i *interrupts) Stop() {
	signal.Stop(i.signals)
	i.freePipes()
	close(i.done)
	i.watcher.Wait()
	i.cancel(nil)
}

// surviveClosedPipes makes a write to a pipe that nobody reads fail, rather
// than kill the process. Ignoring the signal instead would be inherited by the
// commands that a run starts.
func surviveClosedPipes() (stop func()) {
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE)
	return func() { signal.Stop(unread) }
}

// guard returns a writer that cancels the run when nobody reads it any more.
func (i *interrupts) guard(w io.Writer) io.Writer { return guarded{w, i.cancel} }

type guarded struct {
	w      io.Writer
	cancel context.CancelCauseFunc
}

func (g guarded) Write(p []byte) (int, error) {
	n, err := g.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		g.cancel(errOutputClosed)
	}
	return n, err
}

func signalName(s os.Signal) string {
	switch s {
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP"
	default:
		return s.String()
	}
}
