package dsl

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// Version is the version of the language, which is that of the tool;
// required_version is held against it.
const Version = "0.1.0"

// Load parses the workflow at an absolute path, a file (.hcl or .hcl.json) or a
// directory, in a file system that is rooted at "/", and the modules that it
// calls. Diagnostics come all at once, sorted by place. The workflow is nil only
// when no file could be read. Display turns an absolute path into the name that
// ranges show; nil makes it relative to the workflow's directory.
func Load(fsys fs.FS, name string, display func(string) string) (*Workflow, hcl.Diagnostics) {
	name = path.Clean(name)
	info, err := fs.Stat(fsys, inRoot(name))
	if err != nil {
		return nil, hcl.Diagnostics{unreadable("workflow", name, err)}
	}
	w := &Workflow{Dir: name, Name: path.Base(name)}
	sources := []string{name}
	if info.IsDir() {
		found, diag := sourcesIn(fsys, name)
		if diag != nil {
			return nil, hcl.Diagnostics{diag}
		}
		if len(found) == 0 {
			return nil, hcl.Diagnostics{{
				Severity: hcl.DiagError,
				Summary:  "No workflow in the directory",
				Detail:   fmt.Sprintf("%s has no *.hcl or *.hcl.json file. Name a workflow file, or a directory that has one.", name),
			}}
		}
		sources = found
	} else {
		w.Dir = path.Dir(name)
		w.Name = strings.TrimSuffix(strings.TrimSuffix(w.Name, ".json"), ".hcl")
	}
	if display == nil {
		display = func(abs string) string { return strings.TrimPrefix(abs, strings.TrimSuffix(w.Dir, "/")+"/") }
	}
	l := loader{
		fsys: fsys, display: display, files: map[string]*hcl.File{}, modules: map[string]*Workflow{},
		calls: []call{{dir: name, info: info}},
	}
	l.load(w, sources, nil)
	if len(w.Files) == 0 {
		return nil, Sort(l.diags)
	}
	if diag := l.tooNew; diag != nil {
		w.Incomplete = true
		return w, hcl.Diagnostics{diag}
	}
	w.Incomplete, w.Flawed = l.incomplete, l.diags.HasErrors()
	return w, Sort(l.diags)
}

// loader reads a workflow and the modules that it calls, each directory once.
type loader struct {
	fsys    fs.FS
	display func(string) string
	files   map[string]*hcl.File
	diags   hcl.Diagnostics
	// tooNew is the one diagnostic of a workflow for another version.
	tooNew     *hcl.Diagnostic
	incomplete bool
	// modules are the directories that were loaded.
	modules map[string]*Workflow
	// calls lead to the directory that is being loaded.
	calls []call
}

// load fills a workflow from its files; call is nil for that of the user.
func (l *loader) load(w *Workflow, sources []string, call *Module) {
	w.Files = l.files
	d := decoder{loader: l, workflow: w, call: call, names: map[string]hcl.Range{}}
	for _, source := range sources {
		d.file(source)
	}
	l.diags = append(l.diags, d.diags...)
	for _, m := range w.Modules {
		l.module(w, m)
	}
}

// inRoot is an absolute path as a file system rooted at "/" wants it.
func inRoot(abs string) string {
	if rel := strings.TrimPrefix(path.Clean(abs), "/"); rel != "" {
		return rel
	}
	return "."
}

// sourcesIn lists the files of a directory that make up the workflow; ReadDir
// sorts (rule 25).
func sourcesIn(fsys fs.FS, dir string) ([]string, *hcl.Diagnostic) {
	entries, err := fs.ReadDir(fsys, inRoot(dir))
	if err != nil {
		return nil, unreadable("directory", dir, err)
	}
	var sources []string
	for _, entry := range entries {
		if !entry.IsDir() && isSource(entry.Name()) {
			sources = append(sources, path.Join(dir, entry.Name()))
		}
	}
	return sources, nil
}

func isSource(name string) bool {
	base, isHCL := strings.CutSuffix(strings.TrimSuffix(name, ".json"), ".hcl")
	return isHCL && !strings.HasSuffix(base, ".vars") && !strings.HasSuffix(base, ".lock") && !strings.HasPrefix(name, ".")
}

func unreadable(what, name string, err error) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError}
	if errors.Is(err, fs.ErrNotExist) {
		d.Summary = fmt.Sprintf("No such %s", what)
		d.Detail = fmt.Sprintf("There is no file or directory %s.", name)
		return d
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	d.Summary = fmt.Sprintf("Unreadable %s", what)
	d.Detail = fmt.Sprintf("Reading %s: %s.", name, err)
	return d
}

// parse reads one file. The file is nil when it could not be read at all.
func parse(fsys fs.FS, name, shown string) (*hcl.File, hcl.Diagnostics) {
	src, err := fs.ReadFile(fsys, inRoot(name))
	if err != nil {
		return nil, hcl.Diagnostics{unreadable("file", name, err)}
	}
	if strings.HasSuffix(name, ".json") {
		file, diags := json.Parse(src, shown)
		return file, firstAtEachPlace(broken(diags))
	}
	file, diags := hclsyntax.ParseConfig(src, shown, hcl.InitialPos)
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		compareStrictly(body)
	}
	return file, firstAtEachPlace(diags)
}

// broken drops what the parser of JSON says about the whole of a file that
// ends too early: it takes a broken object for none.
func broken(diags hcl.Diagnostics) hcl.Diagnostics {
	if len(diags) < 2 {
		return diags
	}
	return slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool { return d.Summary == "Root value must be object" })
}

// firstAtEachPlace drops what the parser says again about the same place, and
// the same about a line: of a file that is no text it says that of every byte.
func firstAtEachPlace(diags hcl.Diagnostics) hcl.Diagnostics {
	type line struct {
		summary string
		number  int
	}
	seen, lines := map[hcl.Range]bool{}, map[line]bool{}
	return slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool {
		at, on := subject(d), line{d.Summary, subject(d).Start.Line}
		echo := d.Subject != nil && (seen[at] || lines[on])
		seen[at], lines[on] = true, true
		return echo
	})
}
