// Package probe is the block with which `wait` and `assert` look at the world:
// its schema, what one try sees, and how tries follow each other.
package probe

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// Result is what one try saw.
type Result struct {
	// Err is why the probe does not hold by its own rule; nil when it holds.
	Err error
	// Unmet says that an expectation written in the block (status, body) is not
	// met: then no condition helps.
	Unmet bool

	stdout, stderr string
	code, status   *int
	body           *string
	headers        map[string]string
}

// Type is the type of the object `probe` in a condition.
var Type = cty.Object(map[string]cty.Type{
	"stdout": cty.String, "stderr": cty.String, "exit_code": cty.Number,
	"status": cty.Number, "body": cty.String, "headers": cty.Map(cty.String),
})

// Value returns the object `probe`; what the kind of probe does not have is
// null.
func (r Result) Value() cty.Value {
	headers := cty.NullVal(cty.Map(cty.String))
	if r.headers != nil {
		headers = cty.MapValEmpty(cty.String)
	}
	if len(r.headers) > 0 {
		values := make(map[string]cty.Value, len(r.headers))
		for name, v := range r.headers {
			values[name] = text(v)
		}
		headers = cty.MapVal(values)
	}
	body := cty.NullVal(cty.String)
	if r.body != nil {
		body = text(*r.body)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"stdout": text(r.stdout), "stderr": text(r.stderr), "exit_code": number(r.code),
		"status": number(r.status), "body": body, "headers": headers,
	})
}

func text(s string) cty.Value { return cty.StringVal(strings.ToValidUTF8(s, "\uFFFD")) }

func number(n *int) cty.Value {
	if n == nil {
		return cty.NullVal(cty.Number)
	}
	return cty.NumberIntVal(int64(*n))
}

// Observed lists what the try saw, for a message.
func (r Result) Observed() []schema.Operand {
	var seen []schema.Operand
	add := func(name, value string) {
		seen = append(seen, schema.Operand{Text: "probe." + name, Value: value})
	}
	if r.code != nil {
		add("exit_code", fmt.Sprint(*r.code))
		add("stdout", quoted(r.stdout))
	}
	if r.stderr != "" {
		add("stderr", quoted(r.stderr))
	}
	if r.status != nil {
		add("status", fmt.Sprint(*r.status))
	}
	if r.body != nil {
		add("body", quoted(*r.body))
	}
	return seen
}

// quoted shows all of a text on one line: whoever takes the secrets out of it
// makes it shorter.
func quoted(s string) string {
	return strconv.Quote(strings.ToValidUTF8(strings.TrimRight(s, "\n"), "\uFFFD"))
}

// Prober looks at the world as its block says.
type Prober struct {
	config  config
	every   time.Duration
	stable  time.Duration
	timeout time.Duration
	kind    kind
}

// kind is one way to look at the world.
type kind interface {
	// describe says what should be: `unit "etcd" is active`.
	describe() string
	try(ctx context.Context, at place) Result
}

// place is where a probe looks from.
type place struct {
	transport backends.Transport
	// tool says that it is the machine of the tool.
	tool bool
	// dir is the workflow's directory on the machine of the tool.
	dir string
}

// New makes a prober from a known block.
func New(block cty.Value) (*Prober, error) {
	p := &Prober{}
	if err := schema.Decode(block, &p.config); err != nil {
		return nil, fmt.Errorf("read the probe: %w", err)
	}
	for _, d := range []struct {
		from *string
		into *time.Duration
	}{{p.config.Every, &p.every}, {p.config.Stable, &p.stable}, {p.config.Timeout, &p.timeout}} {
		if d.from == nil {
			continue
		}
		var err error
		if *d.into, err = schema.ParseDuration(*d.from); err != nil {
			return nil, err
		}
	}
	var err error
	p.kind, err = p.config.kind()
	return p, err
}

// Describe says what the probe wants: `unit "etcd" is active`.
func (p *Prober) Describe() string { return p.kind.describe() }

// Try looks once, for at most the block's timeout.
func (p *Prober) Try(ctx context.Context, env steps.Env) Result {
	at, err := p.place(env)
	if err != nil {
		return Result{Err: err}
	}
	late := fmt.Errorf("no answer within %s, the timeout of one try", p.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, late)
	defer cancel()
	r := p.kind.try(ctx, at)
	if r.Err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), late) {
		r.Err = late
	}
	return r
}

// place is the block's node, else the step's, else the machine of the tool.
func (p *Prober) place(env steps.Env) (place, error) {
	if n := p.config.Node; n != cty.NilVal && !n.IsNull() {
		node, err := env.Machines.Node(n.GetAttr("cluster").AsString(), n.GetAttr("name").AsString())
		return place{transport: node.Transport}, err
	}
	if env.Node != nil {
		return place{transport: env.Node.Transport}, nil
	}
	return place{transport: env.Local, tool: true, dir: env.WorkflowDir}, nil
}
