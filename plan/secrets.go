package plan

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dsl"
	"github.com/dcosflow/dcosflow/schema"
)

// sensitive is the mark of what nothing may show.
const sensitive = dsl.Sensitive

// composed is what a text bears that a template made of literal parts and of
// secrets, which are remembered: the text as a whole is none.
const composed dsl.Mark = "composed"

// secrets remembers the texts of sensitive values.
type secrets struct {
	mutex sync.Mutex
	known map[string]bool
}

// Secrets lists the texts that nothing shown or stored may contain, sorted. The
// list grows during a run: an instance's secrets are in it when its Configure
// returns. It may be called at any time.
func (p *Plan) Secrets() []string {
	p.secrets.mutex.Lock()
	defer p.secrets.mutex.Unlock()
	return slices.Sorted(maps.Keys(p.secrets.known))
}

// exposed refuses a sensitive value where everybody sees it.
func exposed(name string, rng hcl.Range) *hcl.Diagnostic {
	return problem(rng, fmt.Sprintf("Sensitive value in %q", name),
		"It is shown in plans and reports, so it must not hang on a sensitive value. Leave the secret part out, or write nonsensitive(...) around what is no secret.")
}

// guard looks at a value with marks. It refuses one on a command line. Of a
// template it remembers the secret parts only: a long script with one secret in
// it would hide all its other lines from every log.
func (d *decoding) guard(a *schema.Attribute, x *expression, v cty.Value) cty.Value {
	if a.Public {
		d.problem(x.Range(), fmt.Sprintf("Sensitive value in %q", a.Name),
			"It would be on a command line or in a name, which others can read. Give a secret to a command through `env`, `stdin` or a file, or write nonsensitive(...) around what is no secret.")
	}
	return d.ev.compose(x, v, d.ctx)
}

// compose remembers the secret parts of a template.
func (ev *evaluator) compose(x *expression, v cty.Value, ctx *hcl.EvalContext) cty.Value {
	template, ok := x.source.(*hclsyntax.TemplateExpr)
	if !ok || v.Type() != cty.String {
		return v
	}
	for _, part := range template.Parts {
		secret, diags := dsl.EvaluateStrict(part, ctx)
		if diags.HasErrors() {
			return v
		}
		ev.secrets.reveal(secret)
	}
	v, _ = v.Unmark()
	return v.Mark(composed)
}

// reveal removes the marks of a value and remembers the texts below them.
func (s *secrets) reveal(v cty.Value) cty.Value {
	if !v.ContainsMarked() {
		return v
	}
	bare, paths := v.UnmarkDeepWithPaths()
	for _, p := range paths {
		if _, parts := p.Marks[composed]; parts && len(p.Marks) == 1 {
			continue
		}
		if marked, err := p.Path.Apply(bare); err == nil {
			s.add(marked)
		}
	}
	return bare
}

// add remembers every text in a value without marks. Booleans are left out:
// hiding each "true" would hide no secret.
func (s *secrets) add(v cty.Value) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_ = cty.Walk(v, func(_ cty.Path, leaf cty.Value) (bool, error) {
		if leaf.IsNull() || !leaf.IsKnown() {
			return true, nil
		}
		switch leaf.Type() {
		case cty.String:
			if text := leaf.AsString(); text != "" {
				s.known[text] = true
			}
		case cty.Number:
			s.known[leaf.AsBigFloat().Text('f', -1)] = true
		}
		return true, nil
	})
}
