package dag

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lateGroup is a group of which an expander knows the instances only now: each
// has its opening, its inner and its closing vertex, in a roll of the group.
func lateGroup(instances ...ID) Expansion[*act] {
	e := Expansion[*act]{Rolls: []Roll{{Name: "late", Limit: 1}}}
	for _, g := range instances {
		begin, inner := g+":begin", g+".a"
		e.Vertices = append(e.Vertices,
			Vertex[*act]{begin, &act{}, Traits{Opens: g, Roll: "late"}},
			Vertex[*act]{inner, &act{takes: 1, fails: 1}, Traits{Weight: 1, Region: g}},
			Vertex[*act]{g, &act{retries: 1}, Traits{}})
		e.Edges = append(e.Edges,
			Edge{inner, begin, Succeeded}, Edge{g, inner, Settled}, Edge{g, begin, Succeeded}, Edge{"join", g, Succeeded})
	}
	return e
}

func TestExpansionsAddBrackets(t *testing.T) {
	const nothing = `
0s expander done
0s child running
0s join running
0s child done
0s join done
0s cut:start ends
0s cut done`
	tests := map[string]struct {
		expansion Expansion[*act]
		err       string
		want      string
	}{
		"a group": {lateGroup("g", "h"), "", `
0s g:begin running
0s expander done
0s child running
0s child done
0s g:begin done
0s g.a running
1s g.a failed
1s g running
1s g.a pending
1s g pending
1s g.a running
2s g.a done
2s g running
2s g done
2s h:begin running
2s h:begin done
2s h.a running
3s h.a failed
3s h running
3s h.a pending
3s h pending
3s h.a running
4s h.a done
4s h running
4s h done
4s join running
4s join done
4s cut:start ends
4s cut done`},
		"a child of an open span": {Expansion[*act]{
			Vertices: []Vertex[*act]{{"late", &act{takes: 3}, Traits{}}},
			Edges:    []Edge{{"late", "cut:start", Succeeded}, {"cut", "late", Settled}},
		}, "", `
0s late running
0s expander done
0s child running
0s join running
0s child done
0s join done
3s late done
3s cut:start ends
3s cut done`},
		"a child that the span does not know": {Expansion[*act]{
			Vertices: []Vertex[*act]{{"late", &act{}, Traits{}}},
			Edges:    []Edge{{"late", "cut:start", Succeeded}},
		}, `vertex "late" happens during "cut", which must wait for "late"`, nothing},
		"an inner vertex of no region": {Expansion[*act]{
			Vertices: []Vertex[*act]{{"late", &act{}, Traits{Region: "nowhere"}}},
		}, `vertex "late" is in "nowhere", which no vertex opens as a region`, nothing},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.span("cut", act{}, Traits{Lazy: true})
			s.add("expander", act{}, Traits{}, "~cut")
			s.add("child", act{}, Traits{}, "~cut", "expander")
			s.add("join", act{}, Traits{}, "~cut", "expander")
			s.expand = func(control Control[*act]) error {
				err := control.Expand(test.expansion)
				if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
					t.Errorf("got %v, want %s", err, test.err)
				} else if test.err == "" {
					must(t, err)
				}
				return nil
			}
			s.small = s.g.clone()
			if test.err == "" {
				must(t, test.expansion.apply(s.g))
			}
			got, _ := s.play(Executor[*act]{}, 0)
			_, got, _ = strings.Cut(got, "expander running\n")
			wantLog(t, got, test.want)
		})
	}
}

// A span that ends cannot be made to wait for more.
func TestExpansionDuringTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.span("cut", act{takes: 1}, Traits{})
		s.add("expander", act{}, Traits{})
		var late error
		_, err := Executor[*act]{}.Run(t.Context(), s.g, func(ctx context.Context, id ID, a *act, c Control[*act]) (Result, error) {
			if id == "cut:start" {
				_, err := c.Hold()
				must(t, err)
			}
			if id == "expander" {
				must(t, sleep(ctx, time.Millisecond))
				late = c.Expand(Expansion[*act]{
					Vertices: []Vertex[*act]{{"late", a, Traits{}}}, Edges: []Edge{{"cut", "late", Settled}},
				})
				return Result{}, nil
			}
			return Result{}, s.sleep(ctx, id, 1)
		})
		must(t, err)
		if want := `vertex "cut" cannot be made to wait for "late": it is ending already`; late == nil || late.Error() != want {
			t.Errorf("got %v, want %s", late, want)
		}
	})
}
