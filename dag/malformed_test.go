package dag

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestMalformedBrackets(t *testing.T) {
	traits := func(s *script, id ID) *Traits { return &s.g.vertices[s.g.index[id]].Traits }
	tests := map[string]struct {
		spoil func(s *script) // a span with a child, and a region with an inner vertex
		want  string
	}{
		"a lone span trait":    {func(s *script) { traits(s, "x").Span = true }, `vertex "x" has the traits of an opening one, and Opens is empty`},
		"a lone limit":         {func(s *script) { traits(s, "x").Limit = 1 }, `vertex "x" has the traits of an opening one`},
		"a lazy point":         {func(s *script) { traits(s, "x").Lazy = true }, `vertex "x" is lazy; only one that opens a span can be`},
		"a span with a limit":  {func(s *script) { traits(s, "s:start").Limit = 1 }, `vertex "s:start" has the limit 1ns and the deadline 0s; regions have them`},
		"a negative limit":     {func(s *script) { traits(s, "r:begin").Limit = -time.Second }, `vertex "r:begin" has the limit -1s`},
		"a negative deadline":  {func(s *script) { traits(s, "r:begin").Deadline = -time.Second }, `and the deadline -1s`},
		"a span with slots":    {func(s *script) { traits(s, "s:start").Weight = 1 }, `vertex "s:start" has the weight 1; a span holds no slots`},
		"nothing to open":      {func(s *script) { traits(s, "x").Opens = "y" }, `vertex "x" opens "y", which does not exist`},
		"opened twice":         {func(s *script) { s.wait("r", "x", Settled); traits(s, "x").Opens = "r" }, `vertices "x" and "r:begin" both open "r"`},
		"it does not wait":     {func(s *script) { traits(s, "x").Opens = "child" }, `vertex "child" must wait for "x", which opens it`},
		"locks at the end":     {func(s *script) { traits(s, "s").Locks = []string{"l"} }, `vertex "s" has a roll or locks; they belong to "s:start"`},
		"ends of two regions":  {func(s *script) { traits(s, "s").Region = "r" }, `vertices "s:start" and "s" are the ends of one bracket`},
		"an end that opens":    {func(s *script) { traits(s, "s").Opens = "x" }, `vertex "s" closes what "s:start" opens, and cannot open "x"`},
		"no such region":       {func(s *script) { traits(s, "x").Region = "y" }, `vertex "x" is in "y", which no vertex opens as a region`},
		"a span as a region":   {func(s *script) { traits(s, "x").Region = "s" }, `vertex "x" is in "s", which no vertex opens as a region`},
		"it starts before":     {func(s *script) { traits(s, "x").Region = "r" }, `vertex "x" is in "r", and must wait for "r:begin", which opens that`},
		"it ends after":        {func(s *script) { s.wait("x", "r:begin", Succeeded); traits(s, "x").Region = "r" }, `vertex "r" must wait for "x", which is in it`},
		"success at the end":   {func(s *script) { s.wait("r", "inner", Succeeded) }, `vertex "r" must wait for the end of "inner", which is in it, not for its success`},
		"an edge inwards":      {func(s *script) { s.wait("x", "inner", Settled) }, `vertex "x" waits for "inner", which is in "r": it must wait for that`},
		"an edge outwards":     {func(s *script) { s.wait("inner", "x", Settled) }, `vertex "inner" is in "r", and waits for "x" outside: the vertex that opens "r" must do so`},
		"it outlives the span": {func(s *script) { s.wait("x", "s:start", Succeeded) }, `vertex "x" happens during "s", which must wait for "x"`},
		"a final child":        {func(s *script) { traits(s, "child").Final = true }, `vertices "child" and "s" must both be final or not`},
		"a final inner vertex": {func(s *script) { traits(s, "inner").Final = true }, `vertices "inner" and "r" must both be final or not`},
		"a lock twice":         {func(s *script) { traits(s, "s:start").Locks, traits(s, "child").Locks = []string{"l"}, []string{"l"} }, `vertex "child" can never run: "s" and "child" both need the lock "l" at the same time`},
		"a lock in a region":   {func(s *script) { traits(s, "r:begin").Locks, traits(s, "inner").Locks = []string{"l"}, []string{"l"} }, `vertex "inner" can never run: "r" and "inner" both need the lock "l"`},
		"too few tickets": {func(s *script) {
			must(s.t, s.g.SetRoll(Roll{Name: "roll", Limit: 1}))
			s.span("other", act{}, Traits{Lazy: true, Roll: "roll"})
			traits(s, "s:start").Roll = "roll"
			s.link("child", "child", []string{"~other"})
		}, `vertex "child" can never run: it needs 2 of the roll "roll" at once, of which 1 may run`},
		"a ticket inside": {func(s *script) {
			must(s.t, s.g.SetRoll(Roll{Name: "roll", Limit: 2}))
			traits(s, "s:start").Roll, traits(s, "child").Roll = "roll", "roll"
		}, `vertex "child" can never run: it needs 2 of the roll "roll" at once, of which 2 may run`},
		"a roll across": {func(s *script) {
			must(s.t, s.g.SetRoll(Roll{Name: "roll", Limit: 2}))
			traits(s, "x").Roll, traits(s, "inner").Roll = "roll", "roll"
		}, `vertices "x" and "inner" are of one roll, "roll", and must be in the same region`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.add("x", act{}, Traits{})
			s.span("s", act{}, Traits{Lazy: true})
			s.add("child", act{}, Traits{}, "~s")
			s.region("r", act{}, Traits{})
			s.add("inner", act{}, Traits{}, "<r")
			must(t, s.g.checkBrackets())
			test.spoil(s)
			_, err := Executor[*act]{}.Run(t.Context(), s.g, func(context.Context, ID, *act, Control[*act]) (Result, error) {
				t.Error("something ran")
				return Result{}, nil
			})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
