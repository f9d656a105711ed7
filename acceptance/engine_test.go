package acceptance

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a run may take to end after its infrastructure failed.
const patience = time.Minute

// An engine that accepts connections and never answers.
func TestSilentEngine(t *testing.T) {
	s := newSandbox(t)
	engine := newRelay(t, s.path("engine.sock"))
	engine.freeze()
	s.env = []string{"DOCKER_HOST=unix://" + engine.socket}
	r := s.want(trouble, "run", testdata(t, "interrupt.hcl"), "--var", "marker="+s.path("marker"))
	r.says(t, "the Docker engine does not answer", "restart Docker")
	if r.took > patience {
		t.Errorf("it took %s to give up, want at most %s", r.took, patience)
	}
}

// An engine that hangs while a step is at work, and one whose node is killed.
func TestEngineFailsInTheMiddle(t *testing.T) {
	cases := map[string]struct {
		fail func(*sandbox, *relay)
		says []string
	}{
		"it hangs": {
			func(s *sandbox, engine *relay) { engine.freeze() },
			[]string{"the Docker engine does not answer", "restart Docker", "dcosflow destroy"},
		},
		"it is gone": {
			func(s *sandbox, engine *relay) { engine.close() },
			[]string{"is Docker running?", "dcosflow destroy"},
		},
		"the node is killed": {
			func(s *sandbox, engine *relay) {
				for _, id := range containers(s.t, s.lastRun()) {
					dockerText(s.t, "kill", id)
				}
			},
			[]string{"the node stopped with exit code 137"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			engine := newRelay(t, s.path("engine.sock"))
			s.env = []string{"DOCKER_HOST=unix://" + engine.socket}
			p := s.startHanging()
			s.env = nil // what cleans up reaches the real one
			begin := time.Now()
			c.fail(s, engine)
			if code := p.wait(); code != trouble {
				t.Errorf("got exit code %d, want %d: %s", code, trouble, p)
			}
			if took := time.Since(begin); took > patience {
				t.Errorf("it took %s to give up, want at most %s", took, patience)
			} else {
				t.Logf("it took %s to give up", took)
			}
			for _, text := range c.says {
				if !strings.Contains(p.String(), text) {
					t.Errorf("it does not say %q: %s", text, p)
				}
			}
		})
	}
}

// relay is a socket that leads to the real engine until it is frozen: then it
// still accepts connections, and nothing comes out of them.
type relay struct {
	t        *testing.T
	socket   string
	listener net.Listener
	over     chan struct{}
	copiers  sync.WaitGroup

	mu    sync.Mutex
	thaw  chan struct{} // open while it is frozen
	conns []net.Conn
}

func newRelay(t *testing.T, socket string) *relay {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, socket: socket, listener: l, over: make(chan struct{}), thaw: make(chan struct{})}
	close(r.thaw)
	r.copiers.Go(r.serve)
	t.Cleanup(func() {
		close(r.over)
		r.close()
		r.copiers.Wait()
	})
	return r
}

func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.thaw = make(chan struct{})
}

// close ends the socket and all its connections.
func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
}

func (r *relay) serve() {
	for {
		from, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			r.t.Error(err)
			return
		}
		to, err := net.Dial("unix", realEngine())
		if err != nil {
			r.t.Error(err)
			return
		}
		r.mu.Lock()
		r.conns = append(r.conns, from, to)
		r.mu.Unlock()
		r.copiers.Go(func() { r.pass(from, to) })
		r.copiers.Go(func() { r.pass(to, from) })
	}
}

// pass copies one direction, and its end.
func (r *relay) pass(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		r.mu.Lock()
		thaw := r.thaw
		r.mu.Unlock()
		select {
		case <-thaw:
		case <-r.over:
			return
		}
		if _, writeErr := to.Write(buffer[:n]); err == nil {
			err = writeErr
		}
		if errors.Is(err, io.EOF) {
			_ = to.(*net.UnixConn).CloseWrite() // the other side may be gone
			return
		}
		if err != nil {
			return
		}
	}
}

func realEngine() string {
	if path, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://"); ok {
		return path
	}
	return "/var/run/docker.sock"
}
