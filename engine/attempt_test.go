package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/engine"
	"github.com/dcosflow/dcosflow/events"
	"github.com/dcosflow/dcosflow/plan"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

var (
	errTransport = &backends.TroubleError{Op: "reach member-0", Err: io.ErrUnexpectedEOF, Hint: "is Docker running?"}
	errAssert    = &steps.AssertionError{Condition: "a == b", Message: "they differ", Tries: 3}
)

func TestRetry(t *testing.T) {
	fast := plan.Retry{Attempts: 4, Delay: time.Second, Factor: 2, MaxDelay: 3 * time.Second}
	cases := []struct {
		name  string
		retry plan.Retry
		on    []string
		err   error
		// succeeds is the attempt that does; 0 means none.
		succeeds     int
		wantAttempts int
		wantTook     time.Duration
		wantExit     int
	}{
		{name: "no retry", err: exitError(1), wantAttempts: 1, wantExit: 1},
		{name: "any, in vain", retry: fast, on: []string{"any"}, err: exitError(1), wantAttempts: 4, wantTook: 6 * time.Second, wantExit: 1},
		{name: "any, with success", retry: fast, on: []string{"any"}, err: exitError(1), succeeds: 3, wantAttempts: 3, wantTook: 3 * time.Second},
		{name: "another class", retry: fast, on: []string{"transport", "assert"}, err: exitError(1), wantAttempts: 1, wantExit: 1},
		{name: "transport", retry: fast, on: []string{"transport"}, err: errTransport, wantAttempts: 4, wantTook: 6 * time.Second, wantExit: 3},
		{name: "assert", retry: fast, on: []string{"assert"}, err: errAssert, succeeds: 2, wantAttempts: 2, wantTook: time.Second},
		{name: "exit code", retry: fast, on: []string{"exit_code"}, err: exitError(2), succeeds: 2, wantAttempts: 2, wantTook: time.Second},
		{name: "a wrong argument stays wrong", retry: fast, on: []string{"any"}, err: &steps.ArgumentError{Argument: "x", Err: io.EOF}, wantAttempts: 1, wantExit: 1},
		{name: "a wrong expression stays wrong", retry: fast, on: []string{"any"}, err: &plan.Error{}, wantAttempts: 1, wantExit: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				tries := 0
				i := s.step("step.x", func(context.Context, steps.Env) (cty.Value, error) {
					if tries++; tries == c.succeeds {
						return cty.NilVal, nil
					}
					return cty.NilVal, c.err
				})
				i.Retry = c.retry
				i.Retry.On = c.on
				r := s.run(t.Context())
				s.wantExit(r, c.wantExit)
				got := r.Run.Instance("step.x")
				if tries != c.wantAttempts || got.Attempt != c.wantAttempts {
					t.Errorf("attempts: got %d, recorded %d, want %d", tries, got.Attempt, c.wantAttempts)
				}
				if got.Took != c.wantTook {
					t.Errorf("took %s, want %s", got.Took, c.wantTook)
				}
				if want := c.wantAttempts > 1; got.Failure != nil && got.Failure.Repeatable != want {
					t.Errorf("repeatable: got %t, want %t", got.Failure.Repeatable, want)
				}
			})
		})
	}
}

func TestBackoffHoldsNoSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.options.Parallel = 1
		i := s.step("step.flaky", fail(exitError(1)))
		i.Retry = plan.Retry{Attempts: 2, Delay: time.Minute, Jitter: 0.5, On: []string{"any"}}
		s.step("step.nap", sleep(10*time.Second))
		r := s.run(t.Context())
		s.wantExit(r, 1)
		if took := r.Run.Instance("step.nap").EndedAt.Sub(r.Run.StartedAt); took != 10*time.Second {
			t.Errorf("the nap ended after %s, want 10s", took)
		}
		took := r.Run.Instance("step.flaky").Took
		if took < 30*time.Second || took >= time.Minute {
			t.Errorf("with jitter 0.5, the attempts took %s, want between 30s and 1m", took)
		}
	})
}

