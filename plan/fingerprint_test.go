package plan_test

import (
	"bytes"
	"testing"
	"testing/fstest"

	"github.com/dcosflow/dcosflow/plan"
)
