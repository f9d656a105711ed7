package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/plan"
)

const (
	variablePrefix = "DCOSFLOW_VAR_"
	autoVarsSuffix = ".auto.vars.hcl"
)

// values collects the variable values that were given, the winners only: the
// environment loses to *.auto.vars.hcl beside the workflow, that to --var-file,
// that to --var. The snippets of the files read are added to files.
func (a *app) values(disk fs.FS, wf *dsl.Workflow, in *inputs, files map[string]*hcl.File) (map[string]plan.Given, hcl.Diagnostics, error) {
	given := map[string]plan.Given{}
	for _, v := range wf.Variables {
		if text, set := a.env(variablePrefix + v.Name); set {
			given[v.Name] = plan.Given{Text: &text, Origin: variablePrefix + v.Name}
		}
	}
	paths, err := a.variableFiles(wf.Dir, in)
	if err != nil {
		return nil, nil, err
	}
	var diags hcl.Diagnostics
	for _, path := range paths {
		values, sources, more := dsl.LoadVariables(disk, path, a.display(path))
		diags = append(diags, more...)
		for name, file := range sources {
			files[name] = file
		}
		for name, v := range values {
			given[name] = plan.Given{Value: v.Value, Origin: place(v.Range), Range: v.Range}
		}
	}
	for _, pair := range in.vars {
		name, text, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return nil, diags, wrongInput("Write --var NAME=VALUE.", "--var %q has no name and value", pair)
		}
		given[name] = plan.Given{Text: &text, Origin: "--var"}
	}
	return given, diags, nil
}

// variableFiles lists the files of variable values, the stronger ones last.
func (a *app) variableFiles(dir string, in *inputs) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, wrongInput("", "look for *%s: %w", autoVarsSuffix, err)
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), autoVarsSuffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	for _, path := range in.varFiles {
		if _, err := os.Stat(a.absolute(path)); err != nil {
			return nil, wrongInput("", "read --var-file %s: %w", path, err)
		}
		paths = append(paths, a.absolute(path))
	}
	return paths, nil
}
