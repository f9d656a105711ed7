package plan

import (
	"errors"
	"io"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/dag"
)

func TestRefusedArgumentsHaveAPlace(t *testing.T) {
	p := mustBuild(t, `
cluster "c" {
  roles = { master = 1 }
}
backend "docker" "d" {}
step "wait" "sure" {
  nodes = cluster.c.nodes
  until {
    every = "1s"
  }
}
step "run" "late" {
  for_each = { for k in split(",", step.one.stdout) : k => k }
  command  = [each.key]
}
step "run" "one" {
  command = ["a"]
}
`)
	late, err := p.Graph.Value("step.late[*]").Expand(&facts{outputs: map[dag.ID]cty.Value{"step.one": ran("k")}})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name     string
		instance *Instance
		argument string
		want     string
	}{
		{"an argument", p.Graph.Value("step.one"), "command", `main.hcl:17: Wrong value for "command": EOF`},
		{"in a nested block", p.Graph.Value(`step.sure["master-0"]`), "until.every", `main.hcl:9: Wrong value for "until.every": EOF`},
		{"a default", p.Graph.Value("step.one"), "stdin", `main.hcl:16: Wrong value for "stdin": EOF`},
		{"of a late instance", late.Vertices[0].Value, "command", `main.hcl:14: Wrong value for "command": EOF`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := c.instance.Refuse(c.argument, io.EOF)
			if got.Error() != c.want || !errors.Is(got, io.EOF) || !errors.As(got, new(*Error)) {
				t.Errorf("got %T %q, want an *Error that wraps EOF: %q", got, got, c.want)
			}
		})
	}
}
