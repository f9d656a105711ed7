// Command node is the stand-in for the programs of DC/OS on a node. Which one
// it is depends on the name it is called by: pkgpanda, dcos-check-runner, or
// bootstrap and dcos-service, which every unit of dcos.target runs.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	var err error
	switch name := filepath.Base(os.Args[0]); name {
	case "pkgpanda":
		err = pkgpanda(os.Args[1:])
	case "dcos-check-runner":
		os.Exit(checkRunner(os.Args[1:], os.Stdout, os.Stderr))
	case "bootstrap":
		err = bootstrap(os.Args[1:])
	case "dcos-service":
		err = service(os.Args[1:])
	default:
		err = fmt.Errorf("called as %q", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const (
	root       = "/opt/mesosphere"
	setupFlags = "/etc/mesosphere/setup-flags"
	rolesDir   = "/etc/mesosphere/roles"
	units      = "/etc/systemd/system"
)

// knobs are the failures on demand that the configuration asked for.
type knobs struct {
	SetupSeconds float64 `json:"setup_seconds"`
	// HealthyAfter is how long after the start of its units a node is healthy.
	HealthyAfter float64 `json:"healthy_after"`
	// UnhealthyNode and UnhealthyUnit name a unit that fails on one node.
	UnhealthyNode string `json:"unhealthy_node"`
	UnhealthyUnit string `json:"unhealthy_unit"`
	// WrongVersion stands in dcos-version.json instead of the true one.
	WrongVersion string `json:"wrong_version"`
}

func readKnobs() knobs {
	var k knobs
	raw, err := os.ReadFile(filepath.Join(setupFlags, "knobs.json"))
	if err != nil {
		return k
	}
	if err := json.Unmarshal(raw, &k); err != nil {
		fmt.Fprintln(os.Stderr, "knobs.json:", err)
	}
	return k
}

func role() (string, error) {
	names, err := filepath.Glob(filepath.Join(rolesDir, "*"))
	if err != nil {
		return "", err
	}
	if len(names) != 1 {
		return "", fmt.Errorf("%s must hold exactly one role, not %d", rolesDir, len(names))
	}
	return filepath.Base(names[0]), nil
}

// config is what the node reads of the cluster's configuration.
type config struct {
	MasterList []string `json:"master_list"`
}

func readConfig() (config, error) {
	var c config
	raw, err := os.ReadFile(filepath.Join(root, "etc/expanded.config.full.json"))
	if err != nil {
		return c, err
	}
	var loose struct {
		MasterList any `json:"master_list"`
	}
	if err := json.Unmarshal(raw, &loose); err != nil {
		return c, err
	}
	switch v := loose.MasterList.(type) {
	case string:
		return c, json.Unmarshal([]byte(v), &c.MasterList)
	case []any:
		for _, m := range v {
			c.MasterList = append(c.MasterList, fmt.Sprint(m))
		}
	}
	return c, nil
}

func readText(path string) (string, error) {
	raw, err := os.ReadFile(path)
	return strings.TrimSpace(string(raw)), err
}
