package local

import (
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dcosflow/dcosflow/backends"
)

// become makes the command run as another user; as the current one it changes
// nothing.
func become(c *exec.Cmd, name string) error {
	want, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("run %s as %s: %w", c.Args[0], name, err)
	}
	current, err := user.Current()
	if err != nil {
		return fmt.Errorf("run %s as %s: %w", c.Args[0], name, err)
	}
	if want.Uid == current.Uid {
		return nil
	}
	credential, err := credentialOf(want)
	if err != nil {
		return fmt.Errorf("run %s as %s: %w", c.Args[0], name, err)
	}
	c.SysProcAttr.Credential = credential
	c.Env = append(c.Env, "HOME="+want.HomeDir, "USER="+name, "LOGNAME="+name)
	return nil
}

func credentialOf(u *user.User) (*syscall.Credential, error) {
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	numbers := make([]uint32, 0, len(ids)+2)
	for _, id := range append([]string{u.Uid, u.Gid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, uint32(n))
	}
	return &syscall.Credential{Uid: numbers[0], Gid: numbers[1], Groups: numbers[2:]}, nil
}

// StopGroup ends a process group: TERM, and KILL when it outlives the timeout;
// zero means backends.DefaultStopTimeout. It returns when the group is gone.
func StopGroup(group int, timeout time.Duration) {
	if timeout == 0 {
		timeout = backends.DefaultStopTimeout
	}
	if signalGroup(group, syscall.SIGTERM) && !goneWithin(group, timeout) {
		signalGroup(group, syscall.SIGKILL)
		// A process that the kernel holds in a system call dies late.
		goneWithin(group, time.Second)
	}
}

func goneWithin(group int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for signalGroup(group, 0) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}

// signalGroup tells whether the group had a process.
func signalGroup(group int, signal syscall.Signal) bool {
	return !errors.Is(syscall.Kill(-group, signal), syscall.ESRCH)
}

func signalName(s syscall.Signal) string {
	return strings.TrimPrefix(unix.SignalName(s), "SIG")
}
