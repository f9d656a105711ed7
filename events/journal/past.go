package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dcosflow/dcosflow/events"
)

// The bounds of Past: planning must not become slow because there is a past.
const (
	pastRuns  = 20
	pastLooks = 200     // journals of which the first line is read
	pastBytes = 8 << 20 // of the journals that are read to their ends
)

// Took is how long an instance took that succeeded.
type Took struct {
	Address, Type string
	Took          time.Duration
}

// Past reads how long the instances of a workflow took in its newest runs below
// a folder, at most 20. What cannot be read is passed over: the past is good to
// know and nothing hangs on it.
func Past(dir, workflow string) (runs int, all []Took) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, nil
	}
	left := int64(pastBytes)
	looks := 0
	for _, e := range slices.Backward(entries) { // ids sort by time
		if looks++; looks > pastLooks || runs == pastRuns || left <= 0 {
			break
		}
		found, size := past(filepath.Join(dir, e.Name(), Name), workflow, left)
		left -= size
		if len(found) > 0 {
			runs++
			all = append(all, found...)
		}
	}
	return runs, all
}

// past reads one journal, at most so many bytes, and says how many it read
// beyond the first line.
func past(path, workflow string, most int64) (found []Took, size int64) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, most))
	lines.Buffer(nil, int(most))
	var first events.Record
	if !lines.Scan() || first.UnmarshalJSON(lines.Bytes()) != nil {
		return nil, 0
	}
	if started, ok := first.Event.(events.RunStarted); !ok || started.Workflow != workflow {
		return nil, 0
	}
	for lines.Scan() {
		size += int64(len(lines.Bytes()))
		if t, ok := took(lines.Bytes()); ok {
			found = append(found, t)
		}
	}
	return found, size
}

var endedKind = []byte(`"kind":"` + events.InstanceEnded{}.Kind() + `"`)

// took reads one line. It decodes only what it needs, of the lines that have
// it: a journal of ten thousand instances is read in a tenth of a second.
func took(line []byte) (Took, bool) {
	if !bytes.Contains(line, endedKind) {
		return Took{}, false
	}
	var rec struct {
		Event struct {
			Address string        `json:"address"`
			Type    string        `json:"type"`
			State   events.State  `json:"state"`
			Took    time.Duration `json:"took_ns"`
		} `json:"event"`
	}
	if json.Unmarshal(line, &rec) != nil || rec.Event.State != events.Succeeded {
		return Took{}, false
	}
	return Took{rec.Event.Address, rec.Event.Type, rec.Event.Took}, true
}
