package acceptance

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// A84: two pipelines use one module, with other clusters, releases and settings.
func TestA84_SharedModule(t *testing.T) {
	t.Parallel()
	paths, err := standins()
	if err != nil {
		t.Fatal(err)
	}
	const (
		module    = "workflows/modules/dcos"
		installs  = "workflows/dcos/install-test.hcl"
		configure = "workflows/dcos/config-test.hcl"
	)
	newSandbox(t).pass("validate", project(t, module))
	cases := []struct {
		name, workflow, installer, release string
		flags, nodes                       []string
	}{
		{"install", installs, paths["from"], oldRelease, nil, []string{"agent-0", "master-0"}},
		{"install, counts changed", installs, paths["from"], oldRelease, []string{"agents=0"}, []string{"master-0"}},
		{"settings", configure, paths["to"], newRelease, nil, []string{"agent-0", "master-0", "public-agent-0"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSandbox(t)
			s.pass(append([]string{"run", project(t, c.workflow), "--var", "installer=" + c.installer}, vars(c.flags)...)...)
			var out struct{ Versions map[string]string }
			s.outputs(&out)
			if got := slices.Sorted(maps.Keys(out.Versions)); !slices.Equal(got, c.nodes) {
				t.Errorf("got versions of %v, want those of %v", got, c.nodes)
			}
			for node, version := range out.Versions {
				if version != c.release {
					t.Errorf("%s runs %s, want %s", node, version, c.release)
				}
			}
			if took := s.took("module.dcos.step.bundle"); took <= 0 {
				t.Errorf("the module's genconf took %s", took)
			}
		})
	}

	t.Run("control wrong version", func(t *testing.T) {
		newSandbox(t).want(stepFailed, "run", project(t, installs), "--var", "installer="+paths["from"], "--var", "agents=0", "--var", "expect=9.9.9").
			says(t, `FAILED step.installed["master-0"]`, "master-0 runs DC/OS "+oldRelease)
	})
	t.Run("control wrong setting", func(t *testing.T) {
		newSandbox(t).want(stepFailed, "run", project(t, configure), "--var", "installer="+paths["to"], "--var", `expect={cluster_name="another"}`).
			says(t, `FAILED step.configured["agent-0"]`, "runs with other settings", "config-test")
	})
	t.Run("control misspelt input", func(t *testing.T) {
		s := newSandbox(t)
		text := "variable \"installer\" {}\nbackend \"docker\" \"d\" {}\ncluster \"c\" {\n  roles = { master = 1 }\n}\n" +
			"module \"dcos\" {\n  source = \"MODULE\"\n  cluster = cluster.c\n  instaler = var.installer\n}\n"
		file := s.write("wrong.hcl", strings.Replace(text, "MODULE", project(t, module), 1))
		s.want(wrongInput, "run", file, "--var", "installer="+paths["from"]).
			says(t, "wrong.hcl line", "instaler", `"installer"`)
		if runs := s.runs(); len(runs) != 0 {
			t.Errorf("a run that cannot be planned left %v", runs)
		}
	})
}
