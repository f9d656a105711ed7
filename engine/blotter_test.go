package engine

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestStreamIsRedacted(t *testing.T) {
	secrets := []string{"hunter2 rides", "rides again", "-----BEGIN-----\nfirst line of it\nx\nlast line of it\n", "aaa"}
	cases := []struct{ name, in, want string }{
		{"nothing", "plain\x00\xff text\n", "plain\x00\xff text\n"},
		{"one", "pw hunter2 rides.\n", "pw (sensitive).\n"},
		{"at the end", "pw hunter2 rides", "pw (sensitive)"},
		{"only its beginning, at the end", "pw hunter2 ri", "pw hunter2 ri"},
		{"two that overlap are one", "hunter2 rides again!", "(sensitive)!"},
		{"two in a row", "hunter2 rideshunter2 rides", "(sensitive)(sensitive)"},
		{"many that overlap", "<aaaaaaaaaa>", "<(sensitive)>"},
		{"all lines", "-----BEGIN-----\nfirst line of it\nx\nlast line of it\n", "(sensitive)\n"},
		{"some lines", "first line of it\ny\nlast line of it\n", "(sensitive)\ny\n(sensitive)\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r redactor
			r.add(secrets...)
			for size := 1; size <= len(c.in); size++ {
				if got := streamed(&r, c.in, size); got != c.want {
					t.Errorf("in writes of %d bytes: got %q, want %q", size, got, c.want)
				}
			}
		})
	}
}

// streamed sends a text through a redacted stream in writes of some size.
func streamed(r *redactor, text string, size int) string {
	var s blotted
	var out strings.Builder
	for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
		out.Write(r.next(&s, []byte(rest[:min(size, len(rest))]), false))
	}
	out.Write(r.next(&s, nil, true))
	return out.String()
}

// What can no longer become a secret is passed on at once.
func TestStreamHoldsBackLittle(t *testing.T) {
	var r redactor
	r.add("password")
	var s blotted
	for _, step := range []struct{ in, want string }{
		{"Enter pass", "Enter "}, {"phrase: ", "passphrase: "}, {"pa", ""}, {"ssword", "(sensitive)"}, {"p", ""}, {"q", "pq"},
	} {
		if got := string(r.next(&s, []byte(step.in), false)); got != step.want {
			t.Errorf("after %q: got %q, want %q", step.in, got, step.want)
		}
	}
	r.add("qqq") // known only now
	if got := string(r.next(&s, []byte(" qqq\n"), false)); got != " (sensitive)\n" {
		t.Errorf("a secret that was added: got %q", got)
	}
}

// However a stream is cut into writes, it is redacted alike, and no secret is
// in it.
func TestStreamAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		letters := func(n int) string {
			b := make([]byte, n)
			for i := range b {
				b[i] = "ab\n"[random.IntN(3)]
			}
			return string(b)
		}
		var b blotter
		secrets := make([]string, 1+random.IntN(3))
		for i := range secrets {
			secrets[i] = letters(3 + random.IntN(6))
			b.add(secrets[i])
		}
		text := letters(random.IntN(60))
		want, _ := blot(nil, []byte(text), naive(text, secrets), 0, len(text))
		var s blotted
		var got bytes.Buffer
		for rest := text; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			got.Write(s.next(&b, []byte(rest[:n]), false))
			rest = rest[n:]
		}
		got.Write(s.next(&b, nil, true))
		if !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("%q without %q: got %q, want %q", text, secrets, got.String(), want)
		}
	}
}

// naive finds all places of all secrets.
func naive(text string, secrets []string) []span {
	var found []span
	for i := range text {
		for _, secret := range secrets {
			if strings.HasPrefix(text[i:], secret) {
				found = append(found, span{i, i + len(secret)})
			}
		}
	}
	return found
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("a secret in two"), []byte("secret"), 4)
	f.Add([]byte("aaaaaa"), []byte("aaa"), 1)
	f.Fuzz(func(t *testing.T, text, secret []byte, size int) {
		var r redactor
		r.add(string(secret))
		want := r.text(strings.ReplaceAll(string(text), ellipsis, ""))
		text = bytes.ReplaceAll(text, []byte(ellipsis), nil)
		if size < 1 {
			size = 1
		}
		if got := streamed(&r, string(text), size); got != want {
			t.Errorf("in writes of %d: got %q, want %q", size, got, want)
		}
	})
}

func BenchmarkStream(b *testing.B) {
	line := "2026-11-21T05:55:05Z master-0 systemd[1]: Started dcos-exhibitor.service - a supervisor; took 1.204s\n"
	text := []byte(strings.Repeat(line, 330)) // 32 KiB, as pipes give it
	key := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", 24) + "-----END PRIVATE KEY-----\n"
	cases := []struct {
		name    string
		secrets []string
	}{
		{"none", nil},
		{"few", []string{"correct horse battery staple", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "s3cr3t/with+signs=", "$2y$12$abcdefghijklmnopqrstuv", key}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			var r redactor
			r.add(c.secrets...)
			var s blotted
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.next(&s, text, false)
			}
		})
	}
}
