package dsl

import (
	"io/fs"
	"maps"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Host is the machine as expressions may see it. It is passed in, so that
// planning does no input or output of its own.
type Host struct {
	// Files is rooted at "/".
	Files fs.FS
	// Dir is absolute; file() and its like resolve against it.
	Dir string
	// WorkingDir is where the tool was started: messages tell when a missing
	// file is there. May be empty.
	WorkingDir string
	// Env looks up a variable of the environment; nil means none is set.
	Env func(name string) (string, bool)
}

// Functions returns the functions of the language for the files of one
// directory. None is impure: the same files and environment give the same
// values.
func Functions(h Host) map[string]function.Function {
	all := standardFunctions()
	maps.Copy(all, ownFunctions())
	maps.Copy(all, h.fileFunctions())
	all["env"] = h.env()
	all["templatefile"] = h.templateFile(maps.Clone(all)) // a template does not call templates
	return all
}

// standardFunctions are those of cty under Terraform's names.
func standardFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs":             stdlib.AbsoluteFunc,
		"can":             tryfunc.CanFunc,
		"ceil":            stdlib.CeilFunc,
		"chomp":           stdlib.ChompFunc,
		"chunklist":       stdlib.ChunklistFunc,
		"coalesce":        stdlib.CoalesceFunc,
		"coalescelist":    stdlib.CoalesceListFunc,
		"compact":         stdlib.CompactFunc,
		"concat":          stdlib.ConcatFunc,
		"contains":        stdlib.ContainsFunc,
		"csvdecode":       stdlib.CSVDecodeFunc,
		"distinct":        stdlib.DistinctFunc,
		"element":         stdlib.ElementFunc,
		"flatten":         stdlib.FlattenFunc,
		"floor":           stdlib.FloorFunc,
		"format":          stdlib.FormatFunc,
		"formatlist":      stdlib.FormatListFunc,
		"indent":          stdlib.IndentFunc,
		"join":            stdlib.JoinFunc,
		"jsondecode":      stdlib.JSONDecodeFunc,
		"jsonencode":      stdlib.JSONEncodeFunc,
		"keys":            stdlib.KeysFunc,
		"log":             stdlib.LogFunc,
		"lookup":          stdlib.LookupFunc,
		"lower":           stdlib.LowerFunc,
		"max":             stdlib.MaxFunc,
		"merge":           stdlib.MergeFunc,
		"min":             stdlib.MinFunc,
		"parseint":        stdlib.ParseIntFunc,
		"pow":             stdlib.PowFunc,
		"range":           stdlib.RangeFunc,
		"regex":           stdlib.RegexFunc,
		"regexall":        stdlib.RegexAllFunc,
		"reverse":         stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc,
		"setproduct":      stdlib.SetProductFunc,
		"setsubtract":     stdlib.SetSubtractFunc,
		"setunion":        stdlib.SetUnionFunc,
		"signum":          stdlib.SignumFunc,
		"slice":           stdlib.SliceFunc,
		"sort":            stdlib.SortFunc,
		"split":           stdlib.SplitFunc,
		"strrev":          stdlib.ReverseFunc,
		"substr":          stdlib.SubstrFunc,
		"title":           stdlib.TitleFunc,
		"tobool":          stdlib.MakeToFunc(cty.Bool),
		"tolist":          stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap":           stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber":        stdlib.MakeToFunc(cty.Number),
		"toset":           stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tostring":        stdlib.MakeToFunc(cty.String),
		"trim":            stdlib.TrimFunc,
		"trimprefix":      stdlib.TrimPrefixFunc,
		"trimspace":       stdlib.TrimSpaceFunc,
		"trimsuffix":      stdlib.TrimSuffixFunc,
		"try":             tryfunc.TryFunc,
		"upper":           stdlib.UpperFunc,
		"values":          stdlib.ValuesFunc,
		"yamldecode":      yaml.YAMLDecodeFunc,
		"yamlencode":      yaml.YAMLEncodeFunc,
		"zipmap":          stdlib.ZipmapFunc,
	}
}

// ownFunctions are those that cty does not have, or not as Terraform does.
func ownFunctions() map[string]function.Function {
	return map[string]function.Function{
		"alltrue":        allTrue,
		"anytrue":        anyTrue,
		"base64decode":   base64Decode,
		"base64encode":   base64Encode,
		"duration":       duration,
		"endswith":       endsWith,
		"index":          index,
		"length":         length,
		"one":            one,
		"replace":        replace,
		"semver_compare": semverCompare,
		"sha256":         sha256Hex,
		"shuffle":        shuffle,
		"startswith":     startsWith,
		"strcontains":    strContains,
		"sum":            sum,
		"urlencode":      urlEncode,
	}
}
