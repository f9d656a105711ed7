package backends

import "testing"

func TestSpecNodes(t *testing.T) {
	spec := Spec{Key: Key{Cluster: "c"}, Roles: []RoleCount{{"master", 1}, {"public_agent", 2}, {"agent", 0}}}
	want := []Node{
		{Name: "master-0", Cluster: "c", Role: "master", Hostname: "master-0"},
		{Name: "public-agent-0", Cluster: "c", Role: "public_agent", Hostname: "public-agent-0"},
		{Name: "public-agent-1", Cluster: "c", Role: "public_agent", Index: 1, Hostname: "public-agent-1"},
	}
	got := spec.Nodes()
	if len(got) != len(want) {
		t.Fatalf("got %d nodes, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("node %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}
