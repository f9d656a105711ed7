package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/dcosflow/dcosflow/events"
)

// Self is the running process. Without /proc its Start is empty, and Alive can
// tell it from another process of the same number no more.
func Self() events.Owner {
	host, _ := os.Hostname() // an unknown name equals itself
	pid := os.Getpid()
	start, _ := startOf(pid)
	return events.Owner{Host: host, PID: pid, Start: start}
}

// Alive says whether the owner still runs. An owner on another host counts as
// alive, because nobody can tell from here; the zero Owner never does.
func Alive(o events.Owner) bool {
	if o.PID <= 0 {
		return false
	}
	if host, _ := os.Hostname(); o.Host != host {
		return true
	}
	start, err := startOf(o.PID)
	switch {
	case err == nil && o.Start != "":
		return start == o.Start
	case errors.Is(err, errZombie):
		return false
	}
	return signals(o.PID)
}

var errZombie = errors.New("the process has ended")

// startOf is the boot id and the start time of a process in ticks since boot:
// together they never repeat.
func startOf(pid int) (string, error) {
	boot, err := bootID()
	if err != nil {
		return "", err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	state, ticks, err := parseStat(stat)
	if err != nil {
		return "", err
	}
	if state == "Z" || state == "X" {
		return "", errZombie
	}
	return boot + "/" + ticks, nil
}

// parseStat finds fields 3 and 22. The second one, the program's name in
// parentheses, may hold anything.
func parseStat(stat []byte) (state, ticks string, err error) {
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	const afterName = 3 // the number of the first field after the name
	if end < 0 || len(fields) <= 22-afterName {
		return "", "", fmt.Errorf("%q is not the status of a process", stat)
	}
	ticks = fields[22-afterName]
	if _, err := strconv.ParseUint(ticks, 10, 64); err != nil {
		return "", "", fmt.Errorf("%q is not a start time", ticks)
	}
	return fields[0], ticks, nil
}

func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}

// signals asks the kernel: there may be no /proc, or one that hides the
// processes of others.
func signals(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}
