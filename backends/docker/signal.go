package docker

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/dcosflow/dcosflow/backends"
)

// signal is the socket by which a node's systemd says that it has booted. It
// works only where the engine shares this machine's files; the zero value never
// says anything. The directory stays as long as the node, which could not be
// started again without it.
type signal struct {
	dir  string
	conn *net.UnixConn
}

// inside is where a node sees the directory of its socket.
const inside = "/run/dcosflow"

func listen(local bool, spec backends.Spec, node string) (*signal, error) {
	if !local {
		return &signal{}, nil
	}
	dir := filepath.Join(spec.Dir, "boot", spec.Cluster, node)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	handle, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	// A socket's path must be short; this way it is, wherever the run lives.
	path := fmt.Sprintf("/proc/self/fd/%d/notify", handle.Fd())
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("listen in %s: %w", dir, err)
	}
	return &signal{dir: dir, conn: conn}, nil
}

func (s *signal) binds() []string {
	if s.conn == nil {
		return nil
	}
	return []string{s.dir + ":" + inside}
}

// ready is closed when systemd said that the boot is complete. The goroutine
// ends with close.
func (s *signal) ready() <-chan struct{} {
	ready := make(chan struct{})
	if s.conn == nil {
		return ready
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := s.conn.Read(buf)
			if err != nil {
				return
			}
			for line := range strings.Lines(string(buf[:n])) {
				if strings.TrimSpace(line) == "READY=1" {
					close(ready)
					return
				}
			}
		}
	}()
	return ready
}

func (s *signal) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		_ = os.Remove(filepath.Join(s.dir, "notify"))
	}
}
