package dcosflow

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dcosflow/dcosflow"

// room is a line of the import table: the folder and what it may import of
// ours. Patterns are those of path.Match.
type room struct {
	folder string
	may    []string
}

// rooms is the import table. The first line that matches a folder counts.
var rooms = []room{
	{".", nil},
	{"cmd/dcosflow", []string{"*", "*/*", "*/*/*"}},
	{"dsl", nil},
	{"dag", nil},
	{"schema", nil},
	{"filelock", nil},
	{"events", nil},
	{"events/*", []string{"events"}},
	{"events/*/*", []string{"events", "events/report"}},
	{"backends", []string{"schema"}},
	{"backends/*", []string{"schema", "backends", "backends/wrap", "filelock"}},
	{"steps", []string{"schema", "backends"}},
	{"steps/builtin", []string{"schema", "backends", "steps", "steps/*"}},
	{"steps/dcos", []string{"schema", "backends"}},
	{"steps/*", []string{"schema", "backends", "steps", "steps/dcos", "steps/probe", "filelock"}},
	{"plan", []string{"dag", "dsl", "events", "steps", "backends", "schema"}},
	{"engine", []string{"plan", "dag", "events", "steps", "backends", "schema"}},
	{"acceptance", nil},
	{"acceptance/standin", []string{"acceptance/standin/*"}},
	{"acceptance/standin/*", []string{"acceptance/standin/archive"}},
	{"acceptance/*", nil},
}

// testRooms are what test files may import besides: doubles, contract suites,
// the journal on disk and the list of step types. The acceptance suite may not: it has the binary.
var testRooms = []string{"backends/fake", "backends/local", "backends/backendtest", "events/journal", "steps/builtin", "steps/stepstest"}

// goFolders are where `go` statements may stand: the executor, what reaches
// machines, and the command line with its signals and live view.
var goFolders = []string{"dag", "backends/*", "cmd/dcosflow"}

const (
	maxFileLines     = 400
	maxFunctionLines = 60
)

// source is one parsed Go file.
type source struct {
	path  string // slash-separated, relative to the root
	fset  *token.FileSet
	file  *ast.File
	text  string
	lines int
}

func (s source) folder() string { return path.Dir(s.path) }
func (s source) test() bool     { return strings.HasSuffix(s.path, "_test.go") }

func (s source) finding(at ast.Node, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.fset.Position(at.Pos()).Line, fmt.Sprintf(format, args...))
}

// rule is a house rule that one file can break; check says where it does.
type rule struct {
	name  string
	check func(source) []string
}

var rules = []rule{
	{"imports", checkImports},
	{"blank imports", checkBlankImports},
	{"init", checkInit},
	{"exit", checkExit},
	{"go statements", checkGo},
	{"package names", checkPackageName},
	{"comments", checkComments},
	{"sizes", checkSizes},
	{"skips", checkSkips},
	{"stand-ins", checkStandIns},
}

func TestHouseRules(t *testing.T) {
	sources := parseAll(t, ".")
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, s := range sources {
				for _, finding := range rule.check(s) {
					t.Error(finding)
				}
			}
		})
	}
}

// The language has rules with numbers: each is kept by tests that bear its
// number.
func TestEveryRuleOfTheLanguageHasTests(t *testing.T) {
	var all strings.Builder
	for _, s := range parseAll(t, ".") {
		if s.test() {
			all.WriteString(s.text)
		}
	}
	for n := 1; n <= 26; n++ {
		if name := fmt.Sprintf("func TestRule%02d_", n); !strings.Contains(all.String(), name) {
			t.Errorf("no test begins with %q", name)
		}
	}
}

func TestEveryPackageHasOnePackageComment(t *testing.T) {
	comments := map[string][]string{}
	for _, s := range parseAll(t, ".") {
		if s.test() {
			continue
		}
		comments[s.folder()] = append(comments[s.folder()], nil...)
		if s.file.Doc != nil {
			comments[s.folder()] = append(comments[s.folder()], s.path)
		}
	}
	for folder, files := range comments {
		if len(files) != 1 {
			t.Errorf("%s: want one file with a package comment, got %d %v", folder, len(files), files)
		}
	}
}

