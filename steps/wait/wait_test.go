package wait_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/stepstest"
	"github.com/dcosflow/dcosflow/steps/wait"
)

type args = stepstest.Args

type result struct {
	out   cty.Value
	err   error
	took  time.Duration
	world *stepstest.World
}

func (r result) tries() int64 {
	n, _ := r.out.GetAttr("tries").AsBigFloat().Int64()
	return n
}

// waitFor runs a wait in a bubble with a clock of its own.
func waitFor(t *testing.T, ctx context.Context, until args, scripts ...fake.Script) result {
	t.Helper()
	typ := wait.Type()
	tr, _ := fake.NewTransport("box-0", scripts...)
	w := stepstest.NewWorld(local.Transport{}, stepstest.Node("box-0", tr))
	s, err := typ.New(stepstest.Config(t, &typ.Schema, args{"until": until}))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	begin := time.Now()
	out, err := s.Run(ctx, w.Env)
	return result{out, err, time.Since(begin), w}
}

var (
	no  = fake.Script{Code: 3, Stdout: "not yet", Stderr: "why\n"}
	yes = fake.Script{Stdout: "now"}
)

func times(s fake.Script, n int) fake.Script { s.Times = n; return s }

func TestHolds(t *testing.T) {
	command := []string{"check"}
	tests := []struct {
		name    string
		until   args
		scripts []fake.Script
		tries   int64
		took    time.Duration
	}{
		{"at once", args{"command": command}, []fake.Script{yes}, 1, 0},
		{"pauses grow", args{"command": command}, []fake.Script{times(no, 3), yes}, 4, 1_187_500 * time.Microsecond},
		{"every", args{"command": command, "every": "10s"}, []fake.Script{times(no, 3), yes}, 4, 30 * time.Second},
		{"stable", args{"command": command, "every": "1s", "stable": "3500ms"}, []fake.Script{yes}, 5, 3500 * time.Millisecond},
		{"stable starts again after a break", args{"command": command, "every": "1s", "stable": "2s"}, []fake.Script{times(yes, 2), times(no, 1), yes}, 6, 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := waitFor(t, t.Context(), tt.until, tt.scripts...)
				if got.err != nil || got.tries() != tt.tries || got.took != tt.took {
					t.Errorf("got %v after %d tries and %v, want success after %d and %v", got.err, got.tries(), got.took, tt.tries, tt.took)
				}
				if seen := got.out.GetAttr("probe").GetAttr("stdout").AsString(); seen != "now" {
					t.Errorf("probe.stdout: got %q, want %q", seen, "now")
				}
				if log := got.world.Stdout.String(); log != "now" {
					t.Errorf("log: got %q, want what the last try printed", log)
				}
			})
		})
	}
}

var errLimit = errors.New("timed out: timeout = \"1m\" is over")

func TestTimeout(t *testing.T) {
	tests := []struct {
		name     string
		limit    time.Duration // zero: no timeout
		scripts  []fake.Script
		until    args
		cause    string
		took     time.Duration
		observed string
	}{
		{"never holds", time.Minute, []fake.Script{no}, args{}, "check on box-0: exit code 3", time.Minute, `"not yet"`},
		{"without a timeout", 0, []fake.Script{no}, args{}, "check on box-0: exit code 3", 10 * time.Minute, `"not yet"`},
		{"the last try hangs", time.Minute, []fake.Script{times(no, 2), {Hang: true}}, args{"timeout": "1h"}, "check on box-0: exit code 3", time.Minute, `"not yet"`},
		{"every try hangs", time.Minute, []fake.Script{{Hang: true}}, args{"timeout": "20s"}, "no answer within 20s", time.Minute, ""},
		{"the only try hangs", time.Minute, []fake.Script{{Hang: true}}, args{"timeout": "1h"}, errLimit.Error(), time.Minute, ""},
		{"not stable", time.Minute, []fake.Script{yes}, args{"stable": "2m"}, "it held for 1m0s only, not for 2m0s", time.Minute, `"now"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.limit > 0 {
					limited, cancel := context.WithTimeoutCause(ctx, tt.limit, errLimit)
					defer cancel()
					ctx = limited
				}
				tt.until["command"] = []string{"check"}
				got := waitFor(t, ctx, tt.until, tt.scripts...)
				var failed *steps.AssertionError
				if !errors.As(got.err, &failed) {
					t.Fatalf("got %v, want *steps.AssertionError", got.err)
				}
				if failed.Condition != `command "check" succeeds` || failed.Err == nil || !strings.Contains(failed.Err.Error(), tt.cause) {
					t.Errorf("got condition %q, cause %v, want cause %q", failed.Condition, failed.Err, tt.cause)
				}
				if failed.Took != tt.took || failed.Tries < 1 {
					t.Errorf("got %d tries in %v, want %v", failed.Tries, failed.Took, tt.took)
				}
				seen := ""
				for _, o := range failed.Observed {
					if o.Text == "probe.stdout" {
						seen = o.Value
					}
				}
				if seen != tt.observed {
					t.Errorf("observed stdout: got %s, want %s", seen, tt.observed)
				}
			})
		})
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := waitFor(t, t.Context(), args{"command": []string{"check"}, "every": "1s"}, times(no, 25), yes)
		if len(got.world.Progress) != 2 || !strings.HasPrefix(got.world.Progress[0], "after 10s: check on box-0: exit code 3") {
			t.Errorf("progress of 25 s: got %q, want a line every ten seconds", got.world.Progress)
		}
	})
}

func TestCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := errors.New("interrupted")
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(stopped) })
		got := waitFor(t, ctx, args{"command": []string{"check"}}, fake.Script{Hang: true})
		if !errors.Is(got.err, stopped) || got.took != time.Second {
			t.Errorf("got %v after %v, want %v at once", got.err, got.took, stopped)
		}
	})
}
