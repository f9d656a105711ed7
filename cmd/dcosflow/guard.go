package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/plan"
)

// guard is the run's end of its watchdog: a process of the same program that
// notices when this one dies without a word, and tidies up. They talk by lines
// on a pipe: "begin GROUP" and "end GROUP" tell which process groups of this
// machine belong to the run, "done" that the run has ended by itself. The zero
// value guards nothing.
type guard struct {
	watchdog *exec.Cmd
	log      string

	mu   sync.Mutex
	pipe io.WriteCloser
}

// watchdogLog is the name of its log in the directory of a run. It is there
// only when there was something to tell.
const watchdogLog = "watchdog.log"

// farewell is how long a watchdog has to go when its run has ended.
const farewell = 5 * time.Second

// guard starts the watchdog of a run. Whoever calls it calls release.
func (a *app) guard(run plan.Run) (*guard, error) {
	if a.program == "" {
		return &guard{}, nil
	}
	executable, err := thisExecutable()
	if err != nil {
		return nil, err
	}
	reads, writes, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reads.Close()
	g := &guard{log: filepath.Join(run.Dir, watchdogLog), pipe: writes}
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(err, writes.Close())
	}
	defer log.Close()
	g.watchdog = &exec.Cmd{
		Path: executable,
		Args: []string{a.program, watchdogName, "--run-dir", filepath.Dir(run.Dir), run.ID},
		// It must outlive the terminal and hold no directory.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}, Dir: "/", Env: local.Environ(),
		// Files, so that no goroutine copies and no stream of ours is held.
		Stdin: reads, Stdout: log, Stderr: log,
	}
	if err := g.watchdog.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the watchdog: %w", err), writes.Close())
	}
	return g, nil
}

// thisExecutable is the running program, also when its file was replaced.
func thisExecutable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// group tells the watchdog about a process group, until ended is called.
func (g *guard) group(id int) (ended func()) {
	g.tell("begin %d\n", id)
	return func() { g.tell("end %d\n", id) }
}

// tell does not mind that the watchdog is gone: the run goes on without.
func (g *guard) tell(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe != nil {
		fmt.Fprintf(g.pipe, format, args...)
	}
}

// release sends the watchdog away and waits until it is gone.
func (g *guard) release() error {
	if g.watchdog == nil {
		return nil
	}
	g.tell("done\n")
	err := g.pipe.Close()
	late := time.AfterFunc(farewell, func() { _ = g.watchdog.Process.Kill() })
	defer late.Stop()
	if waitErr := g.watchdog.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("the watchdog ended with %w: see %s", waitErr, g.log))
	}
	if info, statErr := os.Stat(g.log); statErr == nil && info.Size() == 0 {
		err = errors.Join(err, os.Remove(g.log))
	}
	return err
}