func TestLimits(t *testing.T) {
	cases := []struct {
		name              string
		timeout, deadline time.Duration
		retry             plan.Retry
		want, wantHint    string
		wantTook          time.Duration
		wantAttempts      int
	}{
		{
			name: "timeout", timeout: 5 * time.Second,
			want: `timed out: timeout = "5s" is over`, wantTook: 5 * time.Second, wantAttempts: 1,
		},
		{
			name: "timeout of each attempt", timeout: 5 * time.Second, retry: plan.Retry{Attempts: 2, Delay: time.Second, On: []string{"timeout"}},
			want: `timed out: timeout = "5s" is over`, wantTook: 11 * time.Second, wantAttempts: 2,
		},
		{
			name: "deadline of all attempts", timeout: 5 * time.Second, deadline: 8 * time.Second,
			retry: plan.Retry{Attempts: 9, Delay: time.Second, On: []string{"any"}},
			want:  `timed out: deadline = "8s" is over`, wantTook: 8 * time.Second, wantAttempts: 2,
		},
		{
			name: "no time for another attempt", timeout: 5 * time.Second, deadline: 8 * time.Second,
			retry: plan.Retry{Attempts: 9, Delay: 3 * time.Second, On: []string{"any"}},
			want:  `timed out: timeout = "5s" is over`, wantTook: 5 * time.Second, wantAttempts: 1,
			wantHint: `no further attempt: after a pause of 3s, deadline = "8s" would be over`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				i := s.step("step.x", sleep(time.Hour))
				i.Timeout, i.Deadline, i.Retry = c.timeout, c.deadline, c.retry
				r := s.run(t.Context())
				s.wantExit(r, 1)
				got := s.wantState(r, "step.x", events.Failed)
				if got.Failure.Class != events.ClassTimeout || got.Failure.Message != c.want {
					t.Errorf("failure: got %s %q, want %s %q", got.Failure.Class, got.Failure.Message, events.ClassTimeout, c.want)
				}
				if got.Failure.Hint != c.wantHint {
					t.Errorf("hint: got %q, want %q", got.Failure.Hint, c.wantHint)
				}
				if got.Took != c.wantTook || got.Attempt != c.wantAttempts {
					t.Errorf("got %d attempts in %s, want %d in %s", got.Attempt, got.Took, c.wantAttempts, c.wantTook)
				}
			})
		})
	}
}

func TestTimeoutNamesTheCommand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		s.backend.Backend = fake.New(fake.Options{Scripts: []fake.Script{{Command: fake.CommandPattern("sleep 60"), Delay: time.Minute}}})
		i := s.step("step.x", func(ctx context.Context, env steps.Env) (cty.Value, error) {
			err := env.Node.Transport.Run(ctx, backends.Command{Args: []string{"sleep", "60"}})
			return cty.NilVal, errors.Join(err, env.Node.Transport.Run(context.WithoutCancel(ctx), backends.Command{Args: []string{"cleanup"}}))
		}, s.provision("member-0"))
		i.Cluster, i.Node, i.Timeout = "db", "member-0", time.Second
		r := s.run(t.Context())
		s.wantExit(r, 1)
		if got, want := r.Run.Instance("step.x").Failure.Command, []string{"sleep", "60"}; !slices.Equal(got, want) {
			t.Errorf("command: got %q, want %q", got, want)
		}
	})
}

func TestFailures(t *testing.T) {
	cases := []struct {
		name     string
		work     work
		want     events.Failure
		wantExit int
	}{
		{
			name: "exit code", work: fail(fmt.Errorf("read the key: %w", exitError(2))), wantExit: 1,
			want: events.Failure{
				Class: events.ClassExitCode, Message: "read the key: etcdctl on member-0: exit code 2",
				Command: []string{"etcdctl", "get"}, ExitCode: 2,
			},
		},
		{
			name: "signal", work: fail(&backends.ExitError{Args: []string{"x"}, Code: 137, Signal: "KILL"}), wantExit: 1,
			want: events.Failure{Class: events.ClassExitCode, Message: "x: signal KILL", Command: []string{"x"}, ExitCode: 137, Signal: "KILL"},
		},
		{
			name: "assertion", wantExit: 1,
			work: fail(&steps.AssertionError{
				Condition: "probe.stdout == 3", Tries: 4, Err: exitError(1),
				Operands: []schema.Operand{{Text: "probe.stdout", Value: "2"}}, Observed: []schema.Operand{{Text: "stdout", Value: "2"}},
			}),
			want: events.Failure{
				Class: events.ClassAssert, Message: "probe.stdout == 3: etcdctl on member-0: exit code 1", Condition: "probe.stdout == 3", Tries: 4,
				Operands: []events.Operand{{Text: "probe.stdout", Value: "2"}}, Observed: []events.Operand{{Text: "stdout", Value: "2"}},
				Command: []string{"etcdctl", "get"}, ExitCode: 1,
			},
		},
		{
			name: "trouble", work: fail(errTransport), wantExit: 3,
			want: events.Failure{Class: events.ClassTransport, Message: "reach member-0: unexpected EOF", Hint: "is Docker running?"},
		},
		{
			name: "a wrong argument, found by a command", wantExit: 1,
			work: fail(fmt.Errorf("make the bundle: %w", &steps.ArgumentError{Argument: "config", Err: exitError(2)})),
			want: events.Failure{
				Class: events.ClassInput, Message: "main.hcl:7: config: etcdctl on member-0: exit code 2", Source: "main.hcl:7", Snippet: "  on main.hcl line 7:\n",
				Command: []string{"etcdctl", "get"}, ExitCode: 2,
			},
		},
		{
			name: "anything else", work: fail(errors.New("odd")), wantExit: 1,
			want: events.Failure{Class: events.ClassOther, Message: "odd"},
		},
		{
			name: "outputs that are not declared", wantExit: 1,
			work: func(context.Context, steps.Env) (cty.Value, error) { return cty.StringVal("x"), nil },
			want: events.Failure{Class: events.ClassOther, Message: `the step type "do" returned outputs that it does not declare: object required, but have string: this is a bug of the step type`},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				s.step("step.x", c.work)
				r := s.run(t.Context())
				s.wantExit(r, c.wantExit)
				got := s.wantState(r, "step.x", events.Failed)
				if d := cmp.Diff(c.want, *got.Failure); d != "" {
					t.Errorf("failure (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestPanics(t *testing.T) {
	explode := func() { panic("boom") }
	cases := []struct {
		name   string
		change func(*plan.Instance)
	}{
		{"in Run", func(i *plan.Instance) {
			i.Type.New = func(cty.Value) (steps.Step, error) {
				return work(func(context.Context, steps.Env) (cty.Value, error) { explode(); return cty.NilVal, nil }), nil
			}
		}},
		{"in New", func(i *plan.Instance) {
			i.Type.New = func(cty.Value) (steps.Step, error) { explode(); return nil, nil }
		}},
		{"in Configure", func(i *plan.Instance) {
			i.Configure = func(plan.Facts) (cty.Value, error) { explode(); return cty.NilVal, nil }
		}},
		{"in Enabled", func(i *plan.Instance) { i.Enabled = func(plan.Facts) (bool, error) { explode(); return true, nil } }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t)
				i := s.step("step.x", succeed)
				i.Retry = plan.Retry{Attempts: 3, On: []string{"any"}}
				c.change(i)
				s.step("step.other", sleep(time.Second))
				r := s.run(t.Context())
				s.wantExit(r, 3)
				got := s.wantState(r, "step.x", events.Failed)
				if got.Failure.Class != events.ClassPanic || got.Failure.Message != "panic: boom" {
					t.Errorf("failure: got %s %q, want %s %q", got.Failure.Class, got.Failure.Message, events.ClassPanic, "panic: boom")
				}
				s.wantState(r, "step.other", events.Succeeded)
			})
		})
	}
}

