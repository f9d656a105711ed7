package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/steps"
)

// httpKind makes a GET request, from the tool's own process or with the node's
// curl.
type httpKind struct {
	httpConfig
	want *regexp.Regexp
}

func newHTTP(c *httpConfig) (kind, error) {
	k := httpKind{httpConfig: *c}
	if c.Body == nil {
		return k, nil
	}
	var err error
	if k.want, err = regexp.Compile(*c.Body); err != nil {
		return nil, fmt.Errorf("http.body: %w", err)
	}
	return k, nil
}

func (k httpKind) describe() string {
	s := fmt.Sprintf("GET %s answers with status ", k.URL)
	if k.Status != nil {
		s += fmt.Sprint(*k.Status)
	} else {
		s += "200-299"
	}
	if k.Body != nil {
		s += fmt.Sprintf(" and a body that matches %q", *k.Body)
	}
	return s
}

func (k httpKind) try(ctx context.Context, at place) Result {
	ca, err := k.authorities()
	if err != nil {
		return Result{Err: err}
	}
	if !at.tool {
		return k.fromNode(ctx, at, ca)
	}
	return k.fromTool(ctx, ca)
}

func (k httpKind) authorities() ([]byte, error) {
	if k.CA == nil {
		return nil, nil
	}
	return os.ReadFile(*k.CA)
}

func (k httpKind) fromTool(ctx context.Context, ca []byte) Result {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.URL, nil)
	if err != nil {
		return Result{Err: err}
	}
	for name, value := range k.Headers {
		request.Header.Set(name, value)
		if strings.EqualFold(name, "host") {
			request.Host = value
		}
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if ca != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(ca) {
			return Result{Err: fmt.Errorf("%s has no certificate in PEM form", *k.CA)}
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	response, err := client.Do(request)
	if err != nil {
		return Result{Err: err}
	}
	return k.judge(response)
}

// withAuthorities hands the PEM text to curl as a file that does not exist.
const withAuthorities = `exec curl --cacert <(printf %s "$DCOSFLOW_CA") --config -`

// fromNode lets curl print the response as it came, so that one reader serves
// both ways.
func (k httpKind) fromNode(ctx context.Context, at place, ca []byte) Result {
	cmd := backends.Command{Args: []string{"curl", "--config", "-"}, Stdin: strings.NewReader(k.curlConfig())}
	if ca != nil {
		cmd.Args = []string{"bash", "-c", withAuthorities}
		cmd.Env = map[string]string{"DCOSFLOW_CA": string(ca)}
	}
	r := execute(ctx, at, cmd)
	if r.Err != nil {
		var exit *backends.ExitError
		if errors.As(r.Err, &exit) && r.stderr != "" {
			// The rest of curl's message is advice for a person at a terminal.
			reason, _, _ := strings.Cut(strings.TrimSpace(r.stderr), "\n")
			r.Err = errors.New(reason)
		}
		return Result{Err: r.Err, stderr: r.stderr}
	}
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(r.stdout)), nil)
	if err != nil {
		return Result{Err: fmt.Errorf("read the response of %s: %w", k.URL, err)}
	}
	return k.judge(response)
}

func (k httpKind) curlConfig() string {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	var b strings.Builder
	b.WriteString("silent\nshow-error\ninclude\nraw\nhttp1.1\ngloboff\nnoproxy = \"*\"\n")
	fmt.Fprintf(&b, "url = \"%s\"\n", quote.Replace(k.URL))
	for _, name := range slices.Sorted(maps.Keys(k.Headers)) {
		fmt.Fprintf(&b, "header = \"%s\"\n", quote.Replace(name+": "+k.Headers[name]))
	}
	return b.String()
}

// judge reads the response and compares it with what is wanted.
func (k httpKind) judge(response *http.Response) Result {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, steps.CaptureLimit))
	content := string(body)
	r := Result{status: &response.StatusCode, body: &content, headers: map[string]string{}}
	for name, values := range response.Header {
		r.headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	code := response.StatusCode
	switch {
	case err != nil:
		r.Err = fmt.Errorf("read the body of %s: %w", k.URL, err)
	case k.Status != nil && code != *k.Status:
		r.Unmet, r.Err = true, fmt.Errorf("status %d, not %d", code, *k.Status)
	case k.want != nil && !k.want.Match(body):
		r.Unmet, r.Err = true, errors.New("the body does not match")
	case k.Status == nil && (code < 200 || code > 299):
		r.Err = fmt.Errorf("status %d", code)
	}
	return r
}
