package engine

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/dcosflow/dcosflow/dag"
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
		events.BackendProgress{Line: secret},
		events.InstanceStarted{Description: secret},
		events.InstanceProgress{Line: secret},
		events.AttemptFailed{Failure: failure},
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

func TestLogFolder(t *testing.T) {
	long := strings.Repeat("x", 300)
	cases := []struct{ id, want string }{
		{"step.check", "logs/step.check"},
		{`step.check["member-0"]`, "logs/step.check.member-0"},
		{`step.check["a/../b c"]`, "logs/step.check.a%2F..%2Fb%20c"},
		{`step.check["100%"]`, "logs/step.check.100%25"},
		{`step.check["größe"]`, "logs/step.check.gr%C3%B6%C3%9Fe"},
	}
	for _, c := range cases {
		if got := logFolder(dag.ID(c.id)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.id, got, c.want)
		}
	}
	one, other := logFolder(dag.ID(`step.x["`+long+`1"]`)), logFolder(dag.ID(`step.x["`+long+`2"]`))
	if one == other || len(one) > 200 {
		t.Errorf("long keys: got %q and %q, want two short names", one, other)
	}
}
