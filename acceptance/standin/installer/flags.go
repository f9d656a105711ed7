package main

import (
	"fmt"
	"slices"
	"strings"
)

type options struct {
	mode, value string
	verbose     bool
}

// modes by the versions that have them; the value says whether a word may
// follow.
var (
	modes       = map[string]bool{"genconf": false, "version": false, "hash-password": true, "generate-node-upgrade-script": true, "web": false, "aws-cloudformation": false}
	legacyModes = map[string]bool{"validate-config": false, "preflight": false, "install-prereqs": false, "deploy": false, "postflight": false, "set-superuser-password": true, "cli-telemetry-disabled": false}
)

func parse(args []string, b build) (options, error) {
	var o options
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, _ := strings.Cut(arg, "=")
		name = strings.TrimPrefix(name, "--")
		takes, known := modes[name]
		if !known && !b.Modern {
			takes, known = legacyModes[name]
		}
		switch {
		case arg == "-v" || arg == "--verbose":
			o.verbose = true
		case arg == "-p" || arg == "--port":
			if len(args) == 0 {
				return o, fmt.Errorf("argument -p/--port: expected one argument")
			}
			args = args[1:]
		case arg == "--offline" && !b.Modern:
		case strings.HasPrefix(arg, "--") && known:
			if o.mode != "" {
				return o, fmt.Errorf("argument --%s: not allowed with argument --%s", name, o.mode)
			}
			o.mode, o.value = name, value
			if takes && value == "" && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				o.value, args = args[0], slices.Delete(slices.Clone(args), 0, 1)
			}
		default:
			return o, fmt.Errorf("unrecognized arguments: %s", arg)
		}
	}
	return o, nil
}
