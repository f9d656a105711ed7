package main

import (
	"encoding/json"
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
	"github.com/dcosflow/dcosflow/events/journal"
	"github.com/dcosflow/dcosflow/plan"
)

// guard is the run's end of its watchdog: a process of the same program that
// notices when this one dies without a word, and tidies up. They talk by lines
// on a pipe: "owner JSON" tells who this is, "begin GROUP" and "end GROUP" which process groups of this
// machine belong to the run, "done" that the run has ended by itself. It is
// started when there is something to guard: machines, or a process of the run on
// this machine. The zero value guards nothing.
type guard struct {
	program, executable string
	run                 plan.Run
	warnings            io.Writer

	mu       sync.Mutex
	watchdog *exec.Cmd // nil until it is started
	tried    bool
	pipe     io.WriteCloser
}

// watchdogLog is the name of its log in the directory of a run. It is there
// only when there was something to tell.
const watchdogLog = "watchdog.log"

// farewell is how long a watchdog has to go when its run has ended.
const farewell = 5 * time.Second

// guard makes the guard of a run, and starts the watchdog of one that has
// clusters. Whoever calls it calls release.
func (a *app) guard(p *plan.Plan) (*guard, error) {
	if a.program == "" {
		return &guard{tried: true}, nil
	}
	executable, err := thisExecutable()
	if err != nil {
		return nil, err
	}
	g := &guard{program: a.program, executable: executable, run: p.Run, warnings: a.stderr}
	if len(p.Clusters) == 0 {
		return g, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g, g.start()
}

func (g *guard) log() string { return filepath.Join(g.run.Dir, watchdogLog) }

// start is called once, with the lock held.
func (g *guard) start() error {
	g.tried = true
	reads, writes, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reads.Close()
	log, err := os.OpenFile(g.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return errors.Join(err, writes.Close())
	}
	defer log.Close()
	watchdog := &exec.Cmd{
		Path: g.executable,
		Args: []string{g.program, watchdogName, "--run-dir", filepath.Dir(g.run.Dir), g.run.ID},
		// It must outlive the terminal and hold no directory.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}, Dir: "/", Env: local.Environ(),
		// Files, so that no goroutine copies and no stream of ours is held.
		Stdin: reads, Stdout: log, Stderr: log,
	}
	if err := watchdog.Start(); err != nil {
		return errors.Join(fmt.Errorf("start the watchdog: %w", err), writes.Close())
	}
	g.watchdog, g.pipe = watchdog, writes
	owner, err := json.Marshal(journal.Self())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(writes, "owner %s\n", owner) // it may be gone
	return nil
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
	g.awake()
	g.tell("begin %d\n", id)
	return func() { g.tell("end %d\n", id) }
}

// awake starts the watchdog if nothing has yet. The run goes on without one.
func (g *guard) awake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tried {
		return
	}
	if err := g.start(); err != nil {
		fmt.Fprintf(g.warnings, "%v: what run %s starts on this machine goes on when this process is killed\n", err, g.run.ID)
	}
}

// tell does not mind that the watchdog is gone.
func (g *guard) tell(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe != nil {
		fmt.Fprintf(g.pipe, format, args...)
	}
}

// release sends the watchdog away and waits until it is gone. None is started
// after it, though a step may be at work that was left to itself.
func (g *guard) release() error {
	g.mu.Lock()
	watchdog, pipe := g.watchdog, g.pipe
	g.tried, g.pipe = true, nil
	g.mu.Unlock()
	if watchdog == nil {
		return nil
	}
	_, _ = io.WriteString(pipe, "done\n") // it may be gone
	err := pipe.Close()
	late := time.AfterFunc(farewell, func() { _ = watchdog.Process.Kill() })
	defer late.Stop()
	if waitErr := watchdog.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("the watchdog ended with %w: see %s", waitErr, g.log()))
	}
	if info, statErr := os.Stat(g.log()); statErr == nil && info.Size() == 0 {
		err = errors.Join(err, os.Remove(g.log()))
	}
	return err
}
