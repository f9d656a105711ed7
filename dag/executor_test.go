package dag

import (
	"context"
	"fmt"
	"testing"
)

func TestSmoke(t *testing.T) {
	g := New[int]()
	for i := range 5 {
		g.Add(ID(fmt.Sprint(i)), i, Traits{Weight: 1})
		if i > 0 {
			g.DependOn(ID(fmt.Sprint(i)), ID(fmt.Sprint(i/2)), Succeeded)
		}
	}
	s, err := Executor[int]{Slots: 2, Observe: func(tr Transition) { t.Log(tr.ID, tr.State, tr.Err, tr.Cause) }}.Run(t.Context(), g, func(ctx context.Context, id ID, v int, c Control[int]) (Result, error) {
		if v == 2 {
			return Result{}, fmt.Errorf("x")
		}
		if v == 3 {
			return Result{}, c.Expand(Expansion[int]{Vertices: []Vertex[int]{{ID: "new"}}, Edges: []Edge{{From: "new", To: "3"}}})
		}
		return Result{}, nil
	})
	t.Log(s, err)
}
