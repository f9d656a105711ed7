package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Codes of a check, which are also exit codes.
const (
	healthy  = 0
	critical = 2
	unknown  = 3
)

type checkResult struct {
	Status int    `json:"status"`
	Output string `json:"output"`
}

// checkRunner is `dcos-check-runner check node-poststart|cluster`.
func checkRunner(args []string, stdout, stderr io.Writer) int {
	if len(args) < 2 || args[0] != "check" || (args[1] != "node-poststart" && args[1] != "cluster") {
		fmt.Fprintln(stderr, "usage: dcos-check-runner check node-poststart|cluster")
		return 1
	}
	r, err := role()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return unknown
	}
	checks := map[string]checkResult{}
	if args[1] == "node-poststart" {
		checks["components_"+map[bool]string{true: "master", false: "agent"}[r == "master"]] = components()
		for _, program := range []string{"xz", "tar", "curl", "unzip", "docker"} {
			checks[program] = onPath(program)
		}
		checks["ip_detect_script"] = detect()
		checks["journald_dir_permissions"] = journalDir()
	}
	if r == "master" {
		checks["mesos_master_replog_synchronized"] = quorum()
	} else if args[1] == "node-poststart" {
		checks["mesos_agent_registered_with_masters"] = registered()
	}
	worst := healthy
	for _, c := range checks {
		worst = max(worst, c.Status)
	}
	raw, err := json.Marshal(map[string]any{"status": worst, "checks": checks})
	if err != nil {
		fmt.Fprintln(stderr, err)
		return unknown
	}
	fmt.Fprintln(stdout, string(raw))
	return worst
}

// components asks systemd for the units of dcos.target.
func components() checkResult {
	names, err := members()
	if err != nil {
		return checkResult{critical, err.Error()}
	}
	out, _ := exec.Command("systemctl", append([]string{"is-active"}, names...)...).Output() // the words say it, the code repeats it
	states := strings.Fields(string(out))
	if len(states) != len(names) {
		return checkResult{critical, fmt.Sprintf("systemctl is-active said %q", out)}
	}
	var bad []string
	for i, name := range names {
		if states[i] != "active" {
			bad = append(bad, name+": "+states[i])
		}
	}
	if len(bad) > 0 {
		return checkResult{critical, strings.Join(bad, ", ")}
	}
	started, err := os.Stat(filepath.Join(units, "dcos.target"))
	if err != nil {
		return checkResult{critical, err.Error()}
	}
	if wait := time.Duration(readKnobs().HealthyAfter * float64(time.Second)); time.Since(started.ModTime()) < wait {
		return checkResult{critical, "components are starting"}
	}
	return checkResult{healthy, ""}
}

func onPath(program string) checkResult {
	path, err := exec.LookPath(program)
	if err != nil {
		return checkResult{critical, err.Error()}
	}
	return checkResult{healthy, path}
}

func detect() checkResult {
	out, err := exec.Command(filepath.Join(root, "bin/detect_ip")).Output()
	if err != nil {
		return checkResult{critical, "detect_ip: " + err.Error()}
	}
	return checkResult{healthy, strings.TrimSpace(string(out))}
}

func journalDir() checkResult {
	if _, err := os.Stat("/var/log/journal"); err != nil {
		return checkResult{critical, err.Error()}
	}
	return checkResult{healthy, ""}
}

// liveMasters are the masters that answer over HTTP.
func liveMasters() (live, all []string) {
	c, err := readConfig()
	if err != nil {
		return nil, nil
	}
	client := http.Client{Timeout: time.Second}
	for _, m := range c.MasterList {
		resp, err := client.Get("http://" + m + "/dcos-metadata/dcos-version.json")
		if err != nil {
			continue
		}
		if resp.Body.Close() == nil && resp.StatusCode == http.StatusOK {
			live = append(live, m)
		}
	}
	return live, c.MasterList
}

func quorum() checkResult {
	live, all := liveMasters()
	if len(live) <= len(all)/2 {
		return checkResult{critical, fmt.Sprintf("%d of %d masters answer", len(live), len(all))}
	}
	return checkResult{healthy, ""}
}

func registered() checkResult {
	if live, _ := liveMasters(); len(live) == 0 {
		return checkResult{critical, "no master answers"}
	}
	return checkResult{healthy, ""}
}