func TestMakefile(t *testing.T) {
	makefile := read(t, "Makefile")
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):.*## `).FindAllStringSubmatch(makefile, -1) {
		listed = append(listed, m[1])
	}
	for _, want := range strings.Fields("demo test check unit acceptance lint fmt bench fuzz standin image build install clean") {
		if !slices.Contains(listed, want) {
			t.Errorf("make help does not list %s: %v", want, listed)
		}
	}
	for _, doc := range []string{"README.md", "CONTRIBUTING.md", "workflows/README.md"} {
		for _, m := range regexp.MustCompile("(?m)(?:^ *|`)make ([a-z]+)").FindAllStringSubmatch(read(t, doc), -1) {
			if !slices.Contains(listed, m[1]) {
				t.Errorf("%s shows make %s, which make help does not list", doc, m[1])
			}
		}
	}
}

// Links between the documents lead somewhere, and the index knows them all.
func TestDocs(t *testing.T) {
	index := read(t, "docs/README.md")
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "workflows/*.md"} {
		matched, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, matched...)
	}
	for _, file := range files {
		for _, m := range link.FindAllStringSubmatch(read(t, file), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
		}
		if name, ok := strings.CutPrefix(file, "docs/"); ok && name != "README.md" && !strings.Contains(index, "("+name+")") {
			t.Errorf("docs/README.md does not mention %s", name)
		}
	}
}

// The rules themselves: each finds the file that breaks it.
func TestRulesBite(t *testing.T) {
	cases := []struct {
		rule, path, body, want string
	}{
		{"imports", "dsl/x.go", `import _ "github.com/dcosflow/dcosflow/plan"`, "dsl may not import plan"},
		{"imports", "plan/x.go", `import _ "github.com/dcosflow/dcosflow/backends/docker"`, "plan may not import backends/docker"},
		{"imports", "acceptance/a_test.go", `import _ "github.com/dcosflow/dcosflow/backends/fake"`, "acceptance may not import backends/fake"},
		{"imports", "utils/x.go", `import _ "github.com/dcosflow/dcosflow/dsl"`, "utils is no room"},
		{"blank imports", "dsl/x.go", `import _ "embed/x"`, "blank import"},
		{"init", "dsl/x.go", "func init() {}", "func init"},
		{"exit", "engine/x.go", `import "os"; func f() { os.Exit(1) }`, "os.Exit"},
		{"exit", "cmd/dcosflow/run.go", `import "os"; func f() { os.Exit(1) }`, "os.Exit"},
		{"go statements", "plan/x.go", "func f() { go f() }", "go statement"},
		{"package names", "plan/util/x.go", "", "util"},
		{"comments", "dsl/x.go", "func Load() {}", "Load"},
		{"comments", "dsl/x.go", "// Gets things.\nfunc Load() {}", "Load"},
		{"sizes", "dsl/x.go", strings.Repeat("\n", maxFileLines), "lines"},
		{"sizes", "dsl/x.go", "func f() {" + strings.Repeat("\n", maxFunctionLines) + "}", "f has"},
		{"stand-ins", "engine/x.go", "// For the Stand-in.", "stand-in"},
		{"skips", "dsl/x_test.go", `import "testing"; func TestX(t *testing.T) { t.Skip() }`, "Skip"},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.path, func(t *testing.T) {
			s := parse(t, c.path, "package x\n"+c.body+"\n")
			i := slices.IndexFunc(rules, func(r rule) bool { return r.name == c.rule })
			got := strings.Join(rules[i].check(s), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want a finding about %q", got, c.want)
			}
		})
	}
}

func checkImports(s source) []string {
	i := slices.IndexFunc(rooms, func(r room) bool { return matches(r.folder, s.folder()) })
	if i < 0 {
		return []string{s.finding(s.file, "%s is no room of the import table", s.folder())}
	}
	may := slices.Clone(rooms[i].may)
	if s.test() && !strings.HasPrefix(s.folder(), "acceptance") {
		may = append(may, testRooms...)
	}
	var found []string
	for _, spec := range s.file.Imports {
		ours, ok := strings.CutPrefix(importPath(spec), module+"/")
		if !ok || ours == s.folder() {
			continue
		}
		if !slices.ContainsFunc(may, func(m string) bool { return matches(m, ours) }) {
			found = append(found, s.finding(spec, "%s may not import %s", s.folder(), ours))
		}
	}
	return found
}

