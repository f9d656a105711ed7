// Command installer is the stand-in for what runs inside the container of a
// DC/OS installer: it reads /genconf/config.yaml, refuses what the real one
// refuses, and writes /genconf/serve. Facts: the installer contract of DC/OS
// 1.13 and 2.2.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes as argparse and the installer have them.
const (
	exitError = 1
	exitUsage = 2
)

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	b, err := loadBuild("/artifacts/build.json")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitError
	}
	o, err := parse(args, b)
	if err != nil {
		fmt.Fprintf(stderr, "usage: dcos_installer [-h] [-v] [-p PORT] [MODE]\ndcos_installer: error: %v\n", err)
		return exitUsage
	}
	in := installer{build: b, dir: "/genconf", artifacts: "/artifacts/serve", stdout: stdout, stderr: stderr, verbose: o.verbose}
	if err := in.do(o, stdin); err != nil {
		var invalid *configError
		if errors.As(err, &invalid) {
			for _, p := range invalid.problems {
				fmt.Fprintf(stderr, "%s: %s\n", p.key, p.message)
			}
			return exitError
		}
		fmt.Fprintln(stderr, err)
		return exitError
	}
	return 0
}

// build is what the maker of the installer fixed.
type build struct {
	Version     string `json:"version"`
	Variant     string `json:"variant"` // "" or "ee"
	Commit      string `json:"commit"`
	BootstrapID string `json:"bootstrap_id"`
	// Modern says 2.0 or later.
	Modern bool `json:"modern"`
	// Packages are the ids of the packages that every cluster gets.
	Packages []string `json:"packages"`
}

func loadBuild(path string) (build, error) {
	var b build
	raw, err := os.ReadFile(path)
	if err != nil {
		return b, fmt.Errorf("read the build: %w", err)
	}
	return b, json.Unmarshal(raw, &b)
}

type installer struct {
	build          build
	dir, artifacts string
	stdout, stderr io.Writer
	verbose        bool
}

func (in installer) logf(format string, args ...any) {
	if in.verbose {
		fmt.Fprintf(in.stderr, "DEBUG: "+format+"\n", args...)
	}
}

func (in installer) do(o options, stdin io.Reader) error {
	switch o.mode {
	case "version":
		raw, err := json.MarshalIndent(map[string]string{"variant": in.build.Variant, "version": in.build.Version}, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(in.stdout, string(raw))
		return nil
	case "hash-password":
		return in.hashPassword(o.value, stdin)
	case "generate-node-upgrade-script":
		if o.value == "" {
			fmt.Fprintln(in.stdout, "Must provide the version of the cluster upgrading from")
			return errors.New("the installed version must be given")
		}
		return in.upgradeScript(o.value)
	case "web":
		fmt.Fprintln(in.stdout, "The web installer was removed in DC/OS 2.0")
		return errors.New("--web is not available")
	case "validate-config":
		_, err := in.config()
		return err
	case "", "genconf":
		return in.genconf()
	default:
		return fmt.Errorf("--%s deploys over SSH, which this installer's network does not offer", o.mode)
	}
}
