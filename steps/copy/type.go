// Package copy is the step type that puts files on nodes.
package copy

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

const doc = "Copies a file or a directory from the machine of the tool to a node, and checks afterwards that it arrived.\n\n" +
	"`destination` is the path that the copy has, never a directory to put it into; directories on the way are made. " +
	"A file replaces a file or a link that is there; a directory is merged into one that is there. It works in tmpfs too, such as `/tmp`.\n\n" +
	"A `source` that is a symbolic link is followed. Links inside a directory stay links with the same target. " +
	"Modes are kept unless `mode` is written; files belong to root unless `owner` is written. Files of any size are streamed. " +
	"After the copy the node computes the SHA-256 of every file, and the step fails when one differs.\n\n" +
	"A missing `source` is an error of the plan, before anything starts."

// Type returns the step type `copy`.
func Type() steps.Type {
	return steps.Type{
		Name: "copy", Doc: doc,
		Placement: steps.NeedsNode, Idempotent: true,
		Schema: schema.Block{
			OneOf: [][]string{{"source", "content"}},
			Check: check,
			Attributes: []schema.Attribute{
				{Name: "source", Kind: schema.Path, Doc: "File or directory on the machine of the tool, relative to the workflow's directory."},
				{Name: "content", Type: cty.String, Doc: "Text of the file, instead of `source`."},
				{Name: "destination", Public: true, Type: cty.String, Required: true, Example: `"/srv/file"`, Doc: "Absolute path on the node."},
				{Name: "mode", Public: true, Type: cty.String, Doc: "Mode of the file in octal, such as `\"0644\"`; in a directory, of every regular file. Default: that of the source; `0644` for `content`."},
				{Name: "owner", Public: true, Type: cty.String, Doc: "`user`, `user:group` or `:group`, names or numbers of the node. Default: `root:root`."},
			},
		},
		Outputs: []schema.Output{
			{Name: "destination", Type: cty.String, Doc: "The path on the node."},
			{Name: "sha256", Type: cty.String, Doc: "SHA-256 of the file; of a directory, of its sorted list of `<sha256>  <relative path>` lines."},
			{Name: "bytes", Type: cty.Number, Doc: "Bytes of all regular files."},
		},
		New: newStep,
	}
}

var (
	modeText  = regexp.MustCompile(`^[0-7]{3,4}$`)
	ownerText = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*)?(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)
)

func check(cfg cty.Value) []schema.Problem {
	var problems []schema.Problem
	add := func(attribute, summary, detail string, args ...any) {
		problems = append(problems, schema.Problem{Attribute: attribute, Summary: summary, Detail: fmt.Sprintf(detail, args...)})
	}
	if s, ok := known(cfg.GetAttr("destination")); ok {
		switch {
		case !path.IsAbs(s):
			add("destination", "Destination is not absolute", "%q has no fixed meaning on a node. Write a path that starts with /.", s)
		case path.Clean(s) == "/":
			add("destination", "Destination is the root directory", "Write the path that the copy itself shall have.")
		case strings.HasSuffix(s, "/") && !cfg.GetAttr("content").IsNull():
			add("destination", "Destination is a directory", "%q ends with a slash, but content makes one file. Write the path of the file.", s)
		}
	}
	if s, ok := known(cfg.GetAttr("mode")); ok && !modeText.MatchString(s) {
		add("mode", "Not a mode", "%q is none: write three or four octal digits in quotes, such as \"0644\".", s)
	}
	if s, ok := known(cfg.GetAttr("owner")); ok && (s == "" || !ownerText.MatchString(s)) {
		add("owner", "Not an owner", "%q is none: write user, user:group or :group.", s)
	}
	return problems
}

func known(v cty.Value) (string, bool) {
	if v.IsNull() || !v.IsKnown() {
		return "", false
	}
	return v.AsString(), true
}

// parseMode reads an octal mode with the set-uid, set-gid and sticky bits.
func parseMode(s string) (int64, error) {
	mode, err := strconv.ParseInt(s, 8, 64)
	if err != nil || !modeText.MatchString(s) {
		return 0, fmt.Errorf("mode %q is not three or four octal digits", s)
	}
	return mode, nil
}
