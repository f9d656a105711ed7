package engine

import "testing"

func TestPrintable(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"plain", "größe\t1\nnext", "größe\t1\nnext"},
		{"colours", "\x1b[1;31mred\x1b[0m", "red"},
		{"title and movements", "\x1b]0;title\x07a\x1b]2;t\x1b\\b\x1b[2Kc\x1b(Bd\x1b7e", "abcde"},
		{"written over", " 10%\r 20%\r 30%\r", " 30%"},
		{"lines of Windows", "one\r\ntwo\r\n", "one\ntwo\n"},
		{"bells and the like", "a\a\b\x00\x7f\u009bb", "ab"},
		{"not finished", "a\x1b", "a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := printable(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
