package plan

import (
	"slices"
	"testing"

	"github.com/dcosflow/dcosflow/dag"
)

func TestUntilWithSpansAndGroups(t *testing.T) {
	const text = lab + writer + `
step "run" "x" {
  during  = [step.writer]
  command = ["a"]
}
step "run" "y" {
  during  = [step.writer]
  command = ["a"]
}
group "g" {
  for_each = ["k"]
  during   = [step.writer]
  step "run" "a" { command = ["a"] }
  step "run" "b" { command = [step.a.stdout] }
}
group "h" {
  step "run" "c" { command = ["a"] }
}
step "run" "result" { command = [step.writer.stdout] }
`
	for _, c := range []struct {
		until string
		off   []dag.ID
	}{
		{"step.x", []dag.ID{"step.y", `group.g["k"]:begin`, `group.g["k"].a`, `group.g["k"].b`, "group.h:begin", "group.h.c", "step.result"}},
		{`group.g["k"].a`, []dag.ID{"step.x", "step.y", `group.g["k"].b`, "group.h:begin", "group.h.c", "step.result"}},
		{"group.h", []dag.ID{"step.x", "step.y", `group.g["k"]:begin`, `group.g["k"].a`, `group.g["k"].b`, "step.writer", "step.result"}},
		{"step.result", []dag.ID{"group.h:begin", "group.h.c"}},
	} {
		t.Run(c.until, func(t *testing.T) {
			p := mustBuild(t, text)
			p.Until(p.Find(c.until))
			var off []dag.ID
			for _, id := range p.Graph.IDs() {
				if p.Graph.Value(id).Enabled != nil {
					off = append(off, id)
				}
			}
			slices.Sort(off)
			slices.Sort(c.off)
			if !slices.Equal(off, c.off) {
				t.Errorf("disabled are\n got %q\nwant %q", off, c.off)
			}
		})
	}
}

func TestUntilWithLateInstances(t *testing.T) {
	for until, off := range map[string][]dag.ID{
		"step.new_leader": {`group.each["master-0"]:begin`, `group.each["master-0"].look`, `group.each["master-1"]:begin`, `group.each["master-1"].look`, "step.lost", "step.tail[*]"},
		"step.tail":       {`group.each["master-0"]:begin`, `group.each["master-0"].look`, `group.each["master-1"]:begin`, `group.each["master-1"].look`, "step.lost", "step.new_leader"},
	} {
		p := mustBuild(t, partition)
		p.Until(p.Find(until))
		var got []dag.ID
		for _, id := range p.Graph.IDs() {
			if p.Graph.Value(id).Enabled != nil {
				got = append(got, id)
			}
		}
		slices.Sort(got)
		slices.Sort(off)
		if !slices.Equal(got, off) {
			t.Errorf("until %s, disabled are\n got %q\nwant %q", until, got, off)
		}
	}
}
