// Command standin makes a DC/OS installer for tests: a
// dcos_generate_config.sh with the header and the payload of the real one, a
// tar with a `docker save` archive. What it installs are real archives, real
// systemd units and small programs that answer as DC/OS does.
//
//	go run ./acceptance/standin -release 2.2.9 -out DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("standin", flag.ContinueOnError)
	fs.SetOutput(stderr)
	rel := fs.String("release", "2.2.9", "version of DC/OS to stand in for: 1.13.x or 2.x")
	ee := fs.Bool("ee", false, "make the Enterprise variant")
	out := fs.String("out", ".", "directory for the installer")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	path, err := produce(ctx, *rel, *ee, *out)
	if err != nil {
		fmt.Fprintln(stderr, "standin:", err)
		return 1
	}
	fmt.Fprintln(stdout, path)
	return 0
}

// produce builds the programs, packs them, and writes the installer.
func produce(ctx context.Context, version string, ee bool, out string) (string, error) {
	tmp, err := os.MkdirTemp("", "standin-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	for _, program := range []string{"installer", "node"} {
		if err := compile(ctx, program, filepath.Join(tmp, program)); err != nil {
			return "", err
		}
	}
	r, err := newRelease(version, ee, tmp)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(out, r.fileName())
	return path, r.write(ctx, tmp, path)
}
