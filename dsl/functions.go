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
	maps.Copy(all, stringFunctions())
	maps.Copy(all, ownFunctions())
	maps.Copy(all, h.fileFunctions())
	all["env"] = h.env()
	all["templatefile"] = h.templateFile(maps.Clone(all)) // a template does not call templates
	return all
}

// standardFunctions are those of cty under Terraform's names, without those of
// texts.
func standardFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs":             stdlib.AbsoluteFunc,
		"can":             tryfunc.CanFunc,
		"ceil":            stdlib.CeilFunc,
		"chunklist":       stdlib.ChunklistFunc,
		"coalesce":        stdlib.CoalesceFunc,
		"coalescelist":    stdlib.CoalesceListFunc,
		"compact":         stdlib.CompactFunc,
		"concat":          stdlib.ConcatFunc,
		"contains":        stdlib.ContainsFunc,
		"distinct":        stdlib.DistinctFunc,
		"element":         stdlib.ElementFunc,
		"flatten":         stdlib.FlattenFunc,
		"floor":           stdlib.FloorFunc,
		"keys":            stdlib.KeysFunc,
		"log":             stdlib.LogFunc,
		"lookup":          stdlib.LookupFunc,
		"max":             stdlib.MaxFunc,
		"merge":           stdlib.MergeFunc,
		"min":             stdlib.MinFunc,
		"parseint":        stdlib.ParseIntFunc,
		"pow":             stdlib.PowFunc,
		"range":           stdlib.RangeFunc,
		"reverse":         stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc,
		"setproduct":      stdlib.SetProductFunc,
		"setsubtract":     stdlib.SetSubtractFunc,
		"setunion":        stdlib.SetUnionFunc,
		"signum":          stdlib.SignumFunc,
		"slice":           stdlib.SliceFunc,
		"sort":            stdlib.SortFunc,
		"tobool":          stdlib.MakeToFunc(cty.Bool),
		"tolist":          stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap":           stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber":        stdlib.MakeToFunc(cty.Number),
		"toset":           stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tostring":        stdlib.MakeToFunc(cty.String),
		"try":             tryfunc.TryFunc,
		"values":          stdlib.ValuesFunc,
		"zipmap":          stdlib.ZipmapFunc,
	}
}

// stringFunctions are those of cty that take texts apart and put them together.
func stringFunctions() map[string]function.Function {
	return map[string]function.Function{
		"chomp":      stdlib.ChompFunc,
		"csvdecode":  stdlib.CSVDecodeFunc,
		"format":     stdlib.FormatFunc,
		"formatdate": stdlib.FormatDateFunc,
		"formatlist": stdlib.FormatListFunc,
		"indent":     stdlib.IndentFunc,
		"join":       stdlib.JoinFunc,
		"jsondecode": stdlib.JSONDecodeFunc,
		"jsonencode": stdlib.JSONEncodeFunc,
		"lower":      stdlib.LowerFunc,
		"regex":      stdlib.RegexFunc,
		"regexall":   stdlib.RegexAllFunc,
		"split":      stdlib.SplitFunc,
		"strrev":     stdlib.ReverseFunc,
		"substr":     stdlib.SubstrFunc,
		"timeadd":    stdlib.TimeAddFunc,
		"title":      stdlib.TitleFunc,
		"trim":       stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc,
		"trimspace":  stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc,
		"upper":      stdlib.UpperFunc,
		"yamldecode": yaml.YAMLDecodeFunc,
		"yamlencode": yaml.YAMLEncodeFunc,
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
		"nonsensitive":   nonsensitive,
		"one":            one,
		"replace":        replace,
		"semver_compare": semverCompare,
		"sensitive":      sensitive,
		"sha256":         sha256Hex,
		"shuffle":        shuffle,
		"startswith":     startsWith,
		"strcontains":    strContains,
		"sum":            sum,
		"urlencode":      urlEncode,
	}
}
