package dag

import "testing"

func TestRule11_RetryRunsTheWholeInstanceAgain(t *testing.T) {
	s := newScript(t)
	s.region("g", act{retries: 1, delay: 2}, Traits{})
	s.add("a", act{takes: 3}, Traits{Weight: 1}, "<g")
	s.add("b", act{takes: 30, fails: 1}, Traits{Weight: 1}, "<g", "a")
	s.add("after", act{}, Traits{}, "g")
	got, _ := s.play(Executor[*act]{Slots: 2}, 0)
	wantLog(t, got, `
0s g:begin running
0s g:begin done
0s a running
3s a done
3s b running
33s b failed
33s g running
35s a pending
35s b pending
35s g pending
35s a running
38s a done
38s b running
1m8s b done
1m8s g running
1m8s g done
1m8s after running
1m8s after done`)
}
