// Package upgrade is the step type that upgrades DC/OS on a node to a bundle.
package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/filelock"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/dcos"
)

// Type returns the step type "upgrade".
func Type() steps.Type {
	return steps.Type{
		Name: "upgrade",
		Doc: "Upgrades DC/OS on a node to a bundle. The installer makes a script for exactly the version that the node has, once for all nodes of that version, " +
			"and the node runs it: it checks the node's health, swaps the packages, and waits until the node is healthy again.\n\n" +
			"Masters go one by one (`max_parallel = 1`), agents in parallel. There is no way back: a node that failed is repaired by hand.",
		Schema: schema.Block{
			Attributes: []schema.Attribute{
				{Name: "bundle", Type: schema.OutputType(dcos.Bundle()), Required: true, Example: "step.bundle", Doc: "The outputs of the `genconf` step of the new version."},
				{Name: "from", Type: cty.String, Doc: "The version that the node must have; another one fails the step before anything is touched. The default takes what the node has."},
				{Name: "skip_checks", Type: cty.Bool, Default: cty.False, Doc: "Whether the script leaves out the health checks before the upgrade."},
			},
		},
		Outputs: []schema.Output{
			{Name: "from", Type: cty.String, Doc: "The version before."},
			{Name: "version", Type: cty.String, Doc: "The version after."},
			{Name: "duration", Type: cty.Number, Doc: "Seconds that the script took."},
		},
		Placement: steps.NeedsNode,
		New: func(cfg cty.Value) (steps.Step, error) {
			var s step
			return &s, schema.Decode(cfg, &s)
		},
	}
}

type step struct {
	Bundle     cty.Value `cty:"bundle"`
	From       *string   `cty:"from"`
	SkipChecks bool      `cty:"skip_checks"`
}

// Run upgrades the node.
func (s *step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	from, err := dcos.Installed(ctx, env.Node)
	if err != nil {
		return cty.NilVal, err
	}
	if s.From != nil && *s.From != from {
		return cty.NilVal, &steps.ArgumentError{Argument: "from", Err: fmt.Errorf("%s has DC/OS %s, not %s", env.Node.Name, from, *s.From)}
	}
	env.Progress(fmt.Sprintf("DC/OS %s to %s", from, s.text("version")))
	url, err := s.script(ctx, env, from)
	if err != nil {
		return cty.NilVal, fmt.Errorf("make the upgrade script: %w", err)
	}
	path, err := dcos.NodePath(url)
	if err != nil {
		return cty.NilVal, &steps.ArgumentError{Argument: "bundle", Err: err}
	}
	args := []string{"/bin/bash", path}
	if s.SkipChecks {
		args = append(args, "--skip-checks")
	}
	began := time.Now()
	if err := env.Node.Transport.Run(ctx, backends.Command{Args: args, User: "root", Stdout: env.Stdout, Stderr: env.Stderr}); err != nil {
		return cty.NilVal, err
	}
	version, err := dcos.Installed(ctx, env.Node)
	if err != nil {
		return cty.NilVal, err
	}
	if want := s.text("version"); version != want {
		return cty.NilVal, fmt.Errorf("%s has DC/OS %s after the upgrade, not %s", env.Node.Name, version, want)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"from":     cty.StringVal(from),
		"version":  cty.StringVal(version),
		"duration": cty.NumberFloatVal(time.Since(began).Seconds()),
	}), nil
}

func (s *step) text(name string) string { return s.Bundle.GetAttr(name).AsString() }

// script returns the URL of the script for a version. The first instance makes
// it; the others, in this process or another, wait for it and read its URL.
func (s *step) script(ctx context.Context, env steps.Env, from string) (string, error) {
	record := filepath.Join(s.text("dir"), "upgrade-"+from+".url")
	unlock, err := filelock.Lock(ctx, record+".lock", nil)
	if err != nil {
		return "", err
	}
	defer unlock()
	raw, err := os.ReadFile(record)
	if err == nil {
		return strings.TrimSpace(string(raw)), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	url, err := dcos.Installer{
		Path: s.text("installer"), Dir: s.text("dir"), Container: "dcosflow-" + env.Run + "-" + filepath.Base(s.text("dir")),
		Local: env.Local, Stdout: env.Stdout, Stderr: env.Stderr,
	}.UpgradeScript(ctx, from)
	if err != nil {
		return "", err
	}
	return url, os.WriteFile(record, []byte(url+"\n"), 0o644)
}
