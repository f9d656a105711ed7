package plan

import (
	"maps"
	"slices"
	"sync"

	"github.com/zclconf/go-cty/cty"
)

// mark is what sensitive values bear in cty.
type mark string

const sensitive mark = "sensitive"

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

// reveal removes the marks of a value and remembers the texts below them.
func (s *secrets) reveal(v cty.Value) cty.Value {
	if !v.ContainsMarked() {
		return v
	}
	bare, paths := v.UnmarkDeepWithPaths()
	for _, p := range paths {
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
