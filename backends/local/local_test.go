package local_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/backendtest"
	"github.com/dcosflow/dcosflow/backends/local"
)

// The processes of the tool must not inherit the secrets that it was given.
func TestEnvironment(t *testing.T) {
	t.Setenv("DCOSFLOW_VAR_password", "hunter2")
	t.Setenv("KEPT", "yes")
	var out bytes.Buffer
	cmd := backends.Command{Args: []string{"/bin/sh", "-c", "env"}, Env: map[string]string{"ADDED": "too"}, Stdout: &out}
	if err := (local.Transport{}).Run(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "KEPT=yes\n") || !strings.Contains(got, "ADDED=too\n") {
		t.Errorf("want KEPT and ADDED, not the password; got:\n%s", got)
	}
}

func TestTransport(t *testing.T) {
	opts := backendtest.Options{Dir: t.TempDir()}
	if os.Geteuid() == 0 {
		opts.Users = []string{"nobody", "daemon"}
		opts.Owners = true
	}
	backendtest.TestTransport(t, local.Transport{}, opts)
}
