package dsl

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-version"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var (
	base64Encode = textFunction(func(s string) (string, error) {
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	})
	base64Decode = textFunction(decodeBase64)
	sha256Hex    = textFunction(func(s string) (string, error) {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:]), nil
	})
	urlEncode = textFunction(func(s string) (string, error) { return url.QueryEscape(s), nil })

	startsWith  = textTest(strings.HasPrefix)
	endsWith    = textTest(strings.HasSuffix)
	strContains = textTest(strings.Contains)
)

func textFunction(apply func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := apply(args[0].AsString())
			return cty.StringVal(s), err
		},
	})
}

func textTest(test func(text, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(test(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func decodeBase64(s string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err != nil:
		return "", fmt.Errorf("not base64: %w", err)
	case !utf8.Valid(raw):
		return "", errors.New("what it decodes to is not UTF-8 text")
	}
	return string(raw), nil
}

// replace takes a pattern between slashes for a regular expression.
var replace = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "text", Type: cty.String}, {Name: "old", Type: cty.String}, {Name: "new", Type: cty.String},
	},
	Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		old := args[1].AsString()
		if len(old) > 1 && strings.HasPrefix(old, "/") && strings.HasSuffix(old, "/") {
			return stdlib.RegexReplace(args[0], cty.StringVal(old[1:len(old)-1]), args[2])
		}
		return stdlib.Replace(args[0], args[1], args[2])
	},
})

// semverCompare is -1, 0 or 1 when the first version is older, equal or newer.
var semverCompare = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "a", Type: cty.String}, {Name: "b", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var versions [2]*version.Version
		for i, arg := range args {
			v, err := version.NewVersion(strings.TrimSpace(arg.AsString()))
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(i, "%q is not a version such as \"1.2.3\"", arg.AsString())
			}
			versions[i] = v
		}
		return cty.NumberIntVal(int64(versions[0].Compare(versions[1]))), nil
	},
})

// duration is the number of seconds of "1m30s".
var duration = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		d, err := time.ParseDuration(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "%q is not a duration: write a number with a unit, such as \"90s\" or \"5m\"", args[0].AsString())
		}
		return cty.NumberFloatVal(d.Seconds()), nil
	},
})

// env is a variable of the environment; a default is needed where it may be
// unset.
func (h Host) env() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String, AllowNull: true},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 2 {
				return cty.NilVal, function.NewArgErrorf(2, "env takes a name and a default, no more")
			}
			name := args[0].AsString()
			if h.Env != nil {
				if value, ok := h.Env(name); ok {
					return cty.StringVal(value), nil
				}
			}
			if len(args) == 2 {
				return args[1], nil
			}
			return cty.NilVal, fmt.Errorf("the environment has no %s; set it, or give a default: env(%q, \"\")", cmp.Or(name, "name"), name)
		},
	})
}
