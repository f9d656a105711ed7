package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
)

func TestListen(t *testing.T) {
	cases := map[string]struct {
		told   string
		groups []int
		done   bool
		owner  int
	}{
		"killed at once":   {told: ""},
		"killed at work":   {told: `owner {"host":"h","pid":42,"start":"s"}` + "\nbegin 7\nbegin 9\nend 7\nbegin 11\n", groups: []int{9, 11}, owner: 42},
		"killed in a word": {told: "begin 7\ndon", groups: []int{7}},
		"a normal end":     {told: "begin 7\nend 7\ndone\n", done: true},
		"done with work":   {told: "begin 7\ndone\n", groups: []int{7}, done: true},
		"a later version":  {told: "begin 7\nhello\n", groups: []int{7}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			heard := listen(strings.NewReader(c.told))
			if got := slices.Sorted(maps.Keys(heard.groups)); !slices.Equal(got, c.groups) || heard.done != c.done || heard.owner.PID != c.owner {
				t.Errorf("listen(%q) = %+v, want %v, %t, owner %d", c.told, heard, c.groups, c.done, c.owner)
			}
		})
	}
}

// An engine that is down for a while, and a node that was in the making when
// its run died and appears late.
func TestRemoveForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &haunted{Backend: fake.New(fake.Options{}), downUntil: time.Now().Add(10 * time.Second)}
		spec := backends.Spec{
			Key:   backends.Key{Run: "20260102-dead", Cluster: "db"},
			Roles: []backends.RoleCount{{Role: "member", Count: 2}},
		}
		appear := func(node string) {
			_, err := engine.Allocate(t.Context(), spec)
			if _, createErr := engine.Create(t.Context(), spec, node); err != nil || createErr != nil {
				t.Error(err, createErr)
			}
		}
		appear("member-0")
		time.AfterFunc(14*time.Second, func() { appear("member-1") })
		begin := time.Now()
		a := &app{stdout: io.Discard}
		if err := a.removeForGood(t.Context(), spec.Run, engine); err != nil {
			t.Errorf("got the error %v, want none", err)
		}
		if left, _ := engine.Remnants(t.Context()); len(left) > 0 {
			t.Errorf("there still are %v", left)
		}
		if got, want := time.Since(begin), 14*time.Second+stillness; got < want || got > want+2*glances {
			t.Errorf("it took %s, want about %s: the last node, and then nothing for %s", got, want, stillness)
		}
	})
}

func TestRemoveForGoodGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &haunted{Backend: fake.New(fake.Options{}), downUntil: time.Now().Add(time.Hour)}
		late := errors.New("gave up")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, late)
		defer cancel()
		a := &app{stdout: io.Discard}
		err := a.removeForGood(ctx, "20260102-dead", engine)
		if !errors.Is(err, late) || !errors.Is(err, errDown) {
			t.Errorf("got %v, want %v and %v", err, late, errDown)
		}
	})
}

// haunted is a backend that does not answer for a while.
type haunted struct {
	*fake.Backend
	downUntil time.Time
}

var errDown = errors.New("the engine is down")

func (h *haunted) Remnants(ctx context.Context) ([]backends.Remnant, error) {
	if time.Now().Before(h.downUntil) {
		return nil, errDown
	}
	return h.Backend.Remnants(ctx)
}
