// Command dcosflow runs workflows that test clusters: see `dcosflow help`.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// version is set by the linker: see the Makefile.
var version = "devel"

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program. It returns the exit code of docs/cli.md.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cwd, err := os.Getwd()
	if err != nil {
		return complain(stderr, asFailure(fmt.Errorf("find the current directory: %w", err)))
	}
	a := &app{
		stdin: stdin, stdout: stdout, stderr: stderr,
		env: os.LookupEnv, cwd: cwd, program: os.Args[0],
		steps: stepTypes(), backends: backendTypes(),
	}
	return a.run(ctx, args)
}
