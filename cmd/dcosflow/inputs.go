package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/plan"
)

// inputs are the flags that decide, with a file, what a plan is.
type inputs struct {
	vars     []string
	varFiles []string
	seed     int64
	// recorded are the values that an earlier go at the run was given; origin
	// says so to people.
	recorded map[string]cty.Value
	origin   string
	seeded   bool // by the user
}

func (in *inputs) register(cmd *cobra.Command) {
	in.registerVariables(cmd)
	cmd.Flags().Int64Var(&in.seed, "seed", 0, "`N` for run.seed, to repeat random choices (default: another one each time)")
}

func (in *inputs) registerVariables(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&in.vars, "var", nil, "set a variable, as `NAME=VALUE`; may be repeated, the last one wins")
	cmd.Flags().StringArrayVar(&in.varFiles, "var-file", nil, "set variables from a `FILE` of lines NAME = VALUE; may be repeated")
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

// request says what to plan.
type request struct {
	// path is the workflow's file or directory, absolute.
	path   string
	inputs inputs
	run    plan.Run
	// static plans without variable values.
	static bool
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
		looked := ""
		if args[0] != path {
			looked = fmt.Sprintf(" (looked for %s)", path)
		}
		return "", wrongInput("Give the path of a workflow: a .hcl file, or a directory of them.", "there is no workflow %s%s", args[0], looked)
	}
	if err != nil {
		return "", wrongInput("", "read the workflow: %w", err)
	}
	return path, nil
}

// loadingGC has the garbage collected half as often while a workflow is loaded:
// parsing allocates much and frees little, and takes a quarter less time so. The
// peak hardly grows, because nearly all of it stays until the run ends.
const loadingGC = 200

// compile loads a workflow and plans it. It shows all diagnostics; when there
// are errors among them, the plan is nil and the error has been reported.
func (a *app) compile(req request) (*plan.Plan, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(loadingGC))
	p, diags, files, err := a.diagnosed(req)
	if err != nil {
		return nil, err
	}
	a.show(diags, files)
	if diags.HasErrors() {
		return nil, reported(exitInput)
	}
	return p, nil
}

// diagnosed is compile without showing anything.
func (a *app) diagnosed(req request) (*plan.Plan, hcl.Diagnostics, map[string]*hcl.File, error) {
	disk := os.DirFS("/")
	files := map[string]*hcl.File{}
	wf, diags := dsl.Load(disk, req.path, a.display)
	if wf == nil {
		return nil, diags, files, nil
	}
	maps.Copy(files, wf.Files)
	if wf.Incomplete {
		return nil, diags, files, nil
	}
	values, more, err := a.values(disk, wf, &req.inputs, files)
	diags = append(diags, more...)
	if err != nil {
		return nil, diags, files, err
	}
	in := plan.Input{
		Workflow: wf, Steps: a.steps, Backends: a.backends,
		Values: values, Files: disk, WorkingDir: a.cwd, Env: a.env,
		Run: req.run, Static: req.static || more.HasErrors(), // an unreadable file of values gives none
	}
	if !req.static {
		in.History = a.history(wf.Name)
	}
	p, found := plan.Build(in)
	return p, dsl.Sort(append(diags, found...)), files, nil
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
