package engine

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/dcosflow/dcosflow/events"
)

func TestRedactorForms(t *testing.T) {
	const secret = `pa"ss word/1234`
	const key = "-----BEGIN KEY-----\nfirst line of it\nsecond line\n}\n"
	var r redactor
	r.add(secret, key, "", "ab")
	quoted, _ := json.Marshal(secret)
	cases := []struct{ name, text, want string }{
		{"as it is", "login " + secret + " now", "login (sensitive) now"},
		{"in JSON", `{"p":` + string(quoted) + `}`, `{"p":"(sensitive)"}`},
		{"in a URL", "https://x/?p=" + url.QueryEscape(secret), "https://x/?p=(sensitive)"},
		{"one line of several", "read: second line", "read: (sensitive)"},
		{"a short line stays", "if x { }", "if x { }"},
		{"a short secret stays", "absent", "absent"},
		{"all lines", key, "(sensitive)\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := r.text(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRedactorBase64(t *testing.T) {
	const secret = "correct horse"
	var r redactor
	r.add(secret)
	for _, prefix := range []string{"", "u", "us", "usr", "user:"} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(prefix + secret + "\n"))
			if got := r.text(text); !strings.Contains(got, redacted) || len(got)-len(redacted) > encoding.EncodedLen(len(prefix))+4 {
				t.Errorf("behind %q: got %q of %q, want the secret out of it", prefix, got, text)
			}
		}
	}
}

func TestRedactorKeepsJSON(t *testing.T) {
	var r redactor
	r.add("true", `":"`, "12345")
	in := json.RawMessage(`{"a":"is true","b":true,"c":[12345,1],"d":"\":\""}`)
	want := `{"a":"is (sensitive)","b":true,"c":["(sensitive)",1],"d":"(sensitive)"}`
	if got := string(r.json(in)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A secret is found however a program may write it.
func TestRedactorEscapes(t *testing.T) {
	const secret = `it's/a "pass"+wörd & <more>${x}`
	cases := []struct{ name, text string }{
		{"JSON", `it's/a \"pass\"+wörd & <more>${x}`},
		{"JSON for HTML", `it's/a \"pass\"+wörd \u0026 \u003cmore\u003e${x}`},
		{"JSON in ASCII", `it's/a \"pass\"+w\u00f6rd & <more>${x}`},
		{"JSON with slashes", `it's\/a \"pass\"+wörd & <more>${x}`},
		{"HCL", `it's/a \"pass\"+wörd & <more>$${x}`},
		{"HTML", `it&#39;s/a &#34;pass&#34;+wörd &amp; &lt;more&gt;${x}`},
		{"a shell's trace", `it'\''s/a "pass"+wörd & <more>${x}`},
		{"a query", `it%27s%2Fa+%22pass%22%2Bw%C3%B6rd+%26+%3Cmore%3E%24%7Bx%7D`},
		{"a query in lower case", `it%27s%2fa+%22pass%22%2bw%c3%b6rd+%26+%3cmore%3e%24%7bx%7d`},
		{"a path of Go", `it%27s%2Fa%20%22pass%22+w%C3%B6rd%20&%20%3Cmore%3E$%7Bx%7D`},
		{"a path of others", `it%27s/a%20%22pass%22%2Bw%C3%B6rd%20%26%20%3Cmore%3E%24%7Bx%7D`},
		{"JavaScript", `it's%2Fa%20%22pass%22%2Bw%C3%B6rd%20%26%20%3Cmore%3E%24%7Bx%7D`},
	}
	var r redactor
	r.add(secret)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, want := r.text("<"+c.text+">"), "<(sensitive)>"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// base64 and openssl break long lines.
func TestRedactorWrappedBase64(t *testing.T) {
	secret := strings.Repeat("a license of many words, ", 12)
	encoded := base64.StdEncoding.EncodeToString([]byte(secret + "\n"))
	var r redactor
	r.add(secret)
	for _, width := range []int{64, 76} {
		var text strings.Builder
		for i := 0; i < len(encoded); i += width {
			text.WriteString(encoded[i:min(i+width, len(encoded))] + "\n")
		}
		want := strings.Repeat(redacted+"\n", strings.Count(text.String(), "\n"))
		if got := r.text(text.String()); got != want {
			t.Errorf("in lines of %d: got %q, want %q", width, got, want)
		}
	}
}

// Whatever cuts a message must not show a part of a secret.
func TestRedactorCut(t *testing.T) {
	var r redactor
	r.add("correct horse")
	cases := []struct{ in, want string }{
		{`"the word is correct ho...`, `"the word is (sensitive)...`},
		{"correct... and corr... and cor...", "(sensitive)... and (sensitive)... and cor..."},
		{"correct horse...", "(sensitive)..."},
	}
	for _, c := range cases {
		if got := r.text(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
	long := strings.Repeat("x", maxOperand-5) + "correct horse " + strings.Repeat("y", maxOperand-9)
	got := r.operands([]events.Operand{{Text: "probe.stdout", Value: long}})[0].Value
	if strings.Contains(got, "horse") || !strings.HasPrefix(got, "...nsitive) yyy") || len(got) != maxOperand+3 {
		t.Errorf("a long value: got %.40q of %d bytes, want its end without the secret", got, len(got))
	}
}

// Every text of every event must be redacted; addresses and kinds stay.
func TestRedactorKnowsEveryEvent(t *testing.T) {
	const secret = "very secret"
	var r redactor
	r.add(secret)
	raw := json.RawMessage(`"` + secret + `"`)
	failure := events.Failure{
		Message: secret, Hint: secret, Command: []string{secret}, Tail: []string{secret}, Condition: secret, Snippet: secret,
		Operands: []events.Operand{{Text: secret, Value: secret}}, Observed: []events.Operand{{Text: secret, Value: secret}},
	}
	list := []events.Event{
		events.RunStarted{Command: []string{secret}, Backends: []events.Backend{{Config: raw, Roles: map[string]json.RawMessage{"r": raw}}}},
		events.RunResumed{Variables: []events.Variable{{Name: "v", Value: raw}}},
		events.ResumePlanned{Again: []events.Rerun{{Address: "step.x", Reason: secret}}},
		events.BackendProgress{Line: secret},
		events.InstanceStarted{Description: secret},
		events.InstanceProgress{Line: secret},
		events.AttemptFailed{Failure: failure},
		events.SpanStarting{Config: raw},
		events.SpanHeld{Started: raw},
		events.SpanEnded{Message: secret},
		events.InstanceEnded{Failure: &failure, Outputs: raw, Reason: secret},
		events.Warning{Message: secret},
		events.RunCanceling{Cause: secret},
		events.CleanupFailed{Message: secret},
		events.RunEnded{Message: secret, Hint: secret, Outputs: map[string]json.RawMessage{"o": raw}},
	}
	for _, e := range list {
		text, err := json.Marshal(r.event(e))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) || !strings.Contains(string(text), redacted) {
			t.Errorf("%s: got %s", e.Kind(), text)
		}
	}
	if failure.Message != secret {
		t.Error("redaction changed the original")
	}
}
