package acceptance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// probeFailures are the steps of the workflow and what each says when what it
// looks for is not there.
var probeFailures = []struct {
	step string
	says []string
}{
	{"command", []string{`exit code 3`, `probe.stdout = "out"`, `probe.stderr = "err"`}},
	{"script", []string{"the script succeeds", "exit code 1"}},
	{"tcp", []string{"tcp 127.0.0.1:9 accepts connections", "connection refused"}},
	{"tcp_from_tool", []string{":9 accepts connections", "connection refused"}},
	{"unit", []string{`unit "no-such-unit" is active`, "it is inactive"}},
	{"file", []string{`file "/srv/pem/none" exists`, "it does not exist"}},
	{"log", []string{`the journal of unit "web" has a line that matches "no such line"`, "no line matches"}},
	{"http", []string{"the page has status 200", "probe.status = 200"}},
	{"http_from_tool", []string{"/none answers with status 200-299", "status 404", "probe.status = 404"}},
	{"hold", []string{"it did not hold for 2s", "exit code 1", "tried 2 times"}},
}

// TestProbes looks with every probe at a real node: each holds, and each fails
// with its reason when what it looks for is not there.
func TestProbes(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.pass("run", testdata(t, "probes/probes.hcl"), "--var", "dir="+s.certificate())

	t.Run("control", func(t *testing.T) {
		s := newSandbox(t)
		var broken []string
		for _, f := range probeFailures {
			broken = append(broken, fmt.Sprintf("%q", f.step))
		}
		r := s.want(stepFailed, "run", testdata(t, "probes/probes.hcl"), "--var", "dir="+s.certificate(), "--var", "broken=["+strings.Join(broken, ",")+"]")
		for _, f := range probeFailures {
			r.says(t, append(f.says, "step."+f.step)...)
		}
	})
}

// certificate makes a folder with the certificate and the key of a server
// called localhost.
func (s *sandbox) certificate() string {
	s.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.Mkdir(s.path("pem"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.write("pem/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	s.write("pem/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	return s.path("pem")
}
