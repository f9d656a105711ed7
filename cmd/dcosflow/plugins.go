package main

import (
	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/docker"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/builtin"
)

// backendTypes lists the kinds of backends. A new one is one more value here.
func backendTypes() []backends.Type {
	return []backends.Type{
		docker.Type(),
	}
}

// stepTypes lists the kinds of steps. A new one is one more value here.
func stepTypes() []steps.Type {
	return builtin.Types()
}
