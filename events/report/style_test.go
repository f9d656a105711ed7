package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dcosflow/dcosflow/events/report"
)

func TestDuration(t *testing.T) {
	cases := []struct {
		in   time.Duration
		want string
	}{
		{0, "0s"}, {1234 * time.Microsecond, "1ms"}, {1250 * time.Millisecond, "1.3s"},
		{83 * time.Second, "1m23s"}, {2*time.Hour + 30*time.Minute + 400*time.Millisecond, "2h30m0s"},
	}
	for _, c := range cases {
		if got := report.Duration(c.in); got != c.want {
			t.Errorf("Duration(%s): got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCommand(t *testing.T) {
	cases := []struct {
		in   []string
		want string
	}{
		{[]string{"cat", "/etc/os-release"}, "cat /etc/os-release"},
		{[]string{"sh", "-c", "echo 'it is' $HOME", ""}, `sh -c 'echo '\''it is'\'' $HOME' ''`},
		{[]string{"sh", "-c", "set -e\ntrue"}, "sh -c 'set -e ..."},
		{[]string{strings.Repeat("x", 500)}, strings.Repeat("x", 300) + " ..."},
	}
	for _, c := range cases {
		if got := report.Command(c.in); got != c.want {
			t.Errorf("Command(%q): got %q, want %q", c.in, got, c.want)
		}
	}
}
