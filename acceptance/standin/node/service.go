package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// bootstrap prepares a unit before it starts. One that is asked to fail does so
// here, so that it is never active, not even for a moment.
func bootstrap(args []string) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	if k := readKnobs(); len(args) == 1 && k.UnhealthyUnit == args[0] && k.UnhealthyNode == host {
		return fmt.Errorf("%s was asked to fail on %s", args[0], host)
	}
	return nil
}

// service is what a unit of dcos.target runs: an admin router that serves HTTP,
// or any other component, which only lives.
func service(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: dcos-service UNIT")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	switch args[0] {
	case "dcos-adminrouter":
		return router(ctx, map[string]http.Handler{":80": masterRoutes(), "127.0.0.1:8101": userRoutes()})
	case "dcos-adminrouter-agent":
		return router(ctx, map[string]http.Handler{":61001": agentRoutes()})
	case "dcos-mesos-slave", "dcos-mesos-slave-public":
		return register(ctx, args[0] == "dcos-mesos-slave-public")
	default:
		<-ctx.Done()
		return nil
	}
}

func router(ctx context.Context, servers map[string]http.Handler) error {
	var group sync.WaitGroup
	errs := make(chan error, 2*len(servers)) // the end of every Serve and of every Close
	for addr, h := range servers {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
		group.Go(func() { errs <- s.Serve(l) })
		context.AfterFunc(ctx, func() { errs <- s.Close() })
	}
	select {
	case <-ctx.Done():
		group.Wait()
		return nil
	case err := <-errs:
		return err
	}
}

// register posts the agent's address to every master until the end.
func register(ctx context.Context, public bool) error {
	out, err := exec.CommandContext(ctx, filepath.Join(root, "bin/detect_ip")).Output()
	if err != nil {
		return fmt.Errorf("detect_ip: %w", err)
	}
	c, err := readConfig()
	if err != nil {
		return err
	}
	client := http.Client{Timeout: time.Second}
	for {
		for _, m := range c.MasterList {
			url := fmt.Sprintf("http://%s/standin/register?ip=%s&public=%t", m, strings.TrimSpace(string(out)), public)
			if resp, err := client.Post(url, "", nil); err == nil {
				_ = resp.Body.Close() // only the arrival counts
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// agents are those that registered, by address.
type agents struct {
	mu  sync.Mutex
	ips map[string]bool
}

func masterRoutes() http.Handler {
	known := &agents{ips: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /standin/register", func(_ http.ResponseWriter, r *http.Request) {
		known.mu.Lock()
		defer known.mu.Unlock()
		known.ips[r.FormValue("ip")] = r.FormValue("public") == "true"
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "<html>DC/OS</html>") })
	mux.HandleFunc("POST /acs/api/v1/auth/login", login)
	answer(mux, "GET /marathon/v2/info", func() any { return map[string]string{"name": "marathon"} })
	answer(mux, "GET /exhibitor/exhibitor/v1/cluster/status", func() any {
		out := []map[string]string{}
		live, _ := liveMasters()
		for _, m := range live {
			out = append(out, map[string]string{"hostname": m})
		}
		return out
	})
	answer(mux, "GET /mesos/master/slaves", known.list)
	answer(mux, "GET /service/metronome/v1/jobs", func() any { return []string{} })
	answer(mux, "GET /system/health/v1/units", unitHealth)
	mux.HandleFunc("GET /slave/{id}/{process}/state", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, map[string]string{"id": r.PathValue("id")})
	})
	metadata(mux)
	return mux
}

func agentRoutes() http.Handler {
	mux := http.NewServeMux()
	metadata(mux)
	return mux
}

func userRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("DELETE /acs/api/v1/users/{email}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return mux
}

func (a *agents) list() any {
	a.mu.Lock()
	defer a.mu.Unlock()
	slaves := []map[string]any{}
	for ip, public := range a.ips {
		s := map[string]any{"id": "S" + ip, "hostname": ip, "attributes": map[string]string{}}
		if public {
			s["attributes"] = map[string]string{"public_ip": "true"}
		}
		slaves = append(slaves, s)
	}
	return map[string]any{"slaves": slaves}
}

func unitHealth() any {
	units := []map[string]any{}
	names, err := members()
	if err != nil {
		return map[string]any{"units": units}
	}
	for _, name := range names {
		health := 0
		if exec.Command("systemctl", "is-active", "--quiet", name).Run() != nil {
			health = 1
		}
		units = append(units, map[string]any{"id": name, "health": health})
	}
	return map[string]any{"units": units}
}

func login(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if json.NewDecoder(r.Body).Decode(&body) != nil || (body["token"] == "" && body["password"] == "") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "dcos-acs-auth-cookie", Value: "standin"})
	writeJSON(w, map[string]string{"token": "standin"})
}

// metadata serves what needs no login.
func metadata(mux *http.ServeMux) {
	mux.HandleFunc("GET /dcos-metadata/dcos-version.json", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(root, "etc/dcos-version.json"))
	})
	mux.HandleFunc("GET /pkgpanda/active.buildinfo.full.json", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.ServeFile(w, r, filepath.Join(root, "active.buildinfo.full.json"))
	})
}

func answer(mux *http.ServeMux, pattern string, value func() any) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, value()) })
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		fmt.Fprintln(os.Stderr, "answer:", err)
	}
}
