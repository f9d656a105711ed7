package dag

import (
	"strings"
	"testing"
)

// wantLog compares what happened, line by line.
func wantLog(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRule13_AChildRunsBetweenStartAndEnd(t *testing.T) {
	s := newScript(t)
	s.span("cut", act{takes: 1}, Traits{Lazy: true})
	s.span("load", act{takes: 2}, Traits{Lazy: true}, "~cut")
	s.add("x", act{takes: 5}, Traits{Weight: 1})
	s.add("a", act{takes: 3}, Traits{Weight: 1}, "~load", "x")
	s.add("b", act{takes: 30}, Traits{Weight: 1}, "~cut", "a")
	s.add("after", act{}, Traits{}, "cut")
	got, _ := s.play(Executor[*act]{Slots: 2}, 0)
	wantLog(t, got, `
0s x running
5s x done
5s cut:start running
6s cut:start done
6s load:start running
8s load:start done
8s a running
11s a done
11s b running
11s load:start ends
13s load done
41s b done
41s cut:start ends
42s cut done
42s after running
42s after done`)
}
