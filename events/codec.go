package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// line is a record in the journal.
type line struct {
	Seq   int64           `json:"seq"`
	Time  time.Time       `json:"time"`
	Kind  string          `json:"kind"`
	Event json.RawMessage `json:"event"`
}

// MarshalJSON writes {"seq", "time", "kind", "event"} on one line.
func (r Record) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil) }

// AppendJSON appends what MarshalJSON writes. It is the faster of the two: a
// json.Marshaler has its text checked and copied once more.
func (r Record) AppendJSON(to []byte) ([]byte, error) {
	if r.Event == nil {
		return nil, fmt.Errorf("encode record %d: it has no event", r.Seq)
	}
	kind, err := json.Marshal(r.Event.Kind())
	event, bad := content(r.Event)
	text := append(to, `{"seq":`...)
	text = strconv.AppendInt(text, r.Seq, 10)
	text = append(text, `,"time":"`...)
	text, late := r.Time.UTC().AppendText(text)
	if err := errors.Join(err, bad, late); err != nil {
		return nil, fmt.Errorf("encode record %d, %s: %w", r.Seq, r.Event.Kind(), err)
	}
	text = append(append(text, `","kind":`...), kind...)
	text = append(append(text, `,"event":`...), event...)
	return append(text, '}'), nil
}

func content(e Event) ([]byte, error) {
	if u, ok := e.(Unknown); ok {
		return json.Marshal(u.Raw)
	}
	return json.Marshal(e)
}

// UnmarshalJSON reads what MarshalJSON wrote. An event of an unknown kind
// becomes Unknown; unknown fields of a known one are ignored.
func (r *Record) UnmarshalJSON(data []byte) error {
	var l line
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	if l.Kind == "" {
		return fmt.Errorf("decode record %d: it has no kind", l.Seq)
	}
	event, err := decodeContent(l)
	if err != nil {
		return fmt.Errorf("decode record %d, %s: %w", l.Seq, l.Kind, err)
	}
	*r = Record{Seq: l.Seq, Time: l.Time, Event: event}
	return nil
}

func decodeContent(l line) (Event, error) {
	known, ok := decoders[l.Kind]
	if !ok {
		return Unknown{Name: l.Kind, Raw: l.Event}, nil
	}
	if len(l.Event) == 0 {
		return nil, fmt.Errorf("it has no content")
	}
	return known(l.Event)
}
