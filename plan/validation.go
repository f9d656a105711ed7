package plan

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/dcosflow/dcosflow/dsl"
)

// validationText finds what the validations of a variable use and cannot see.
func (s *scope) validationText(v *dsl.Variable) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, check := range v.Validations {
		for _, e := range []hcl.Expression{check.Condition, check.ErrorMessage} {
			r := s.resolver(e, site{})
			for _, ref := range r.refs {
				r.inValidation(ref)
			}
			diags = append(diags, r.diags...)
		}
	}
	return diags
}

func (r *resolver) inValidation(ref dsl.Reference) {
	switch v := r.scope.declared(ref.Name); {
	case ref.Root == "var" && v != nil:
		r.path(ref, v.Type, "var."+v.Name)
	case ref.Root == "var":
		r.diags = append(r.diags, r.scope.unknownName(ref.Root, ref.Name, ref.Range))
	case !isRoot(ref.Root):
		r.unknownRoot(ref)
	default:
		r.problem(ref.Range, fmt.Sprintf("No %q here", ref.Root), "A validation looks at values before anything else is known: it can use only var and functions. What else it needs must be a variable too.")
	}
}

// declared is the variable of that name, of the workflow or of a module; nil
// when there is none.
func (s *scope) declared(name string) *dsl.Variable {
	if x := s.inputs.byName[name]; x != nil {
		return x.input
	}
	return s.variables.byName[name]
}

// isRoot says whether references may begin with a word, somewhere.
func isRoot(word string) bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return k.root == word }) ||
		slices.Contains([]string{"each", "node", "probe", "path", "run"}, word)
}
