// Package genconf is the step type that makes a DC/OS bundle: it runs an
// installer's configuration phase once for a whole cluster.
package genconf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/dcos"
)

// Type returns the step type "genconf".
func Type() steps.Type {
	return steps.Type{
		Name: "genconf",
		Doc: "Makes a DC/OS bundle from an installer. The installer's configuration phase runs once for the whole cluster, on the machine of the tool, " +
			"beside the booting nodes: it needs their addresses, not the nodes. Every node sees the result read-only.\n\n" +
			"The installer needs the `docker` program and a local engine, and about 2 GB below the run's directory. Paths must not contain spaces.",
		Schema: schema.Block{
			Attributes: []schema.Attribute{
				{Name: "cluster", Kind: schema.Cluster, Required: true, Doc: "The cluster; its roles `master`, `agent` and `public_agent` fill the lists of the configuration."},
				{Name: "installer", Kind: schema.Path, Required: true, Doc: "Path of `dcos_generate_config.sh` or `dcos_generate_config.ee.sh`."},
				{Name: "config", Type: cty.DynamicPseudoType, Doc: "Keys of `genconf/config.yaml`; they win over the defaults. `bootstrap_url`, the role lists and whatever else the installer cannot calculate are filled in."},
				{Name: "ip_detect", Kind: schema.Path, Doc: "Path of an `ip-detect` script. The default prints the node's address on the network of its cluster."},
			},
		},
		Outputs:    dcos.Bundle(),
		Placement:  steps.NoNode,
		Idempotent: true,
		New: func(cfg cty.Value) (steps.Step, error) {
			var s step
			return &s, schema.Decode(cfg, &s)
		},
	}
}

type step struct {
	Cluster   cty.Value `cty:"cluster"`
	Installer string    `cty:"installer"`
	Config    cty.Value `cty:"config"`
	IPDetect  *string   `cty:"ip_detect"`
}

// Run makes the bundle.
func (s *step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	header, err := s.header()
	if err != nil {
		return cty.NilVal, &steps.ArgumentError{Argument: "installer", Err: err}
	}
	share, err := env.Machines.Share(s.Cluster.GetAttr("name").AsString())
	if err != nil {
		return cty.NilVal, err
	}
	name := bundleName(env.Address)
	url := "file://" + path.Join(share.Node, name, "genconf", "serve")
	installer := dcos.Installer{
		Path: s.Installer, Dir: filepath.Join(share.Host, name), Container: "dcosflow-" + env.Run + "-" + name,
		Local: env.Local, Stdout: env.Stdout, Stderr: env.Stderr,
	}
	if err := s.writeInput(installer, url); err != nil {
		return cty.NilVal, err
	}
	env.Progress("unpacking " + filepath.Base(s.Installer))
	version, err := installer.Version(ctx)
	if err != nil {
		return cty.NilVal, fmt.Errorf("ask the installer for its version: %w", err)
	}
	env.Progress("configuring DC/OS " + version.Version)
	if err := installer.Genconf(ctx); err != nil {
		var refused *dcos.ConfigError
		if errors.As(err, &refused) {
			return cty.NilVal, &steps.ArgumentError{Argument: "config", Err: err}
		}
		return cty.NilVal, err
	}
	variant := map[string]string{"": "open", "ee": "enterprise"}[header.Variant]
	return cty.ObjectVal(map[string]cty.Value{
		"url":       cty.StringVal(url),
		"version":   cty.StringVal(version.Version),
		"variant":   cty.StringVal(variant),
		"installer": cty.StringVal(s.Installer),
		"dir":       cty.StringVal(installer.Dir),
	}), nil
}

func (s *step) header() (dcos.Header, error) {
	f, err := os.Open(s.Installer)
	if err != nil {
		return dcos.Header{}, err
	}
	defer f.Close()
	h, err := dcos.ReadHeader(f)
	if err != nil {
		return h, fmt.Errorf("%s: %w", s.Installer, err)
	}
	return h, nil
}

func (s *step) writeInput(installer dcos.Installer, url string) error {
	c := dcos.Cluster{Masters: s.role("master"), Agents: s.role("agent"), PublicAgents: s.role("public_agent")}
	values, err := dcos.Config(c, url, s.Config)
	if err != nil {
		return &steps.ArgumentError{Argument: "config", Err: err}
	}
	config, err := dcos.YAML(values)
	if err != nil {
		return &steps.ArgumentError{Argument: "config", Err: err}
	}
	detect, err := s.ipDetect(c)
	if err != nil {
		return err
	}
	if err := installer.WriteInput(config, detect); err != nil {
		return &backends.TroubleError{Op: "write the installer's input", Err: err, Hint: "The run's directory must be writable and have about 2 GB free; --run-dir chooses another."}
	}
	return nil
}

func (s *step) ipDetect(c dcos.Cluster) (string, error) {
	if s.IPDetect == nil {
		return dcos.IPDetect(c)
	}
	raw, err := os.ReadFile(*s.IPDetect)
	if err != nil {
		return "", &steps.ArgumentError{Argument: "ip_detect", Err: err}
	}
	return string(raw), nil
}

// role lists the addresses of a role's nodes; a cluster need not have the role.
func (s *step) role(name string) []string {
	if !s.Cluster.Type().HasAttribute(name) {
		return nil
	}
	var out []string
	for _, node := range s.Cluster.GetAttr(name).AsValueSlice() {
		out = append(out, node.GetAttr("ip").AsString())
	}
	return out
}

var unsafeName = regexp.MustCompile(`[^a-zA-Z0-9_.-]+`)

// bundleName turns step.bundle["from"] into bundle-from.
func bundleName(address string) string {
	return strings.Trim(unsafeName.ReplaceAllString(strings.TrimPrefix(address, "step."), "-"), "-")
}
