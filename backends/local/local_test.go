package local_test

import (
	"os"
	"testing"

	"github.com/dcosflow/dcosflow/backends/backendtest"
	"github.com/dcosflow/dcosflow/backends/local"
)

func TestTransport(t *testing.T) {
	opts := backendtest.Options{Dir: t.TempDir()}
	if os.Geteuid() == 0 {
		opts.Users = []string{"nobody", "daemon"}
		opts.Owners = true
	}
	backendtest.TestTransport(t, local.Transport{}, opts)
}
