// Package builtin lists the step types that come with the tool.
package builtin

import (
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/assert"
	"github.com/dcosflow/dcosflow/steps/copy"
	"github.com/dcosflow/dcosflow/steps/destroy"
	"github.com/dcosflow/dcosflow/steps/genconf"
	"github.com/dcosflow/dcosflow/steps/install"
	"github.com/dcosflow/dcosflow/steps/provision"
	"github.com/dcosflow/dcosflow/steps/run"
	"github.com/dcosflow/dcosflow/steps/upgrade"
	"github.com/dcosflow/dcosflow/steps/wait"
)

// Types returns the step types, sorted by name.
func Types() []steps.Type {
	return []steps.Type{
		assert.Type(),
		copy.Type(),
		destroy.Type(),
		genconf.Type(),
		install.Type(),
		provision.Type(),
		run.Type(),
		upgrade.Type(),
		wait.Type(),
	}
}
