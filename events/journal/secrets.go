package journal

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// secretsName is the name of the secrets in the folder of a run.
const secretsName = "secrets.json"

// Secrets are what a run must remember and its journal must not hold: the key
// of its fingerprints, secret variables, and outputs as they were before
// anything was taken out. They lie in one file that only its owner can read.
// Secrets are safe for concurrent use.
type Secrets struct {
	path string

	mu   sync.Mutex
	kept kept
}

// kept is the content of the file. Values are JSON with type.
type kept struct {
	Key       []byte                     `json:"key"`
	Variables map[string]json.RawMessage `json:"variables"`
	Outputs   map[string]json.RawMessage `json:"outputs"`
}

// keySize is that of HMAC-SHA256.
const keySize = 32

// OpenSecrets opens the secrets of a run, or makes them with a new key. The
// run's lock must be held.
func OpenSecrets(dir string) (*Secrets, error) {
	s := &Secrets{
		path: filepath.Join(dir, secretsName),
		kept: kept{Variables: map[string]json.RawMessage{}, Outputs: map[string]json.RawMessage{}},
	}
	content, err := os.ReadFile(s.path)
	if err == nil {
		err = json.Unmarshal(content, &s.kept)
		if err == nil && len(s.kept.Key) != keySize {
			err = errors.New("its key is damaged")
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		s.kept.Key = make([]byte, keySize)
		if _, err = rand.Read(s.kept.Key); err == nil {
			err = s.save()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.path, err)
	}
	return s, nil
}

// Key is the key of the run's fingerprints.
func (s *Secrets) Key() []byte { return s.kept.Key }

// Variables returns the secret values of variables.
func (s *Secrets) Variables() map[string]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept.Variables
}

// Output returns the outputs of an instance; false when it has no secret ones.
func (s *Secrets) Output(address string) (json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, ok := s.kept.Outputs[address]
	return raw, ok
}

// KeepVariables replaces the secret values of variables. They are on the disk
// when it returns.
func (s *Secrets) KeepVariables(values map[string]json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Variables = values
	return s.save()
}

// KeepOutput remembers the outputs of an instance. They are on the disk when it
// returns.
func (s *Secrets) KeepOutput(address string, outputs json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Outputs[address] = outputs
	return s.save()
}

// save replaces the file in one step, so that it is whole at any moment.
func (s *Secrets) save() error {
	content, err := json.Marshal(s.kept)
	if err != nil {
		return err
	}
	draft, err := os.OpenFile(s.path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = draft.Write(content)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), s.path)
}
