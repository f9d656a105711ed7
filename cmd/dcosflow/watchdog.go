package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

const watchdogName = "watchdog"

const (
	// stillness is how long nothing of a dead run may have been seen before it
	// counts as removed: what was being made may appear late.
	stillness = 5 * time.Second
	// glances is how often it is looked for meanwhile.
	glances = 500 * time.Millisecond
	// persistence is how long a watchdog tries, also against an engine that does
	// not answer.
	persistence = 5 * time.Minute
)

func (a *app) watchdogCommand() *cobra.Command {
	return &cobra.Command{
		Use:    watchdogName + " RUN",
		Short:  "Wait for the end of a run's process, and tidy up after it",
		Hidden: true,
		Args:   arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
			closeInherited()
			return asFailure(a.watch(cmd.Context(), args[0]))
		},
	}
}

// closeInherited closes the files that the run's process was given by others
// and passed on: whoever waits for their end waits for the run, not for its
// watchdog. Those of the Go runtime are marked.
func closeInherited() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	for fd := 3; fd < int(min(limit.Cur, 1024)); fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
}

// watch waits for the end of a run's process. When that comes without a word,
// it ends the processes of the run on this machine, ends its spans, and removes
// its machines, unless they are to be kept.
func (a *app) watch(ctx context.Context, id string) error {
	told := listen(a.stdin)
	if told.done {
		// What is left after a second Ctrl-C did not heed SIGTERM.
		stopGroups(told.groups, time.Millisecond)
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, persistence, fmt.Errorf("gave up after %s", persistence))
	defer cancel()
	a.log("the process of run %s is gone", id)
	var stopping sync.WaitGroup
	defer stopping.Wait()
	stopping.Go(func() { stopGroups(told.groups, backends.DefaultStopTimeout) })
	return a.bury(ctx, id, told.owner)
}

func stopGroups(groups map[int]bool, timeout time.Duration) {
	var stopping sync.WaitGroup
	for group := range groups {
		stopping.Go(func() { local.StopGroup(group, timeout) })
	}
	stopping.Wait()
}

// bury does what a run would have done at its end.
func (a *app) bury(ctx context.Context, id string, owner events.Owner) error {
	dir := filepath.Join(a.runs(), id)
	run, err := journal.Load(dir)
	if err != nil {
		return fmt.Errorf("read what run %s has: %w", id, err)
	}
	if run.Ended != nil || len(run.Clusters)+len(run.Spans) == 0 {
		a.log("it has no machines to remove")
		return nil
	}
	return a.inherit(ctx, dir, owner)
}

// log writes a line to the watchdog's log.
func (a *app) log(format string, args ...any) {
	fmt.Fprintf(a.stdout, "%s %s\n", time.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...))
}

// told is what the run's process has told until its end: who it is, which
// process groups it has, and whether it ended by itself.
type told struct {
	owner  events.Owner
	groups map[int]bool
	done   bool
}

func listen(r io.Reader) told {
	t := told{groups: map[int]bool{}}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var group int
		line := lines.Text()
		owner, isOwner := strings.CutPrefix(line, "owner ")
		switch {
		case line == "done":
			t.done = true
			return t
		case isOwner:
			_ = json.Unmarshal([]byte(owner), &t.owner) // the program is the same
		case scan(line, "begin %d", &group):
			t.groups[group] = true
		case scan(line, "end %d", &group):
			delete(t.groups, group)
		}
	}
	return t
}

func scan(line, format string, into *int) bool {
	n, err := fmt.Sscanf(line, format, into)
	return n == 1 && err == nil
}

// inherit takes over a run whose process is dead, ends its spans and removes its
// machines, unless they are to be kept. It leaves it to whoever took it over
// before: that may be a resume.
func (a *app) inherit(ctx context.Context, dir string, owner events.Owner) (err error) {
	lock, err := a.lockAfter(ctx, dir, owner)
	var locked *journal.LockedError
	if errors.As(err, &locked) {
		a.log("%v: its machines are left to that", locked)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	f, err := openAftermath(dir)
	if err != nil {
		return fmt.Errorf("read what the run has: %w", err)
	}
	defer func() { err = errors.Join(err, f.close(ctx)) }()
	started := f.run.Started
	keep := engine.Keep(started.Keep)
	stay := keep == engine.KeepAlways || keep == engine.KeepOnFailure
	ended := a.endSpans(ctx, f, stay)
	if stay {
		a.log("its machines stay, because of --keep %s; `dcosflow destroy %s` removes them", keep, started.Run)
		return ended
	}
	if err := a.removeAllForGood(ctx, started); err != nil {
		return errors.Join(ended, err)
	}
	return errors.Join(ended, f.deleted())
}

func (a *app) removeAllForGood(ctx context.Context, started events.RunStarted) error {
	var errs []error
	for _, recorded := range started.Backends {
		b, err := a.reopen(recorded)
		if err == nil {
			err = a.removeForGood(ctx, started.Run, b)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("remove its machines from backend %s: %w; try `dcosflow destroy %s`", recorded.Name, err, started.Run))
		}
	}
	return errors.Join(errs...)
}

// lockAfter locks a run whose owner is dying: the kernel closes its pipe and
// its lock one after the other.
func (a *app) lockAfter(ctx context.Context, dir string, owner events.Owner) (*journal.Lock, error) {
	for {
		lock, err := journal.Acquire(dir, journal.Holder{Owner: journal.Self(), Command: os.Args})
		var locked *journal.LockedError
		if !errors.As(err, &locked) || locked.Holder.Owner != owner {
			return lock, err
		}
		if err := wait(ctx, glances); err != nil {
			return nil, err
		}
	}
}

// removeForGood removes the machines of a run from a backend until none has
// appeared for a while. It goes on after errors as long as ctx allows.
func (a *app) removeForGood(ctx context.Context, id string, b backends.Backend) error {
	seen := time.Now()
	for {
		what, err := a.removeOnce(ctx, id, b)
		if err != nil {
			a.log("%s", strings.TrimSpace(err.Error()))
		}
		if what != "" {
			a.log("removed %s", what)
		}
		if err != nil || what != "" {
			seen = time.Now()
		}
		if time.Since(seen) >= stillness {
			a.log("nothing is left of it")
			return nil
		}
		if ended := wait(ctx, glances); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

// removeOnce says what there was of the run, as far as the backend can tell.
func (a *app) removeOnce(ctx context.Context, id string, b backends.Backend) (what string, err error) {
	found := found{}
	sweeps, err := found.sweep(ctx, b)
	if err != nil {
		return "", err
	}
	what = found.run(id).machinesText()
	if sweeps && what == "" {
		return "", nil
	}
	return what, b.Delete(ctx, backends.Key{Run: id})
}

// wait waits for a while or until ctx ends, then with its cause.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
