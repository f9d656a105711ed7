package docker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// MirrorVariable is the environment variable that names the Debian mirror for
// images and nodes; without it the mirror of this machine's apt is used.
const MirrorVariable = "DCOSFLOW_DEBIAN_MIRROR"

const defaultMirror = "http://deb.debian.org/debian"

// aptSettings are how this machine's apt reaches its archive. The nodes take
// them over, because they sit in the same network.
type aptSettings struct {
	mirror   string
	security string
	// config are lines in apt.conf's syntax.
	config []string
}

// carriedOver are the settings of apt that depend on the network rather than
// on the machine.
var carriedOver = []string{
	"Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date",
}

// hostApt reads the settings of this machine. A machine without apt has the
// defaults.
func hostApt(ctx context.Context) aptSettings {
	var s aptSettings
	s.mirror, s.security = hostMirror("/etc/apt")
	if m := os.Getenv(MirrorVariable); m != "" {
		s.mirror, s.security = strings.TrimSuffix(m, "/"), ""
	}
	if s.security == "" {
		s.security = strings.TrimSuffix(s.mirror, "/debian") + "/debian-security"
	}
	dump, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err == nil {
		s.config = relevantConfig(string(dump))
	}
	s.config = withProxy(s.config, os.Getenv("http_proxy"))
	return s
}

// relevantConfig picks the lines to carry over from `apt-config dump`.
func relevantConfig(dump string) []string {
	var lines []string
	for line := range strings.Lines(dump) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, " ")
		if slices.Contains(carriedOver, key) && value != `"";` {
			lines = append(lines, line)
		}
	}
	return lines
}

// withProxy adds the proxy of the environment, which apt uses only while it is
// set, unless the configuration has one already.
func withProxy(config []string, proxy string) []string {
	has := slices.ContainsFunc(config, func(l string) bool { return strings.HasPrefix(l, "Acquire::http::Proxy ") })
	if proxy == "" || has {
		return config
	}
	return append(config, fmt.Sprintf("Acquire::http::Proxy %q;", proxy))
}

// hostMirror finds the Debian archive and its security archive in the sources
// of apt below dir; what is not found is the default or empty. The sources of
// Debian's relatives have other names and are no use here.
func hostMirror(dir string) (mirror, security string) {
	mirror = defaultMirror
	files, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*"))
	found := false
	for _, name := range append([]string{filepath.Join(dir, "sources.list")}, files...) {
		if !strings.HasSuffix(name, ".list") && !strings.HasSuffix(name, ".sources") {
			continue
		}
		for _, uri := range sourceURIs(name) {
			switch {
			case strings.HasSuffix(uri, "/debian") && !found:
				mirror, found = uri, true
			case strings.HasSuffix(uri, "/debian-security") && security == "":
				security = uri
			}
		}
	}
	return mirror, security
}

// sourceURIs returns the addresses in a file of apt sources of either format.
func sourceURIs(name string) []string {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	var uris []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if !strings.HasPrefix(line, "URIs:") && !strings.HasPrefix(line, "deb ") {
			continue
		}
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "http") {
				uris = append(uris, strings.TrimSuffix(word, "/"))
			}
		}
	}
	return uris
}

// files are what the settings mean in an image of a suite.
func (s aptSettings) files(suite string) []file {
	const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	const source = "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: " + keyring + "\n"
	sources := fmt.Sprintf(source, s.mirror, suite+" "+suite+"-updates") + "\n" +
		fmt.Sprintf(source, s.security, suite+"-security")
	config := strings.Join(append([]string{`Acquire::Retries "3";`}, s.config...), "\n") + "\n"
	return []file{
		{name: "/etc/apt/apt.conf.d/90dcosflow", mode: 0o644, content: []byte(config)},
		{name: "/etc/apt/sources.list.d/debian.sources", mode: 0o644, content: []byte(sources)},
	}
}
