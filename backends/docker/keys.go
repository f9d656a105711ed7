package docker

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/filelock"
)

// The files below Dir/keys: the run's key pair, one host key per node, and
// known_hosts, so that host keys can be checked strictly from the first login.
const (
	keyFile   = "id_ed25519"
	knownFile = "known_hosts"
)

func keysDir(spec backends.Spec) string { return filepath.Join(spec.Dir, "keys") }

func hostKeyFile(spec backends.Spec, node string) string {
	return filepath.Join(keysDir(spec), "hosts", spec.Cluster, node)
}

// makeKeys makes what is missing of the keys of a cluster. The run's own pair is
// that of all its clusters, also of other backends.
func makeKeys(ctx context.Context, spec backends.Spec, nodes []backends.Node) error {
	if err := os.MkdirAll(keysDir(spec), 0o700); err != nil {
		return err
	}
	unlock, err := filelock.Lock(ctx, filepath.Join(keysDir(spec), ".lock"), nil)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := keyPair(filepath.Join(keysDir(spec), keyFile), "dcosflow-"+spec.Run); err != nil {
		return err
	}
	var known strings.Builder
	for _, n := range nodes {
		public, err := keyPair(hostKeyFile(spec, n.Name), n.Hostname)
		if err != nil {
			return err
		}
		fmt.Fprintf(&known, "%s %s\n", n.Private, strings.TrimSpace(public))
	}
	return addKnown(filepath.Join(keysDir(spec), knownFile), known.String())
}

// keyPair makes an ed25519 key pair in file and file.pub, unless it is there,
// and returns the public half as in authorized_keys.
func keyPair(file, comment string) (string, error) {
	public, err := os.ReadFile(file + ".pub")
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return string(public), err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return "", err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s %s\n", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), comment)
	// The public half comes last: its presence says that both are whole.
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return "", err
	}
	return line, os.WriteFile(file+".pub", []byte(line), 0o644)
}

func addKnown(file, lines string) error {
	present, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.Contains(string(present), lines) {
		return nil
	}
	return os.WriteFile(file, append(present, lines...), 0o644)
}

// nodeKeys are the files that a node has before it boots.
func nodeKeys(spec backends.Spec, node string) ([]file, error) {
	authorized, err := os.ReadFile(filepath.Join(keysDir(spec), keyFile+".pub"))
	if err != nil {
		return nil, err
	}
	private, err := os.ReadFile(hostKeyFile(spec, node))
	if err != nil {
		return nil, err
	}
	public, err := os.ReadFile(hostKeyFile(spec, node) + ".pub")
	if err != nil {
		return nil, err
	}
	return []file{
		{name: "root/.ssh/authorized_keys", mode: 0o600, content: authorized},
		{name: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, content: private},
		{name: "etc/ssh/ssh_host_ed25519_key.pub", mode: 0o644, content: public},
	}, nil
}
