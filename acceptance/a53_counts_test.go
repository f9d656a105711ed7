package acceptance

import (
	"maps"
	"slices"
	"testing"
)

func TestA53_RoleCountsByVariables(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		env    []string
		vars   []string
		nodes  []string
		origin []string
	}{
		{
			"default", nil, nil,
			[]string{"agent-0", "master-0"}, []string{"default"},
		},
		{
			"command line", nil, []string{"masters=3", "agents=0"},
			[]string{"master-0", "master-1", "master-2"}, []string{"--var"},
		},
		{
			"environment", []string{"DCOSFLOW_VAR_agents=2"}, nil,
			[]string{"agent-0", "agent-1", "master-0"}, []string{"DCOSFLOW_VAR_agents"},
		},
		{
			"the command line beats the environment", []string{"DCOSFLOW_VAR_agents=7", "DCOSFLOW_VAR_masters=0"}, []string{"agents=1"},
			[]string{"agent-0"}, []string{"--var", "DCOSFLOW_VAR_masters"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSandbox(t)
			s.env = c.env
			s.pass(append([]string{"plan", testdata(t, "counts.hcl")}, vars(c.vars)...)...).says(t, c.origin...)
			s.pass(append([]string{"run", testdata(t, "counts.hcl"), "--keep", "always"}, vars(c.vars)...)...)
			if got := slices.Sorted(maps.Keys(containers(t, s.lastRun()))); !slices.Equal(got, c.nodes) {
				t.Errorf("got %v, want %v", got, c.nodes)
			}
		})
	}

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		s.env = []string{"DCOSFLOW_VAR_agents=2"}
		s.want(stepFailed, "run", testdata(t, "counts.hcl"), "--var", "expect={ master = 1, agent = 1 }").
			says(t, `FAILED step.counts["agent"]`, "each.value = 2")
	})
	for name, wrong := range map[string]struct {
		env, flag string
		says      []string
	}{
		"control negative":  {env: "DCOSFLOW_VAR_agents=-1", says: []string{"counts.hcl line", "agent", "-1"}},
		"control no number": {env: "DCOSFLOW_VAR_masters=many", says: []string{"DCOSFLOW_VAR_masters", "masters"}},
		"control misspelt":  {flag: "mastrs=3", says: []string{`Undeclared variable "mastrs"`, `"masters"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			var flags []string
			if s.env = []string{wrong.env}; wrong.flag != "" {
				flags = vars([]string{wrong.flag})
			}
			s.want(wrongInput, append([]string{"run", testdata(t, "counts.hcl")}, flags...)...).says(t, wrong.says...)
			if runs := s.runs(); len(runs) != 0 {
				t.Errorf("a run that cannot be planned left %v", runs)
			}
		})
	}
}
