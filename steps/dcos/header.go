// Package dcos knows the contract of the DC/OS installer: its header, its
// configuration, how it is driven, and how a node tells its version and health.
// The step types genconf, install and upgrade and the `dcos` probe share it.
// Source of the facts: gen/build_deploy/bash and dcos_installer of dcos/dcos,
// branches 1.9 to 2.1.
package dcos

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Header is what the script at the top of an installer tells without running
// it.
type Header struct {
	// Variant is "" for open DC/OS and "ee" for Enterprise.
	Variant string
	// Tar is the file that the installer unpacks into its working directory.
	Tar string
}

// headerLimit is far more than any installer's script; the payload begins after
// it.
const headerLimit = 1 << 20

var (
	variantLine = regexp.MustCompile(`(?m)^# variant: (\S+)$`)
	tarName     = regexp.MustCompile(`dcos-genconf\.[0-9a-f]{1,40}-[0-9a-f]{1,40}\.tar`)
	endMark     = []byte("\n#EOF#\n")
)

// ErrNotInstaller means that a file is no dcos_generate_config.sh.
var ErrNotInstaller = errors.New("this is no DC/OS installer: a dcos_generate_config.sh has a \"# variant:\" line and an \"#EOF#\" mark before its payload")

// ReadHeader reads the script part of an installer.
func ReadHeader(r io.Reader) (Header, error) {
	head, err := io.ReadAll(io.LimitReader(bufio.NewReader(r), headerLimit))
	if err != nil {
		return Header{}, fmt.Errorf("read the installer's header: %w", err)
	}
	script, _, found := bytes.Cut(head, endMark)
	variant := variantLine.FindSubmatch(script)
	tar := tarName.Find(script)
	if !found || variant == nil || tar == nil {
		return Header{}, ErrNotInstaller
	}
	h := Header{Tar: string(tar)}
	if v := string(variant[1]); v != "None" {
		h.Variant = v
	}
	return h, nil
}
