package dsl

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

func testHost() Host {
	return Host{
		Files: disk(map[string]string{
			"a.txt":         "hello\n",
			"bin":           "\xff\xfe",
			"sub/b.txt":     "b",
			"sub/deep/c.sh": "c",
			"greet.tpl":     "Hello ${name}%{for n in list} ${n}%{endfor}",
			"broken.tpl":    "${name",
			"strict.tpl":    `${1 == "1"}`,
		}),
		Dir: "/w",
		Env: func(name string) (string, bool) { return "set", name == "SET" },
	}
}

func TestFunctions(t *testing.T) {
	tests := []struct{ text, want string }{
		{`abs(-1)`, "1"},
		{`alltrue([true, "true"])`, "true"},
		{`alltrue([])`, "true"},
		{`anytrue([false])`, "false"},
		{`anytrue([])`, "false"},
		{`base64decode(base64encode("ä"))`, `"ä"`},
		{`can(local.x)`, "false"},
		{`chomp("a\n")`, `"a"`},
		{`coalesce(null, "a")`, `"a"`},
		{`concat(["a"], ["b"])`, `["a", "b"]`},
		{`duration("1m30s")`, "90"},
		{`duration("250ms")`, "0.25"},
		{`endswith("abc", "bc")`, "true"},
		{`env("SET")`, `"set"`},
		{`env("UNSET", "d")`, `"d"`},
		{`env("UNSET", null)`, "null"},
		{`file("a.txt")`, `"hello\n"`},
		{`file("/w/sub/../a.txt")`, `"hello\n"`},
		{`fileexists("a.txt")`, "true"},
		{`fileexists("none")`, "false"},
		{`fileset(".", "*.txt")`, `["a.txt"]`},
		{`fileset(".", "**/*.txt")`, `["a.txt", "sub/b.txt"]`},
		{`fileset("sub", "**")`, `["b.txt", "deep/c.sh"]`},
		{`fileset(".", "none")`, `[]`},
		{`filesha256("a.txt")`, `"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"`},
		{`index(["a", "b"], "b")`, "1"},
		{`jsondecode("{\"a\":1}").a`, "1"},
		{`length("äö")`, "2"},
		{`length([1, 2])`, "2"},
		{`length({ a = 1 })`, "1"},
		{`length(toset(["a"]))`, "1"},
		{`one([])`, "null"},
		{`one(["a"])`, `"a"`},
		{`range(3)`, "[0, 1, 2]"},
		{`regex("v(\\d+)", "v12")`, `["12"]`},
		{`replace("a.b", ".", "-")`, `"a-b"`},
		{`replace("a1b", "/\\d/", "-")`, `"a-b"`},
		{`semver_compare("1.9.0", "1.10.0")`, "-1"},
		{`semver_compare("v3.5.16", "3.5.16\n")`, "0"},
		{`setproduct(["a"], [1, 2])`, `[["a", 1], ["a", 2]]`},
		{`sha256("")`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{`shuffle([], "x")`, "[]"},
		{`shuffle(["a", "b", "c", "d"], 1) == shuffle(["a", "b", "c", "d"], 1)`, "true"},
		{`sort(shuffle(["c", "a", "b"], "seed"))`, `["a", "b", "c"]`},
		{`shuffle(["a", "b", "c", "d"], 7)`, `["c", "b", "d", "a"]`},
		{`startswith("abc", "ab")`, "true"},
		{`strcontains("abc", "x")`, "false"},
		{`sum([1, "2", 3.5])`, "6.5"},
		{`sum([])`, "0"},
		{`templatefile("greet.tpl", { name = "you", list = ["a", "b"] })`, `"Hello you a b"`},
		{`tolist(["a"])[0]`, `"a"`},
		{`try(local.x, "d")`, `"d"`},
		{`urlencode("a b&c")`, `"a+b%26c"`},
		{`yamldecode("a: [1]")`, "{a = [1]}"},
	}
	ctx := &hcl.EvalContext{Functions: Functions(testHost())}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			v, diags := EvaluateStrict(expression(t, test.text), ctx)
			if got := ValueText(v); diags.HasErrors() || got != test.want {
				t.Errorf("got %s, %v, want %s", got, diags, test.want)
			}
		})
	}
}

func TestFunctionErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{`file("none.txt")`, "there is no file or directory /w/none.txt, and a path is relative to /w"},
		{`file("bin")`, "/w/bin is not UTF-8 text"},
		{`file("sub")`, "read /w/sub: "},
		{`filesha256("none")`, "no file or directory /w/none"},
		{`fileexists("sub")`, "/w/sub is a directory"},
		{`fileset("none", "*")`, "no file or directory /w/none"},
		{`fileset(".", "[")`, `"[" is no pattern`},
		{`env("UNSET")`, `the environment has no UNSET; set it, or give a default: env("UNSET", "")`},
		{`env("UNSET", "a", "b")`, "no more"},
		{`templatefile("broken.tpl", {})`, "/w/broken.tpl:1"},
		{`templatefile("greet.tpl", {})`, `There is no variable named "name"`},
		{`templatefile("strict.tpl", {})`, "different types"},
		{`templatefile("greet.tpl", [1])`, "an object is needed"},
		{`semver_compare("x", "1")`, `"x" is not a version`},
		{`duration("5")`, `"5" is not a duration`},
		{`base64decode("!")`, "not base64"},
		{`one([1, 2])`, "there are 2 elements"},
		{`sum(["a"])`, "every element must be a number"},
		{`alltrue("a")`, "a list or set is needed"},
		{`length(1)`, "a number has no length"},
		{`index(["a"], "b")`, "not in the list"},
		{`shuffle(["a", {}], 1)`, "of one type"},
		{`timestamp()`, `There is no function named "timestamp"`},
	}
	ctx := &hcl.EvalContext{Functions: Functions(testHost())}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			_, diags := EvaluateStrict(expression(t, test.text), ctx)
			if len(diags) == 0 || !strings.Contains(diags[0].Detail, test.want) {
				t.Errorf("got %v, want %q", diags, test.want)
			}
		})
	}
}

// TestFunctionsOfUnknowns: plan evaluates before values are known.
func TestFunctionsOfUnknowns(t *testing.T) {
	ctx := &hcl.EvalContext{
		Functions: Functions(testHost()),
		Variables: map[string]cty.Value{
			"text": cty.UnknownVal(cty.String),
			"list": cty.UnknownVal(cty.List(cty.String)),
			"any":  cty.DynamicVal,
		},
	}
	for _, text := range []string{
		`alltrue(list)`, `length(list)`, `length(any)`, `length(text)`, `one(list)`, `one(any)`, `sum(any)`, `shuffle(list, 1)`,
		`shuffle(any, 1)`, `file(text)`, `env(text)`, `templatefile("greet.tpl", { name = text, list = list })`,
		`semver_compare(text, "1.0")`, `replace(text, "a", "b")`, `index(list, "a")`, `index(any, "a")`, `fileset(text, "*")`,
		`startswith(text, "x")`, `duration(text)`,
	} {
		v, diags := EvaluateStrict(expression(t, text), ctx)
		if diags.HasErrors() || v.IsKnown() {
			t.Errorf("%s: got %#v, %v, want unknown", text, v, diags)
		}
	}
}
