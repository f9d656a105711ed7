// Package install is the step type that installs DC/OS on a node from a
// bundle.
package install

import (
	"context"
	"path"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/dcos"
)

// Type returns the step type "install".
func Type() steps.Type {
	return steps.Type{
		Name: "install",
		Doc: "Installs DC/OS on a node from a bundle. It runs `dcos_install.sh` with the word of the node's role and returns when that returned: " +
			"the node's components go on starting in the background, so a `wait` with `dcos = \"node\"` follows.\n\n" +
			"The script refuses a node on which DC/OS is installed already, so an install is not repeated.",
		Schema: schema.Block{
			Attributes: []schema.Attribute{
				{Name: "bundle", Type: schema.OutputType(dcos.Bundle()), Required: true, Example: "step.bundle", Doc: "The outputs of a `genconf` step."},
				{Name: "role", Type: cty.String, Doc: "`master`, `agent` or `public_agent`; the default is the node's role."},
				{Name: "preflight", Type: cty.Bool, Default: cty.True, Doc: "Whether the script checks the node first."},
			},
		},
		Outputs: []schema.Output{
			{Name: "version", Type: cty.String, Doc: "The bundle's version."},
			{Name: "role", Type: cty.String, Doc: "The installer's word for the role: `master`, `slave` or `slave_public`."},
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
	Bundle    cty.Value `cty:"bundle"`
	Role      *string   `cty:"role"`
	Preflight bool      `cty:"preflight"`
}

// Run installs the bundle.
func (s *step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	role := string(env.Node.Role)
	if s.Role != nil {
		role = *s.Role
	}
	word, err := dcos.RoleWord(role)
	if err != nil {
		return cty.NilVal, &steps.ArgumentError{Argument: "role", Err: err}
	}
	dir, err := dcos.NodePath(s.Bundle.GetAttr("url").AsString())
	if err != nil {
		return cty.NilVal, &steps.ArgumentError{Argument: "bundle", Err: err}
	}
	args := []string{"/bin/bash", path.Join(dir, "dcos_install.sh"), "--no-block-dcos-setup"}
	if !s.Preflight {
		args = append(args, "--disable-preflight")
	}
	began := time.Now()
	err = env.Node.Transport.Run(ctx, backends.Command{Args: append(args, word), User: "root", Stdout: env.Stdout, Stderr: env.Stderr})
	return cty.ObjectVal(map[string]cty.Value{
		"version":  s.Bundle.GetAttr("version"),
		"role":     cty.StringVal(word),
		"duration": cty.NumberFloatVal(time.Since(began).Seconds()),
	}), err
}