func TestLogs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		var wantTail []string
		for n := range 20 {
			wantTail = append(wantTail, fmt.Sprintf("line %d", n+11))
		}
		s.step(`step.say["a/b"]`, func(_ context.Context, env steps.Env) (cty.Value, error) {
			for n := range 30 {
				fmt.Fprintf(env.Stdout, "line %d\r\n", n)
			}
			io.WriteString(env.Stdout, "line 30, without an end \xff")
			env.Progress("half way")
			return cty.NilVal, exitError(1)
		})
		wantTail[19] = "line 30, without an end \uFFFD"
		r := s.run(t.Context())
		got := s.wantState(r, `step.say["a/b"]`, events.Failed)
		if d := cmp.Diff(wantTail, got.Failure.Tail); d != "" {
			t.Errorf("tail (-want +got):\n%s", d)
		}
		if want := filepath.Join("logs", "step.say.a%2Fb", "1.stdout"); got.Failure.Log != want {
			t.Errorf("log: got %q, want %q", got.Failure.Log, want)
		}
		text, err := os.ReadFile(filepath.Join(s.plan.Run.Dir, got.Failure.Log))
		if err != nil || !strings.HasPrefix(string(text), "line 0\r\nline 1\r\n") || !strings.HasSuffix(string(text), "\xff") {
			t.Errorf("the log is not what was written: %q, %v", text, err)
		}
		if got.Line != "half way" {
			t.Errorf("progress: got %q, want %q", got.Line, "half way")
		}
	})
}

func TestSecrets(t *testing.T) {
	const secret, found, token = "hunter2-is-long", "found on the way", "token-of-the-step"
	bubble(t, func(t *testing.T) {
		s := newStage(t)
		known := []string{secret}
		s.options.Secrets = func() []string { return known }
		s.options.Info = engine.RunInfo{Command: []string{"dcosflow", "run", "--var", "password=" + secret}}
		i := s.step("step.x", func(_ context.Context, env steps.Env) (cty.Value, error) {
			fmt.Fprintf(env.Stderr, "login with %s\nagain with %s\n", secret, found)
			env.Progress("trying " + secret)
			out := cty.ObjectVal(map[string]cty.Value{"stdout": cty.StringVal("it is " + token), "token": cty.StringVal(token)})
			return out, fmt.Errorf("%s and %s: %w", secret, token, &backends.ExitError{Args: []string{"login", secret}, Code: 1})
		})
		i.Description = "uses " + secret
		i.Configure = func(plan.Facts) (cty.Value, error) {
			known = append(known, found)
			return cty.EmptyObjectVal, nil
		}
		s.plan.Outputs = nil
		r := s.run(t.Context())
		s.wantExit(r, 1)
		for _, record := range s.journal.records {
			line, err := record.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			for _, hidden := range []string{secret, found, token} {
				if strings.Contains(string(line), hidden) {
					t.Errorf("%q is in the journal: %s", hidden, line)
				}
			}
		}
		if got := r.Run.Instance("step.x").Failure.Command; !slices.Equal(got, []string{"login", "(sensitive)"}) {
			t.Errorf("command: got %q", got)
		}
	})
}
