package engine

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/dcosflow/dcosflow/events"
)

// redacted stands where a secret was.
const redacted = "(sensitive)"

// The shortest secret, line of a secret and encoded secret that are looked
// for: what is shorter would blot out half of every report.
const (
	minSecret  = 3
	minLine    = 8
	minEncoded = 6
)

// redactor takes secrets out of everything that is published: as they are,
// line by line, in base64 at any alignment, and escaped for JSON and URLs.
type redactor struct {
	mu       sync.RWMutex
	known    map[string]bool // the secrets themselves
	forms    map[string]bool
	replacer *strings.Replacer
}

// add makes more values secret.
func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known, r.forms = map[string]bool{}, map[string]bool{}
	}
	before := len(r.known)
	for _, secret := range secrets {
		if r.known[secret] {
			continue
		}
		r.known[secret] = true
		for _, form := range formsOf(secret) {
			r.forms[form] = true
		}
	}
	if len(r.known) > before {
		r.replacer = replacerOf(r.forms)
	}
}

// replacerOf prefers the longest form, so that no tail of a secret stays.
func replacerOf(forms map[string]bool) *strings.Replacer {
	sorted := make([]string, 0, len(forms))
	for form := range forms {
		sorted = append(sorted, form)
	}
	slices.SortFunc(sorted, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(sorted))
	for _, form := range sorted {
		pairs = append(pairs, form, redacted)
	}
	return strings.NewReplacer(pairs...)
}

func formsOf(secret string) []string {
	secret = strings.TrimRight(secret, "\r\n")
	if len(secret) < minSecret {
		return nil
	}
	forms := encodings(secret)
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= minLine {
			forms = append(forms, encodings(line)...)
		}
	}
	return forms
}

func encodings(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string can always be encoded
	forms := []string{secret, string(quoted[1 : len(quoted)-1]), url.QueryEscape(secret), url.PathEscape(secret)}
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			if inner := aligned(alphabet, secret, offset); len(inner) >= minEncoded {
				forms = append(forms, inner)
			}
		}
	}
	return forms
}

// aligned returns the characters that a secret has in base64 when it starts
// offset bytes into a group of three, whatever stands around it: "user:secret"
// is encoded as one.
func aligned(alphabet *base64.Encoding, secret string, offset int) string {
	encoded := alphabet.EncodeToString(append(make([]byte, offset), secret...))
	first := (offset*8 + 5) / 6
	last := (offset + len(secret)) * 8 / 6
	return encoded[first:last]
}

func (r *redactor) text(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// touches says whether something would be taken out.
func (r *redactor) touches(raw json.RawMessage) bool { return r.text(string(raw)) != string(raw) }

func (r *redactor) texts(list []string) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i] = r.text(out[i])
	}
	return out
}

// json redacts the strings of a JSON value, not its text: a short secret must
// not break the syntax.
func (r *redactor) json(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || !r.touches(raw) {
		return raw
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return json.RawMessage(`"` + redacted + `"`)
	}
	clean, _ := json.Marshal(r.value(value)) // it came from JSON
	return clean
}

func (r *redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case json.Number:
		if s := v.String(); r.text(s) != s {
			return redacted
		}
	case []any:
		for i := range v {
			v[i] = r.value(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for key, member := range v {
			clean[r.text(key)] = r.value(member)
		}
		return clean
	}
	return v
}

func (r *redactor) failure(f events.Failure) events.Failure {
	f.Message, f.Hint = r.text(f.Message), r.text(f.Hint)
	f.Command, f.Tail = r.texts(f.Command), r.texts(f.Tail)
	f.Condition, f.Snippet = r.text(f.Condition), r.text(f.Snippet)
	f.Operands, f.Observed = r.operands(f.Operands), r.operands(f.Observed)
	return f
}

func (r *redactor) operands(list []events.Operand) []events.Operand {
	out := slices.Clone(list)
	for i := range out {
		out[i].Text, out[i].Value = r.text(out[i].Text), r.text(out[i].Value)
	}
	return out
}

// event redacts what is free text in an event; names and addresses stay, so
// that the events still belong together.
func (r *redactor) event(e events.Event) events.Event {
	switch e := e.(type) {
	case events.RunStarted:
		return r.started(e)
	case events.RunResumed:
		return events.RunResumed(r.started(events.RunStarted(e)))
	case events.BackendProgress:
		e.Line = r.text(e.Line)
		return e
	case events.InstanceStarted:
		e.Description = r.text(e.Description)
		return e
	case events.InstanceProgress:
		e.Line = r.text(e.Line)
		return e
	case events.AttemptFailed:
		e.Failure = r.failure(e.Failure)
		return e
	case events.InstanceEnded:
		return r.ended(e)
	case events.Warning:
		e.Message = r.text(e.Message)
		return e
	case events.RunCanceling:
		e.Cause = r.text(e.Cause)
		return e
	case events.CleanupFailed:
		e.Message = r.text(e.Message)
		return e
	case events.RunEnded:
		e.Message, e.Hint = r.text(e.Message), r.text(e.Hint)
		e.Outputs = r.members(e.Outputs)
		return e
	}
	return e
}

func (r *redactor) started(e events.RunStarted) events.RunStarted {
	e.Command = r.texts(e.Command)
	e.Backends = slices.Clone(e.Backends)
	for i, b := range e.Backends {
		e.Backends[i].Config = r.json(b.Config)
		e.Backends[i].Roles = r.members(b.Roles)
	}
	e.Variables = slices.Clone(e.Variables)
	for i, v := range e.Variables {
		e.Variables[i].Value = r.json(v.Value)
	}
	return e
}

func (r *redactor) members(object map[string]json.RawMessage) map[string]json.RawMessage {
	if object == nil {
		return nil
	}
	clean := make(map[string]json.RawMessage, len(object))
	for name, value := range object {
		clean[name] = r.json(value)
	}
	return clean
}

func (r *redactor) ended(e events.InstanceEnded) events.InstanceEnded {
	e.Reason, e.Outputs = r.text(e.Reason), r.json(e.Outputs)
	if e.Failure != nil {
		clean := r.failure(*e.Failure)
		e.Failure = &clean
	}
	return e
}
