package probe

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps/dcos"
)

type config struct {
	Command []string    `cty:"command"`
	Script  *string     `cty:"script"`
	HTTP    *httpConfig `cty:"http"`
	TCP     *string     `cty:"tcp"`
	Unit    *string     `cty:"unit"`
	File    *string     `cty:"file"`
	DCOS    *string     `cty:"dcos"`
	Log     *logConfig  `cty:"log"`
	Node    cty.Value   `cty:"node"`
	Every   *string     `cty:"every"`
	Stable  *string     `cty:"stable"`
	Timeout *string     `cty:"timeout"`
}

type httpConfig struct {
	URL     string            `cty:"url"`
	Status  *int              `cty:"status"`
	Body    *string           `cty:"body"`
	Headers map[string]string `cty:"headers"`
	CA      *string           `cty:"ca"`
}

type logConfig struct {
	Match string  `cty:"match"`
	Unit  *string `cty:"unit"`
	File  *string `cty:"file"`
}

// Block returns the schema of `until` and `probe`.
func Block() schema.Block {
	return schema.Block{
		OneOf: [][]string{{"command", "script", "http", "tcp", "unit", "file", "log", "dcos"}},
		Attributes: []schema.Attribute{
			{Name: "command", Public: true, Type: cty.List(cty.String), Doc: "Program and arguments, taken literally. Holds when it exits with 0."},
			{Name: "script", Type: cty.String, Doc: "Text of a script for `/bin/sh -e`. Holds when it exits with 0."},
			{Name: "tcp", Public: true, Type: cty.String, Doc: "`host:port`. Holds when a connection is accepted."},
			{Name: "unit", Public: true, Type: cty.String, Doc: "A systemd unit. Holds when it is active; `probe.stdout` is its state."},
			{Name: "file", Public: true, Type: cty.String, Doc: "Absolute path. Holds when it exists; `probe.stdout` is the beginning of a regular file, at most 64 KiB."},
			{Name: "dcos", Type: cty.String, Values: []string{"node", "cluster"}, Doc: "What DC/OS says of this node's own components, or of the cluster as this node sees it, by the health tool of the installed version."},
			{Name: "node", Kind: schema.Node, Live: true, Doc: "Where to look from. Default: the node of the step, else the machine of the tool."},
			{Name: "every", Kind: schema.Duration, Doc: "Pause between tries. Default: 250 ms, growing to 2 s."},
			{Name: "stable", Kind: schema.Duration, Doc: "How long it must hold without a break. Default: one try is enough."},
			{Name: "timeout", Kind: schema.Duration, Default: cty.StringVal("30s"), Doc: "Limit of one try."},
		},
		Blocks: []schema.Nested{
			{Name: "http", Max: 1, Block: httpBlock(), Doc: "A GET request; redirects are not followed. From a node, the node's `curl` makes it. " +
				"Holds when the status is as wanted and the body matches."},
			{Name: "log", Max: 1, Block: logBlock(), Doc: "Lines of a log. Holds when one matches; `probe.stdout` has the last 20 that do."},
		},
		Check: check,
	}
}

func httpBlock() schema.Block {
	return schema.Block{Attributes: []schema.Attribute{
		{Name: "url", Type: cty.String, Required: true, Doc: "An `http` or `https` address."},
		{Name: "status", Type: cty.Number, Doc: "The status wanted. Default: any from 200 to 299."},
		{Name: "body", Type: cty.String, Doc: "Regular expression (RE2) that matches a part of the body."},
		{Name: "headers", Type: cty.Map(cty.String), Doc: "Headers of the request. They are on no command line."},
		{Name: "ca", Kind: schema.Path, Doc: "PEM file of the certificate authorities to trust instead of the machine's own."},
	}}
}

func logBlock() schema.Block {
	return schema.Block{
		OneOf: [][]string{{"unit", "file"}},
		Attributes: []schema.Attribute{
			{Name: "match", Public: true, Type: cty.String, Required: true, Doc: "Extended regular expression, as of `grep -E`."},
			{Name: "unit", Public: true, Type: cty.String, Doc: "A systemd unit; its journal since boot is searched."},
			{Name: "file", Public: true, Type: cty.String, Doc: "Absolute path of a log file."},
		},
	}
}

// kind picks the one that is written.
func (c *config) kind() (kind, error) {
	switch {
	case c.Command != nil:
		return commandKind{args: c.Command}, nil
	case c.Script != nil:
		return scriptKind{text: *c.Script}, nil
	case c.TCP != nil:
		return newTCP(*c.TCP)
	case c.Unit != nil:
		return unitKind{unit: *c.Unit}, nil
	case c.File != nil:
		return fileKind{path: *c.File}, nil
	case c.DCOS != nil:
		return dcosKind{scope: dcos.HealthScope(*c.DCOS)}, nil
	case c.Log != nil:
		return newLog(c.Log), nil
	case c.HTTP != nil:
		return newHTTP(c.HTTP)
	}
	return nil, errors.New("a probe needs one of command, script, http, tcp, unit, file, log, dcos")
}

// check finds what types cannot: empty commands, addresses without a port.
func check(cfg cty.Value) []schema.Problem {
	var problems []schema.Problem
	add := func(attribute, summary, detail string) {
		problems = append(problems, schema.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if v := cfg.GetAttr("command"); v.IsKnown() && !v.IsNull() && v.LengthInt() == 0 {
		add("command", "Empty command", "The first element is the program to run.")
	}
	if s, ok := known(cfg.GetAttr("tcp")); ok {
		if _, err := newTCP(s); err != nil {
			add("tcp", "Not an address", err.Error()+".")
		}
	}
	if s, ok := known(cfg.GetAttr("file")); ok && (s == "" || s[0] != '/') {
		add("file", "Path is not absolute", fmt.Sprintf("%q has no fixed meaning on a machine. Write a path that starts with /.", s))
	}
	if v := cfg.GetAttr("http"); v.IsKnown() && !v.IsNull() {
		if s, ok := known(v.GetAttr("url")); ok {
			if err := checkURL(s); err != nil {
				add("http.url", "Not a web address", err.Error()+".")
			}
		}
		if s, ok := known(v.GetAttr("body")); ok {
			if _, err := regexp.Compile(s); err != nil {
				add("http.body", "Not a regular expression", err.Error()+".")
			}
		}
	}
	if v := cfg.GetAttr("timeout"); isZeroDuration(v) {
		add("timeout", "No time for a try", "Write a limit such as \"30s\", or leave it out.")
	}
	return problems
}

func known(v cty.Value) (string, bool) {
	if v.IsNull() || !v.IsKnown() {
		return "", false
	}
	return v.AsString(), true
}

func isZeroDuration(v cty.Value) bool {
	s, ok := known(v)
	if !ok {
		return false
	}
	d, err := schema.ParseDuration(s)
	return err == nil && d == 0
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%q is no http or https address with a host", s)
	}
	return nil
}

func newTCP(address string) (kind, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return nil, fmt.Errorf("%q is not host:port, such as \"10.0.0.1:2379\"", address)
	}
	return tcpKind{host: host, port: port}, nil
}