func checkBlankImports(s source) []string {
	var found []string
	for _, spec := range s.file.Imports {
		// embed is a directive's import, not a plug-in's.
		if spec.Name != nil && spec.Name.Name == "_" && importPath(spec) != "embed" {
			found = append(found, s.finding(spec, "blank import of %s", importPath(spec)))
		}
	}
	return found
}

func checkInit(s source) []string {
	var found []string
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, s.finding(f, "func init: pass a value instead"))
		}
	}
	return found
}

// checkExit allows os.Exit in the functions main and TestMain only.
func checkExit(s source) []string {
	var found []string
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
			if f.Name.Name == "main" && s.file.Name.Name == "main" || f.Name.Name == "TestMain" {
				continue
			}
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if isCall(n, "os", "Exit") || isCall(n, "log", "Fatal", "Fatalf", "Fatalln") {
				found = append(found, s.finding(n, "os.Exit outside main"))
			}
			return true
		})
	}
	return found
}

func checkGo(s source) []string {
	allowed := slices.ContainsFunc(goFolders, func(p string) bool { return matches(p, s.folder()) })
	if s.test() || allowed {
		return nil
	}
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			found = append(found, s.finding(g, "go statement: only %v have them", goFolders))
		}
		return true
	})
	return found
}

func checkPackageName(s source) []string {
	for _, word := range strings.Split(s.folder(), "/") {
		if slices.Contains([]string{"internal", "pkg", "util", "utils", "common", "types", "helpers"}, word) {
			return []string{s.finding(s.file, "%s says nothing: name the room for what lives there", word)}
		}
	}
	return nil
}

// checkComments wants a comment that starts with the name on every exported
// name that other packages can use.
func checkComments(s source) []string {
	if s.test() || s.file.Name.Name == "main" {
		return nil
	}
	var found []string
	want := func(at ast.Node, name string, docs ...*ast.CommentGroup) {
		for _, doc := range docs {
			if text := doc.Text(); strings.HasPrefix(text, name) || strings.HasPrefix(text, "A "+name) {
				return
			}
		}
		found = append(found, s.finding(at, "%s needs a comment that starts with its name", name))
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Recv == nil {
				want(d, d.Name.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if typ, ok := spec.(*ast.TypeSpec); ok && typ.Name.IsExported() {
					want(typ, typ.Name.Name, typ.Doc, d.Doc)
				}
			}
		}
	}
	return found
}

func checkSizes(s source) []string {
	if s.test() {
		return nil
	}
	var found []string
	if s.lines > maxFileLines {
		found = append(found, s.finding(s.file, "%d lines, want at most %d", s.lines, maxFileLines))
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || isTable(f) {
			continue
		}
		if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFunctionLines {
			found = append(found, s.finding(f, "%s has %d lines, want at most %d", f.Name.Name, n, maxFunctionLines))
		}
	}
	return found
}

// isTable reports whether a function only returns a value, such as a list of
// functions: its length is that of the list.
func isTable(f *ast.FuncDecl) bool {
	if f.Body == nil || len(f.Body.List) != 1 {
		return false
	}
	_, ok := f.Body.List[0].(*ast.ReturnStmt)
	return ok
}

func checkSkips(s source) []string {
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if isCall(n, "t", "Skip", "Skipf", "SkipNow") || isCall(n, "b", "Skip", "Skipf", "SkipNow") {
			found = append(found, s.finding(n, "Skip: a test that needs something fails without it"))
		}
		return true
	})
	return found
}

// checkStandIns keeps the product from knowing what only tests have.
func checkStandIns(s source) []string {
	if s.test() || strings.HasPrefix(s.path, "acceptance/") || !standIn.MatchString(s.text) {
		return nil
	}
	return []string{s.finding(s.file, "the product knows no stand-in")}
}

var standIn = regexp.MustCompile(`(?i)stand.?in`)

func isCall(n ast.Node, on string, names ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(names, sel.Sel.Name) {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == on
}

// matches is path.Match for patterns that are known to be well formed.
func matches(pattern, folder string) bool {
	ok, err := path.Match(pattern, folder)
	return ok && err == nil
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func parse(t *testing.T, name, text string) source {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path: name, fset: fset, file: f, text: text, lines: strings.Count(text, "\n")}
}

// parseAll parses the files itself: a test that asks the go command would pass
// from the test cache when only another package changed.
func parseAll(t *testing.T, root string) []source {
	t.Helper()
	var sources []source
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			sources = append(sources, parse(t, name, read(t, path.Join(root, name))))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}
