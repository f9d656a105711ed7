package docker

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/docker/docker/api/types/image"

	"github.com/dcosflow/dcosflow/backends"
)

// base returns the image to build a node image from: one that the engine has,
// else the registry's, else one made with debootstrap.
func (i *Images) base(ctx context.Context, d distribution, apt aptSettings, progress func(string)) (string, error) {
	for _, ref := range []string{d.base(), d.official} {
		if found, err := i.has(ctx, ref); err != nil || found {
			return ref, err
		}
	}
	progress("pulling " + d.official)
	pullErr := i.pull(ctx, d.official)
	if pullErr == nil || ctx.Err() != nil {
		return d.official, pullErr
	}
	progress(fmt.Sprintf("%s cannot be pulled (%v): making %s with debootstrap", d.official, pullErr, d.base()))
	if err := i.bootstrap(ctx, d, apt, progress); err != nil {
		return "", &backends.TroubleError{
			Op:   "make the base image " + d.base(),
			Err:  err,
			Hint: fmt.Sprintf("give the engine a base image: `docker pull %s`, or `docker load` one; or run as root on a machine with apt, or where debootstrap is installed (`apt-get install debootstrap`)", d.official),
		}
	}
	return d.base(), nil
}

func (i *Images) pull(ctx context.Context, ref string) error {
	stream, err := i.api.ImagePull(ctx, ref, image.PullOptions{})
	if err != nil {
		return err
	}
	defer stream.Close()
	return followStream(stream, func(string) {})
}

// bootstrap makes a minimal root file system and imports it.
func (i *Images) bootstrap(ctx context.Context, d distribution, apt aptSettings, progress func(string)) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("debootstrap needs root")
	}
	work, err := os.MkdirTemp("", "dcosflow-base-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	program, env, err := debootstrap(ctx, work)
	if err != nil {
		return err
	}
	root := filepath.Join(work, "root")
	args := []string{program, "--variant=minbase", d.suite, root, apt.mirror}
	if err := runWithProgress(ctx, args, env, progress); err != nil {
		return err
	}
	return i.importTree(ctx, root, d.base())
}

// debootstrap finds the program. It is only a script, so where it is not
// installed, its package is fetched and unpacked into a directory of our own.
func debootstrap(ctx context.Context, work string) (program string, env []string, err error) {
	if program, err = exec.LookPath("debootstrap"); err == nil {
		return program, nil, nil
	}
	script := "apt-get download -q debootstrap || { apt-get update -q && apt-get download -q debootstrap; }\n" +
		"dpkg-deb -x debootstrap_*.deb package"
	cmd := exec.CommandContext(ctx, "sh", "-ec", script)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("debootstrap is not installed and cannot be fetched: %w: %s", err, lastLine(string(out)))
	}
	unpacked := filepath.Join(work, "package", "usr")
	return filepath.Join(unpacked, "sbin", "debootstrap"),
		[]string{"DEBOOTSTRAP_DIR=" + filepath.Join(unpacked, "share", "debootstrap")}, nil
}

// importTree makes an image with one layer of a directory.
func (i *Images) importTree(ctx context.Context, root, ref string) error {
	cmd := exec.CommandContext(ctx, "tar", "-C", root, "--numeric-owner", "-c", ".")
	archive, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("archive %s: %w", root, err)
	}
	stream, err := i.api.ImageImport(ctx, image.ImportSource{Source: archive, SourceName: "-"}, ref, image.ImportOptions{})
	if err == nil {
		err = followStream(stream, func(string) {})
		stream.Close()
	}
	_, _ = io.Copy(io.Discard, archive) // so that tar ends even when the engine refused
	if waitErr := cmd.Wait(); err == nil && waitErr != nil {
		err = fmt.Errorf("archive %s: %w", root, waitErr)
	}
	return err
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}
