package assert_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/backends/local"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
	"github.com/dcosflow/dcosflow/steps/assert"
	"github.com/dcosflow/dcosflow/steps/stepstest"
)

type args = stepstest.Args

func check(t *testing.T, a args, scripts ...fake.Script) (cty.Value, time.Duration, error) {
	t.Helper()
	typ := assert.Type()
	tr, _ := fake.NewTransport("box-0", scripts...)
	s, err := typ.New(stepstest.Config(t, &typ.Schema, a))
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	begin := time.Now()
	out, err := s.Run(t.Context(), stepstest.NewWorld(local.Transport{}, stepstest.Node("box-0", tr)).Env)
	return out, time.Since(begin), err
}

// is makes a condition of a fixed value.
func is(v cty.Value) *schema.Expression {
	return stepstest.Expression("a == b", func(cty.Value) (cty.Value, error) { return v, nil },
		schema.Operand{Text: "a", Value: "1"}, schema.Operand{Text: "b", Value: "2"})
}

// prints is the condition that a probe prints a text.
func prints(text string) *schema.Expression {
	return stepstest.Expression("probe.stdout == want", func(probe cty.Value) (cty.Value, error) {
		return probe.GetAttr("stdout").Equals(cty.StringVal(text)), nil
	})
}

// says is an error_message.
func says(text string) *schema.Expression {
	return stepstest.Expression("message", func(cty.Value) (cty.Value, error) { return cty.StringVal(text), nil })
}

func TestWithoutProbe(t *testing.T) {
	broken := errors.New("file.hcl:3: no such attribute")
	fails := stepstest.Expression("x", func(cty.Value) (cty.Value, error) { return cty.NilVal, broken })
	secret := stepstest.Expression("m", func(cty.Value) (cty.Value, error) { return cty.StringVal("s3cret").Mark("sensitive"), nil })
	tests := []struct {
		name      string
		args      args
		want      string
		assertion bool
	}{
		{"true", args{"condition": is(cty.True)}, "", false},
		{"true and sensitive", args{"condition": is(cty.True.Mark("sensitive"))}, "", false},
		{"message is not evaluated", args{"condition": is(cty.True), "error_message": fails}, "", false},
		{"false", args{"condition": is(cty.False)}, "a == b is false", true},
		{"message", args{"condition": is(cty.False), "error_message": says("still 3.4")}, "still 3.4", true},
		{"sensitive message", args{"condition": is(cty.False), "error_message": secret}, "the message holds a sensitive value and is not shown", true},
		{"null", args{"condition": is(cty.NullVal(cty.Bool))}, "the condition a == b is null, not true or false", false},
		{"text", args{"condition": is(cty.StringVal("true"))}, "the condition a == b is string, not true or false", false},
		{"broken", args{"condition": fails}, broken.Error(), false},
		{"broken message", args{"condition": is(cty.False), "error_message": fails}, "a == b is false\nerror_message: " + broken.Error(), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := check(t, tt.args)
			if got := fmt.Sprint(err); got != tt.want && !(err == nil && tt.want == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			var failed *steps.AssertionError
			if errors.As(err, &failed) != tt.assertion {
				t.Fatalf("got %T, want an assertion error: %v", err, tt.assertion)
			}
			if tt.assertion && (len(failed.Operands) != 2 || failed.Operands[1].Value != "2" || failed.Tries != 1 || failed.Condition != "a == b") {
				t.Errorf("got %+v, want both operands, one try and the text", failed)
			}
		})
	}
}

var (
	old   = fake.Script{Stdout: "3.4"}
	fresh = fake.Script{Stdout: "3.5"}
	down  = fake.Script{Code: 1, Stderr: "down\n"}
)

func times(s fake.Script, n int) fake.Script { s.Times = n; return s }

