package dcos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dcosflow/dcosflow/backends"
)

// Installer drives a dcos_generate_config.sh in a working directory of its own.
// The directory survives the step, so that a later run finds the unpacked image.
type Installer struct {
	// Path is the installer; Dir its working directory, which has genconf/.
	// Neither may contain a space: the installer does not quote them.
	Path, Dir string
	// Container names the container that it starts.
	Container string
	// Local reaches the machine with the Docker engine.
	Local backends.Transport
	// Stdout and Stderr receive a copy of what the installer prints.
	Stdout, Stderr io.Writer
}

// Version is what `--version` prints.
type Version struct {
	Version string `json:"version"`
	Variant string `json:"variant"`
}

// killTimeout bounds the removal of the container after a cancel.
const killTimeout = 20 * time.Second

// Version asks the installer for its version. The first call in a directory
// unpacks and loads the installer's image.
func (i Installer) Version(ctx context.Context) (Version, error) {
	out, err := i.run(ctx, "--version")
	if err != nil {
		return Version{}, err
	}
	// Unpacking prints the name of the file before the JSON.
	_, text, found := strings.Cut("\n"+out, "\n{")
	var v Version
	if !found || json.Unmarshal([]byte("{"+text), &v) != nil || v.Version == "" {
		return v, fmt.Errorf("%s --version printed no version: %q", i.Path, out)
	}
	return v, nil
}

// Genconf reads genconf/config.yaml and writes genconf/serve.
func (i Installer) Genconf(ctx context.Context) error {
	_, err := i.run(ctx, "-v", "--genconf")
	return err
}

// UpgradeScript makes a script for nodes of exactly the given version and
// returns its URL.
func (i Installer) UpgradeScript(ctx context.Context, from string) (string, error) {
	out, err := i.run(ctx, "-v", "--generate-node-upgrade-script", from)
	if err != nil {
		return "", err
	}
	words := strings.Fields(out)
	if len(words) == 0 || !strings.Contains(words[len(words)-1], "/upgrade/") {
		return "", fmt.Errorf("the installer printed no URL of an upgrade script: %q", out)
	}
	return words[len(words)-1], nil
}

func (i Installer) run(ctx context.Context, args ...string) (string, error) {
	if strings.ContainsAny(i.Path+i.Dir, " \t\n") {
		return "", fmt.Errorf("the installer cannot work with spaces in paths: %q in %q; use --run-dir and a path without", i.Path, i.Dir)
	}
	// Published by installers up to 1.13, ignored from 2.0.
	port, err := freePort()
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	killed := make(chan error, 1)
	// The program in the container may be deaf to the signal that ends the
	// script.
	stop := context.AfterFunc(ctx, func() { killed <- i.kill(ctx) })
	err = i.Local.Run(ctx, backends.Command{
		Args:   append([]string{"bash", i.Path}, args...),
		Dir:    i.Dir,
		Env:    map[string]string{"DCOS_INSTALLER_CONTAINER_NAME": i.Container, "PORT": port},
		Stdout: tee(&stdout, i.Stdout),
		Stderr: tee(&stderr, i.Stderr),
	})
	if !stop() {
		if err == nil {
			err = context.Cause(ctx)
		}
		// Once more: the script may have started the container meanwhile.
		return "", errors.Join(err, <-killed, i.kill(ctx))
	}
	var exit *backends.ExitError
	if errors.As(err, &exit) {
		return "", configProblems(stderr.String(), stdout.String(), err)
	}
	return stdout.String(), err
}

// kill ends the container: the installer's own trap knows only the default
// name.
func (i Installer) kill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTimeout)
	defer cancel()
	var stderr bytes.Buffer
	err := i.Local.Run(ctx, backends.Command{Args: []string{"docker", "rm", "--force", i.Container}, Stderr: &stderr})
	if err != nil && strings.Contains(stderr.String(), "No such container") {
		return nil
	}
	return err
}

// ConfigError is a configuration that the installer refused.
type ConfigError struct {
	// Problems are the installer's own lines, "key: message".
	Problems []string
	// Err is the command that failed.
	Err error
}

func (e *ConfigError) Error() string {
	return "the installer refuses the configuration:\n  " + strings.Join(e.Problems, "\n  ")
}

func (e *ConfigError) Unwrap() error { return e.Err }

var problemLine = regexp.MustCompile(`^(?:\S*(?:ERROR|CRITICAL)\S*:\s*)?(([a-z][a-z0-9_]*): \S.*)$`)

// programs of the script complain in the form of a problem.
var programs = []string{"bash", "docker", "sed", "tar"}

func configProblems(stderr, stdout string, err error) error {
	var problems []string
	for line := range strings.Lines(stderr) {
		if m := problemLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil && !slices.Contains(programs, m[2]) {
			problems = append(problems, m[1])
		}
	}
	if len(problems) == 0 {
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(stdout+stderr))
	}
	return &ConfigError{Problems: problems, Err: err}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port for the installer: %w", err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

func tee(b *bytes.Buffer, w io.Writer) io.Writer {
	if w == nil {
		return b
	}
	return io.MultiWriter(b, w)
}

// WriteInput writes genconf/config.yaml and genconf/ip-detect below the working
// directory.
func (i Installer) WriteInput(config []byte, ipDetect string) error {
	dir := filepath.Join(i.Dir, "genconf")
	if err := os.MkdirAll(filepath.Join(dir, "serve"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), config, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "ip-detect"), []byte(ipDetect), 0o755)
}
