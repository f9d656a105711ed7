package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/steps/dcos"
)

// dcosKind asks the health tool of the installed DC/OS.
type dcosKind struct{ scope dcos.HealthScope }

func (k dcosKind) describe() string { return fmt.Sprintf("DC/OS says that its %s is healthy", k.scope) }

func (k dcosKind) try(ctx context.Context, at place) Result {
	r := execute(ctx, at, backends.Command{Args: dcos.HealthCommand(k.scope), User: "root"})
	if bad := dcos.Unhealthy(r.stdout); r.Err != nil && bad != nil {
		r.Err = errors.New(strings.Join(bad, "; "))
	} else if r.code != nil && *r.code != 0 && r.stdout == "" {
		r.Err = errors.New(strings.TrimSpace(r.stderr))
	}
	return r
}
