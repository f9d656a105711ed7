package engine_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/steps"
)

// noLogs has every log fail at its first byte.
func (s *stage) noLogs() {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.plan.Run.Dir, "logs"), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// A step does not go on without its log.
func TestLogThatCannotBeWritten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.noLogs()
		s.step("step.say", func(ctx context.Context, env steps.Env) (cty.Value, error) {
			_, _ = io.WriteString(env.Stdout, "hello")
			return sleep(time.Hour)(ctx, env)
		})
		begin := time.Now()
		r := s.run(t.Context())
		s.wantExit(r, 3)
		got := s.wantState(r, "step.say", events.Failed)
		if want := "write the log of step.say: "; !strings.HasPrefix(got.Failure.Message, want) {
			t.Errorf("message: got %q, want it to begin with %q", got.Failure.Message, want)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("it went on for %s without its log", took)
		}
	})
}

// A span whose log cannot be written fails at once, is ended, and stops what is
// during it.
func TestSpanThatLosesItsLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, h := newStage(t), newHolders()
		s.noLogs()
		s.span("step.cut", fault{world: h}, plan.Span{})
		s.step("step.child", func(ctx context.Context, env steps.Env) (cty.Value, error) {
			_, _ = io.WriteString(h.log, "hello")
			return sleep(time.Hour)(ctx, env)
		})
		s.during("step.child", "step.cut")
		begin := time.Now()
		r := s.run(t.Context())
		s.wantExit(r, 3)
		s.wantState(r, "step.child", events.Canceled)
		f, want := s.wantState(r, "step.cut", events.Failed).Failure, "write the log of step.cut: "
		if took := time.Since(begin); f == nil || !strings.HasPrefix(f.Message, want) || took > 0 {
			t.Errorf("failure after %s: got %+v, want %q", took, f, want)
		}
		h.check(t)
	})
}
