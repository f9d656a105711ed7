package dsl

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

var errNoFiles = errors.New("files cannot be read here")

func (h Host) fileFunctions() map[string]function.Function {
	return map[string]function.Function{
		"file":       textFunction(h.read),
		"filesha256": textFunction(h.digest),
		"fileexists": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Bool),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				exists, err := h.exists(args[0].AsString())
				return cty.BoolVal(exists), err
			},
		}),
		"fileset": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "dir", Type: cty.String}, {Name: "pattern", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Set(cty.String)),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				return h.fileSet(args[0].AsString(), args[1].AsString())
			},
		}),
	}
}

// Abs makes the path of a file or directory absolute.
func (h Host) Abs(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(h.Dir, name)
}

// Has says whether a path names a file or directory, even one that this user
// may not look at.
func (h Host) Has(name string) bool {
	if h.Files == nil {
		return false
	}
	_, err := fs.Stat(h.Files, inRoot(h.Abs(name)))
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// Missing is the error of a path that names nothing.
func (h Host) Missing(name string) error {
	here := Host{Files: h.Files, Dir: h.WorkingDir}
	hint := ""
	if meant := here.Abs(name); h.WorkingDir != "" && meant != h.Abs(name) && here.Has(name) {
		hint = fmt.Sprintf("; in the current directory there is one: write the path %s", meant)
	}
	return fmt.Errorf("there is no file or directory %s, and a path is relative to %s%s", h.Abs(name), h.Dir, hint)
}

func (h Host) explain(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return h.Missing(name)
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("read %s: %w", h.Abs(name), err)
}

func (h Host) read(name string) (string, error) {
	var text strings.Builder
	if err := h.copy(&text, name); err != nil {
		return "", err
	}
	if !utf8.ValidString(text.String()) {
		return "", fmt.Errorf("%s is not UTF-8 text; give its path to a step instead", h.Abs(name))
	}
	return text.String(), nil
}

func (h Host) digest(name string) (string, error) {
	hash := sha256.New()
	err := h.copy(hash, name)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// copy streams: an installer can have gigabytes.
func (h Host) copy(w io.Writer, name string) error {
	if h.Files == nil {
		return errNoFiles
	}
	f, err := h.Files.Open(inRoot(h.Abs(name)))
	if err != nil {
		return h.explain(name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if _, err := io.Copy(w, f); err != nil {
		return h.explain(name, err)
	}
	return nil
}

func (h Host) exists(name string) (bool, error) {
	if h.Files == nil {
		return false, errNoFiles
	}
	info, err := fs.Stat(h.Files, inRoot(h.Abs(name)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, h.explain(name, err)
	case info.IsDir():
		return false, fmt.Errorf("%s is a directory", h.Abs(name))
	}
	return true, nil
}

// fileSet lists the files below a directory whose relative paths match; **
// stands for any number of directories.
func (h Host) fileSet(dir, pattern string) (cty.Value, error) {
	if h.Files == nil {
		return cty.NilVal, errNoFiles
	}
	parts := strings.Split(path.Clean(pattern), "/")
	for _, part := range parts {
		if _, err := path.Match(part, ""); err != nil {
			return cty.NilVal, function.NewArgErrorf(1, "%q is no pattern", pattern)
		}
	}
	root := inRoot(h.Abs(dir))
	var names []cty.Value
	err := fs.WalkDir(h.Files, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative := strings.TrimPrefix(strings.TrimPrefix(name, root), "/")
		if !entry.IsDir() && matches(strings.Split(relative, "/"), parts) {
			names = append(names, cty.StringVal(relative))
		}
		return nil
	})
	if err != nil {
		return cty.NilVal, h.explain(dir, err)
	}
	if len(names) == 0 {
		return cty.SetValEmpty(cty.String), nil
	}
	return cty.SetVal(names), nil
}

func matches(name, pattern []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		return matches(name, pattern[1:]) || len(name) > 0 && matches(name[1:], pattern)
	case len(name) == 0:
		return false
	}
	ok, _ := path.Match(pattern[0], name[0]) // patterns are checked before
	return ok && matches(name[1:], pattern[1:])
}

// templateFile renders a file as a template with the given variables.
func (h Host) templateFile(functions map[string]function.Function) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !isMapping(args[1].Type()) {
				return cty.NilVal, function.NewArgErrorf(1, "an object is needed, such as { name = \"x\" }")
			}
			name := args[0].AsString()
			text, err := h.read(name)
			if err != nil {
				return cty.NilVal, err
			}
			template, diags := hclsyntax.ParseTemplate([]byte(text), h.Abs(name), hcl.InitialPos)
			if diags.HasErrors() {
				return cty.NilVal, templateError(diags)
			}
			vars := map[string]cty.Value{}
			for key, v := range args[1].Elements() {
				vars[key.AsString()] = v
			}
			compareStrictly(template)
			v, diags := template.Value(&hcl.EvalContext{Variables: vars, Functions: functions})
			if diags.HasErrors() {
				return cty.NilVal, templateError(diags)
			}
			return convert.Convert(v, cty.String)
		},
	})
}

func templateError(diags hcl.Diagnostics) error {
	d := diags[0] // not improved: a template has names of its own
	return fmt.Errorf("%s: %s: %s", place(subject(d)), d.Summary, strings.TrimSuffix(d.Detail, "."))
}
