package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/plan"
)

const (
	variablePrefix = local.VariablePrefix
	autoVarsSuffix = ".auto.vars.hcl"
)

// values collects the variable values that were given, the winners only: the
// environment loses to *.auto.vars.hcl beside the workflow, those to what an
// earlier go at the run was given, that to --var-file, that to --var. The
// snippets of the files read are added to files, unless there may be secrets in
// them.
func (a *app) values(disk fs.FS, wf *dsl.Workflow, in *inputs, files map[string]*hcl.File) (map[string]plan.Given, hcl.Diagnostics, error) {
	given := map[string]plan.Given{}
	if slices.ContainsFunc(wf.Variables, func(v *dsl.Variable) bool { return v.Sensitive }) {
		files = map[string]*hcl.File{} // no snippet may show a line with a secret
	}
	for _, v := range wf.Variables {
		if text, set := a.env(variablePrefix + v.Name); set {
			given[v.Name] = plan.Given{Text: &text, Origin: variablePrefix + v.Name, Outside: true}
		}
	}
	auto, err := automatic(wf.Dir)
	if err != nil {
		return nil, nil, err
	}
	diags := a.valuesOf(disk, auto, false, given, files)
	for _, v := range wf.Variables {
		if value, recorded := in.recorded[v.Name]; recorded {
			given[v.Name] = plan.Given{Value: value, Origin: in.origin, Outside: true}
		}
	}
	named, err := a.named(in)
	if err != nil {
		return nil, nil, err
	}
	diags = append(diags, a.valuesOf(disk, named, true, given, files)...)
	for _, pair := range in.vars {
		name, text, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return nil, diags, wrongInput("Write --var NAME=VALUE.", "--var %q has no name and value", pair)
		}
		given[name] = plan.Given{Text: &text, Origin: "--var", Outside: true}
	}
	return given, diags, nil
}

// valuesOf adds the values in files, of which the last ones win.
func (a *app) valuesOf(disk fs.FS, paths []string, outside bool, given map[string]plan.Given, files map[string]*hcl.File) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, path := range paths {
		values, sources, more := dsl.LoadVariables(disk, path, a.display(path))
		diags = append(diags, more...)
		maps.Copy(files, sources)
		for name, v := range values {
			given[name] = plan.Given{Value: v.Value, Origin: place(v.Range), Range: v.Range, Outside: outside}
		}
	}
	return diags
}

// automatic lists the files of values beside a workflow, sorted.
func automatic(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, wrongInput("", "look for *%s: %w", autoVarsSuffix, err)
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), autoVarsSuffix) && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

const varFileHint = "Give the path of a file with a line NAME = VALUE for each variable; `--var NAME=VALUE` sets one."

// named lists the files of --var-file.
func (a *app) named(in *inputs) ([]string, error) {
	var paths []string
	for _, path := range in.varFiles {
		absolute := a.absolute(path)
		info, err := os.Stat(absolute)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, wrongInput(varFileHint, "--var-file %s: there is no such file%s", path, looked(path, absolute))
		case err != nil:
			return nil, wrongInput(varFileHint, "--var-file %s: %w", path, err)
		case info.IsDir():
			return nil, wrongInput(varFileHint, "--var-file %s is a directory", path)
		}
		paths = append(paths, absolute)
	}
	return paths, nil
}