func TestWithProbe(t *testing.T) {
	look := args{"command": []string{"version"}, "every": "1s"}
	stable := args{"command": []string{"version"}, "every": "1s", "stable": "2s"}
	tests := []struct {
		name    string
		args    args
		scripts []fake.Script
		want    string
		tries   int
		took    time.Duration
	}{
		{"once", args{"condition": prints("3.5")}, []fake.Script{fresh}, "", 1, 0},
		{"once and false", args{"condition": prints("3.5")}, []fake.Script{times(old, 1), fresh}, "probe.stdout == want is false", 1, 0},
		{"the probe itself", args{}, []fake.Script{fresh}, "", 1, 0},
		{"the probe itself fails", args{}, []fake.Script{down}, `command "version" succeeds: version on box-0: exit code 1`, 1, 0},
		{"only the condition counts", args{"condition": prints("")}, []fake.Script{down}, "", 1, 0},
		{"message", args{"condition": prints("3.5"), "error_message": says("old")}, []fake.Script{old}, "old", 1, 0},
		{"within", args{"condition": prints("3.5"), "within": "10s"}, []fake.Script{times(old, 2), times(down, 1), fresh}, "", 4, 3 * time.Second},
		{"not within", args{"condition": prints("3.5"), "within": "2500ms"}, []fake.Script{old}, "probe.stdout == want is false", 3, 2500 * time.Millisecond},
		{"within and stable", args{"condition": prints("3.5"), "within": "10s", "probe": stable}, []fake.Script{times(fresh, 1), times(old, 1), fresh}, "", 5, 4 * time.Second},
		{"hold", args{"condition": prints("3.5"), "hold": "2500ms"}, []fake.Script{fresh}, "", 4, 2500 * time.Millisecond},
		{"does not hold", args{"condition": prints("3.5"), "hold": "10s"}, []fake.Script{times(fresh, 3), old}, "probe.stdout == want is false", 4, 3 * time.Second},
		{"hold begins false", args{"condition": prints("3.5"), "hold": "10s"}, []fake.Script{old}, "probe.stdout == want is false", 1, 0},
		{"within, then hold", args{"condition": prints("3.5"), "within": "10s", "hold": "2s"}, []fake.Script{times(old, 1), fresh}, "", 5, 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given := args{"probe": look}
				for name, v := range tt.args {
					given[name] = v
				}
				out, took, err := check(t, given, tt.scripts...)
				if tries, _ := out.GetAttr("tries").AsBigFloat().Int64(); tries != int64(tt.tries) || took != tt.took {
					t.Errorf("got %d tries in %v, want %d in %v", tries, took, tt.tries, tt.took)
				}
				if tt.want == "" {
					if err != nil {
						t.Errorf("got %v, want success", err)
					}
					return
				}
				var failed *steps.AssertionError
				if !errors.As(err, &failed) || err.Error() != tt.want {
					t.Fatalf("got %v, want the assertion error %q", err, tt.want)
				}
				if failed.Tries != tt.tries || len(failed.Observed) == 0 {
					t.Errorf("got %d tries, observed %v, want %d and what was seen", failed.Tries, failed.Observed, tt.tries)
				}
			})
		})
	}
}

func TestEvaluationErrors(t *testing.T) {
	noJSON := errors.New("jsondecode: unexpected end")
	decodes := stepstest.Expression("jsondecode(probe.stdout).ok", func(cty.Value) (cty.Value, error) { return cty.NilVal, noJSON })
	look := args{"command": []string{"status"}, "every": "1s"}
	_, _, err := check(t, args{"probe": look, "condition": decodes}, fresh)
	var failed *steps.AssertionError
	if !errors.As(err, &failed) || !errors.Is(err, noJSON) {
		t.Errorf("got %v, want an assertion error that wraps %v", err, noJSON)
	}
	_, _, err = check(t, args{"probe": look, "condition": decodes}, down)
	var exit *backends.ExitError
	if !errors.As(err, &exit) || exit.Code != 1 {
		t.Errorf("after a failed try: got %v, want its exit code as the reason", err)
	}
}

func TestCheck(t *testing.T) {
	typ := assert.Type()
	look := args{"command": []string{"true"}}
	tests := []struct {
		name string
		args args
		want []string
	}{
		{"condition", args{"condition": is(cty.True)}, nil},
		{"probe", args{"probe": look, "within": "1s", "hold": "1s"}, nil},
		{"nothing", args{}, []string{": Nothing to check"}},
		{"within and hold without a probe", args{"condition": is(cty.True), "within": "1s", "hold": cty.UnknownVal(cty.String)},
			[]string{"within: within needs a probe", "hold: hold needs a probe"}},
		{"stable without within", args{"probe": args{"command": []string{"true"}, "stable": "1s"}}, []string{"probe.stable: stable needs within"}},
		{"no time to be stable", args{"within": "1s", "probe": args{"command": []string{"true"}, "stable": "1s"}}, []string{"within: within is too short for stable"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stepstest.Problems(typ.Schema.Check(stepstest.Config(t, &typ.Schema, tt.args)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
