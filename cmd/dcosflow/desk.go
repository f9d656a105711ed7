package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/events/journal"
)

// desk is the folder of a run in the hands of this process, which nobody else
// writes to until it is closed.
type desk struct {
	owner   events.Owner
	lock    *journal.Lock
	record  *journal.Writer
	secrets *journal.Secrets
	// earlier is what the journal holds already; nil in a new run.
	earlier *events.Run
}

// newDesk makes the folder of a new run.
func newDesk(dir string) (*desk, error) {
	return occupy(dir, func() (*journal.Writer, *events.Run, error) {
		record, err := journal.Create(dir)
		return record, nil, err
	})
}

// oldDesk takes over the folder of a run that has ended or died. It is a
// *journal.LockedError when that is not so.
func oldDesk(dir string) (*desk, error) {
	return occupy(dir, func() (*journal.Writer, *events.Run, error) { return journal.Reopen(dir) })
}

// withoutValues is a command line without what --var gives: the lock is written
// before it is known which of the values are secret.
func withoutValues(args []string) []string {
	shown := slices.Clone(args)
	for i, arg := range args {
		flag, value, joined := strings.Cut(arg, "=")
		switch {
		case joined && flag == "--var":
			name, _, _ := strings.Cut(value, "=")
			shown[i] = flag + "=" + name + "=..."
		case i > 0 && args[i-1] == "--var":
			shown[i] = flag + "=..."
		}
	}
	return shown
}

func occupy(dir string, open func() (*journal.Writer, *events.Run, error)) (*desk, error) {
	d := &desk{owner: journal.Self()}
	var err error
	if d.lock, err = journal.Acquire(dir, journal.Holder{Owner: d.owner, Command: withoutValues(os.Args)}); err != nil {
		return nil, err
	}
	if d.record, d.earlier, err = open(); err == nil {
		d.secrets, err = journal.OpenSecrets(dir)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// close gives the folder back. It returns the first error of the journal's life.
func (d *desk) close() error {
	var err error
	if d.record != nil {
		err = d.record.Close()
	}
	if released := d.lock.Release(); released != nil {
		err = errors.Join(err, fmt.Errorf("release the lock: %w", released))
	}
	return err
}
