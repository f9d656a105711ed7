package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/dcosflow/dcosflow/events"
)

// redacted stands where a secret was.
const redacted = "(sensitive)"

// redactor takes secrets out of everything that is published or kept: as they
// are, line by line, in base64 at any alignment, and escaped in many ways. It
// may be used concurrently; the zero value knows no secret.
type redactor struct {
	mu    sync.RWMutex
	known map[string]bool // the secrets themselves
	forms blotter
}

// add makes more values secret.
func (r *redactor) add(secrets ...string) {
	if len(secrets) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]bool{}
	}
	for _, secret := range secrets {
		if r.known[secret] {
			continue
		}
		r.known[secret] = true
		for _, form := range formsOf(secret) {
			r.forms.add(form)
		}
	}
}

// text redacts a text, and secrets that were cut off where it has "...".
func (r *redactor) text(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.forms.empty() {
		return s
	}
	data := []byte(s)
	found, _ := r.forms.find(data)
	found = append(found, r.forms.cut(data)...)
	if len(found) == 0 {
		return s
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	out, _ := blot(nil, data, found, 0, len(data))
	return string(out)
}

// shown redacts a text that people see, without what harms a terminal. That
// goes first: a colour may split a secret.
func (r *redactor) shown(s string) string { return r.text(printable(s)) }

// next passes on a stream of bytes; see blotted.
func (r *redactor) next(s *blotted, data []byte, final bool) []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return s.next(&r.forms, data, final)
}

// touches says whether something would be taken out.
func (r *redactor) touches(raw json.RawMessage) bool { return r.text(string(raw)) != string(raw) }

func (r *redactor) texts(list []string) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i] = r.shown(out[i])
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
	f.Message, f.Hint = r.shown(f.Message), r.shown(f.Hint)
	f.Command, f.Tail = r.texts(f.Command), r.texts(f.Tail)
	f.Condition, f.Snippet = r.shown(f.Condition), r.shown(f.Snippet)
	f.Operands, f.Observed = r.operands(f.Operands), r.operands(f.Observed)
	return f
}

func (r *redactor) operands(list []events.Operand) []events.Operand {
	out := slices.Clone(list)
	for i := range out {
		out[i].Text, out[i].Value = r.shown(out[i].Text), shorten(r.shown(out[i].Value))
	}
	return out
}

// maxOperand is how much of a value a failure shows.
const maxOperand = 1000

// shorten keeps the end of a long value: that is where the reason stands. It is
// cut here, and not where it is observed, so that no secret is cut in two.
func shorten(value string) string {
	if len(value) <= maxOperand {
		return value
	}
	return "..." + strings.ToValidUTF8(value[len(value)-maxOperand:], "")
}

// event redacts what is free text in an event; names and addresses stay, so
// that the events still belong together.
func (r *redactor) event(e events.Event) events.Event {
	switch e := e.(type) {
	case events.RunStarted:
		return r.started(e)
	case events.RunResumed:
		return events.RunResumed(r.started(events.RunStarted(e)))
	case events.ResumePlanned:
		e.Again = slices.Clone(e.Again)
		for i := range e.Again {
			e.Again[i].Reason = r.shown(e.Again[i].Reason)
		}
		return e
	case events.BackendProgress:
		e.Line = r.shown(e.Line)
		return e
	case events.InstanceStarted:
		e.Description = r.shown(e.Description)
		return e
	case events.InstanceProgress:
		e.Line = r.shown(e.Line)
		return e
	case events.SpanStarting:
		e.Config = r.json(e.Config)
		return e
	case events.SpanHeld:
		e.Started = r.json(e.Started)
		return e
	case events.SpanEnded:
		e.Message = r.shown(e.Message)
		return e
	case events.AttemptFailed:
		e.Failure = r.failure(e.Failure)
		return e
	case events.InstanceEnded:
		return r.ended(e)
	case events.Warning:
		e.Message = r.shown(e.Message)
		return e
	case events.RunCanceling:
		e.Cause = r.shown(e.Cause)
		return e
	case events.CleanupFailed:
		e.Message = r.shown(e.Message)
		return e
	case events.RunEnded:
		e.Message, e.Hint = r.shown(e.Message), r.shown(e.Hint)
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
	e.Reason, e.Outputs = r.shown(e.Reason), r.json(e.Outputs)
	if e.Failure != nil {
		clean := r.failure(*e.Failure)
		e.Failure = &clean
	}
	return e
}
