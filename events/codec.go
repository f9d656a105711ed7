package events

import (
	"encoding/json"
	"fmt"
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
func (r Record) MarshalJSON() ([]byte, error) {
	if r.Event == nil {
		return nil, fmt.Errorf("encode record %d: it has no event", r.Seq)
	}
	raw, err := content(r.Event)
	if err != nil {
		return nil, fmt.Errorf("encode record %d, %s: %w", r.Seq, r.Event.Kind(), err)
	}
	return json.Marshal(line{Seq: r.Seq, Time: r.Time.UTC(), Kind: r.Event.Kind(), Event: raw})
}

func content(e Event) (json.RawMessage, error) {
	if u, ok := e.(Unknown); ok {
		return u.Raw, nil
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
