package main

import (
	"encoding/json"
	"fmt"

	"github.com/dcosflow/dcosflow/acceptance/standin/archive"
)

const environment = `PATH=/opt/mesosphere/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LD_LIBRARY_PATH=/opt/mesosphere/lib
`

const environmentExport = `export LD_LIBRARY_PATH=/opt/mesosphere/lib
export PATH=/opt/mesosphere/bin:$PATH
`

const shell = `#!/bin/bash
# Runs its arguments, or a shell, with the environment of DC/OS.
source /opt/mesosphere/environment.export
exec "${@:-${SHELL:-/bin/bash}}"
`

// bootstrapFiles is what dcos-download unpacks into /opt/mesosphere.
func bootstrapFiles(program []byte) []archive.File {
	return []archive.File{
		{Name: "bin/pkgpanda", Mode: 0o755, Data: program},
		{Name: "bin/dcos-check-runner", Link: "pkgpanda"},
		{Name: "bin/dcos-service", Link: "pkgpanda"},
		{Name: "bin/bootstrap", Link: "pkgpanda"},
		{Name: "bin/dcos-shell", Mode: 0o755, Data: []byte(shell)},
		{Name: "bin/dcos_add_user.py", Mode: 0o755, Data: []byte("#!/usr/bin/env python3\n")},
		{Name: "bin/add_dcos_path.sh", Mode: 0o755, Data: []byte("export PATH=$PATH:/opt/mesosphere/bin\n")},
		{Name: "environment", Mode: 0o644, Data: []byte(environment)},
		{Name: "environment.export", Mode: 0o644, Data: []byte(environmentExport)},
		{Name: "bootstrap", Mode: 0o644},
	}
}

// roleUnits are the units that a role ends up with, by wants folder.
var roleUnits = map[string][]string{
	"dcos.target.wants":              {"dcos-net", "dcos-diagnostics", "dcos-log", "dcos-pkgpanda-api"},
	"dcos.target.wants_master":       {"dcos-exhibitor", "dcos-mesos-master", "dcos-mesos-dns", "dcos-marathon", "dcos-metronome", "dcos-cosmos", "dcos-bouncer", "dcos-adminrouter"},
	"dcos.target.wants_slave":        {"dcos-mesos-slave", "dcos-adminrouter-agent"},
	"dcos.target.wants_slave_public": {"dcos-mesos-slave-public", "dcos-adminrouter-agent"},
}

// coreFiles is the package with the units, the version and the check
// configuration.
func (r *release) coreFiles() []archive.File {
	version := map[string]string{
		"version": r.Version, "dcos-image-commit": r.Commit, "bootstrap-id": r.BootstrapID,
		"dcos-variant": map[string]string{"": "open", "ee": "enterprise"}[r.Variant],
	}
	raw, err := json.MarshalIndent(version, "", "  ")
	if err != nil {
		panic(err) // a map of strings
	}
	files := []archive.File{
		{Name: "pkginfo.json", Mode: 0o644, Data: []byte("{}")},
		{Name: "etc/dcos-version.json", Mode: 0o644, Data: append(raw, '\n')},
		{Name: "etc/dcos-check-config.json", Mode: 0o644, Data: []byte("{}\n")},
	}
	for _, dir := range []string{"dcos.target.wants", "dcos.target.wants_master", "dcos.target.wants_slave", "dcos.target.wants_slave_public"} {
		for _, name := range roleUnits[dir] {
			files = append(files, archive.File{Name: dir + "/" + name + ".service", Mode: 0o644, Data: unit(name)})
		}
	}
	return files
}

func unit(name string) []byte {
	return fmt.Appendf(nil, `[Unit]
Description=%[1]s
[Service]
EnvironmentFile=/opt/mesosphere/environment
ExecStartPre=/opt/mesosphere/bin/bootstrap %[1]s
ExecStart=/opt/mesosphere/bin/dcos-service %[1]s
StartLimitInterval=0
Restart=always
RestartSec=5
`, name)
}
