package fake

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
)

// Type is the backend `fake` for workflows of tests.
func Type() backends.Type {
	return backends.Type{
		Name:     "fake",
		Doc:      "Pretends to make machines, for tests of workflows. They boot at once and answer only the commands that a script block names.",
		Destroys: true,
		New: func(cfg backends.Config) (backends.Backend, error) {
			o, err := optionsOf(cfg.Value)
			if err != nil {
				return nil, fmt.Errorf("backend %q: %w", cfg.Name, err)
			}
			return New(o), nil
		},
		Schema: schema.Block{Blocks: []schema.Nested{
			{Name: "script", Doc: "The answer to a command; the first that matches wins.", Block: schema.Block{Attributes: []schema.Attribute{
				text("node", "Pattern of node names, such as `member-*`. Default: every node."),
				text("command", "Regular expression that matches the whole command line, its arguments joined by spaces. Default: every command."),
				number("times", "How often it answers before the next script has its turn. Default: always."),
				{Name: "delay", Kind: schema.Duration, Doc: "Time before the output. Default: none."},
				{Name: "hang", Type: cty.Bool, Doc: "Runs until it is stopped."},
				text("stdout", "Standard output."),
				text("stderr", "Standard error."),
				number("exit_code", "Exit code. Default: 0."),
				text("signal", "Name of the signal that ends it, such as `KILL`."),
				text("trouble", "Fails as if the machine were lost, with this message."),
			}}},
			{Name: "create", Doc: "How the creation of nodes goes.", Block: schema.Block{Attributes: []schema.Attribute{
				text("node", "Pattern of node names. Default: every node."),
				{Name: "delay", Kind: schema.Duration, Doc: "Time that the boot takes. Default: none."},
				text("error", "Fails with this message."),
				{Name: "failed_units", Type: cty.List(cty.String), Doc: "Units that failed: the node is degraded."},
			}}},
		}},
	}
}

func text(name, doc string) schema.Attribute {
	return schema.Attribute{Name: name, Type: cty.String, Doc: doc}
}

func number(name, doc string) schema.Attribute {
	return schema.Attribute{Name: name, Type: cty.Number, Doc: doc}
}

type options struct {
	Script []struct {
		Node     *string `cty:"node"`
		Command  *string `cty:"command"`
		Times    *int    `cty:"times"`
		Delay    *string `cty:"delay"`
		Hang     *bool   `cty:"hang"`
		Stdout   *string `cty:"stdout"`
		Stderr   *string `cty:"stderr"`
		ExitCode *int    `cty:"exit_code"`
		Signal   *string `cty:"signal"`
		Trouble  *string `cty:"trouble"`
	}
	Create []struct {
		Node        *string  `cty:"node"`
		Delay       *string  `cty:"delay"`
		Error       *string  `cty:"error"`
		FailedUnits []string `cty:"failed_units"`
	}
}

func optionsOf(cfg cty.Value) (Options, error) {
	var given options
	if err := decodeBlocks(cfg, "script", &given.Script); err != nil {
		return Options{}, err
	}
	if err := decodeBlocks(cfg, "create", &given.Create); err != nil {
		return Options{}, err
	}
	var o Options
	for _, s := range given.Script {
		script := Script{
			Node: or(s.Node), Times: or(s.Times), Hang: or(s.Hang), Stdout: or(s.Stdout), Stderr: or(s.Stderr),
			Code: or(s.ExitCode), Signal: or(s.Signal),
		}
		if s.Trouble != nil {
			script.Err = &backends.TroubleError{Op: "run a command", Err: errors.New(*s.Trouble)}
		}
		var wrong [2]error
		script.Delay, wrong[0] = duration(s.Delay)
		if s.Command != nil {
			script.Command, wrong[1] = regexp.Compile(anchored(*s.Command))
		}
		if err := errors.Join(wrong[:]...); err != nil {
			return Options{}, fmt.Errorf("script: %w", err)
		}
		o.Scripts = append(o.Scripts, script)
	}
	for _, c := range given.Create {
		creation := Creation{Node: or(c.Node), FailedUnits: c.FailedUnits}
		if c.Error != nil {
			creation.Err = &backends.TroubleError{Op: "create node", Err: errors.New(*c.Error)}
		}
		var err error
		if creation.Delay, err = duration(c.Delay); err != nil {
			return Options{}, fmt.Errorf("create: %w", err)
		}
		o.Creations = append(o.Creations, creation)
	}
	return o, nil
}

// decodeBlocks copies repeated blocks, a tuple of objects, into a slice of
// structs.
func decodeBlocks[T any](cfg cty.Value, name string, into *[]T) error {
	if cfg == cty.NilVal || cfg.IsNull() || !cfg.Type().HasAttribute(name) || cfg.GetAttr(name).IsNull() {
		return nil
	}
	for _, v := range cfg.GetAttr(name).AsValueSlice() {
		var one T
		if err := schema.Decode(v, &one); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*into = append(*into, one)
	}
	return nil
}

func or[T any](p *T) T {
	var v T
	if p != nil {
		v = *p
	}
	return v
}

func duration(text *string) (time.Duration, error) {
	if text == nil {
		return 0, nil
	}
	return schema.ParseDuration(*text)
}
