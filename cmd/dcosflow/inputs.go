package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
)

// inputs are the flags that decide, with a file, what a plan is.
type inputs struct {
	vars     []string
	varFiles []string
	// matrix are the conditions that select variants: "AXIS=LABEL".
	matrix []string
	seed   int64
	// recorded are the values that an earlier go at the run was given; origin
	// says so to people.
	recorded map[string]cty.Value
	origin   string
	seeded   bool // by the user
}

func (in *inputs) register(cmd *cobra.Command) {
	in.registerVariables(cmd)
	in.registerMatrix(cmd)
	cmd.Flags().Int64Var(&in.seed, "seed", 0, "`N` for run.seed, to repeat random choices (default: another one each time)")
}

func (in *inputs) registerVariables(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&in.vars, "var", nil, "set a variable, as `NAME=VALUE`; may be repeated, the last one wins")
	cmd.Flags().StringArrayVar(&in.varFiles, "var-file", nil, "set variables from a `FILE` of lines NAME = VALUE; may be repeated")
}

func (in *inputs) registerMatrix(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&in.matrix, "matrix", nil, "only the variants with `AXIS=LABEL`, or without it: AXIS!=LABEL; may be repeated, several labels of one axis are alternatives")
}

// settle makes a seed when none was given. It stays small enough to be exact
// in every language that reads the JSON.
func (in *inputs) settle(cmd *cobra.Command) error {
	in.seeded = cmd.Flags().Changed("seed")
	return in.reseed()
}

// reseed makes another seed, unless one was given.
func (in *inputs) reseed() error {
	if in.seeded {
		return nil
	}
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("make a seed: %w", err)
	}
	in.seed = int64(binary.BigEndian.Uint32(random[:]))
	return nil
}

// workflowPath returns the absolute path of the workflow that the arguments
// name, else of the current directory.
func (a *app) workflowPath(args []string) (string, error) {
	path := a.cwd
	if len(args) > 0 {
		path = a.absolute(args[0])
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", wrongInput("Give the path of a workflow: a .hcl file, or a directory of them.", "there is no workflow %s%s", args[0], looked(args[0], path))
	}
	if err != nil {
		return "", wrongInput("", "read the workflow: %w", err)
	}
	return path, nil
}

// looked says where a file was looked for, when what was given does not.
func looked(given, absolute string) string {
	if given == absolute {
		return ""
	}
	return fmt.Sprintf(" (looked for %s)", absolute)
}

// show renders diagnostics for a person.
func (a *app) show(diags hcl.Diagnostics, files map[string]*hcl.File) {
	if len(diags) > 0 {
		dsl.Render(a.stderr, diags, files, dsl.RenderOptions{Color: a.color(a.stderr)})
	}
}

// color says whether a stream may be coloured: see no-color.org.
func (a *app) color(stream any) bool {
	value, _ := a.env("NO_COLOR")
	return value == "" && terminal(stream)
}

func (a *app) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(a.cwd, path)
}

// display is what messages call a file: its path from the current directory
// when it lies below it.
func (a *app) display(path string) string {
	rel, err := filepath.Rel(a.cwd, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return path
	}
	return rel
}

// completeWorkflow offers workflow files and directories.
func completeWorkflow(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"hcl", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

// planning is action for commands that plan: their seed is settled first.
func planning(in *inputs, f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := in.settle(cmd); err != nil {
			return asFailure(err)
		}
		return asFailure(f(cmd.Context(), args))
	}
}
