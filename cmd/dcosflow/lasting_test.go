package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/backends/fake"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// lasting is the fake backend whose clusters outlive the process: a directory
// says which there are.
type lasting struct {
	*fake.Backend
	dir string
	// marks is told of every node that is made.
	marks marks
}

// lastingType is the type `fake` with clusters in a directory.
func lastingType(dir string, m marks) backends.Type {
	t := fake.Type()
	create := t.New
	t.New = func(cfg backends.Config) (backends.Backend, error) {
		b, err := create(cfg)
		if err != nil {
			return nil, err
		}
		l := &lasting{Backend: b.(*fake.Backend), dir: dir, marks: m}
		return l, l.load()
	}
	return t
}

func (l *lasting) cluster(key backends.Key) string { return filepath.Join(l.dir, key.Run, key.Cluster) }

func (l *lasting) node(key backends.Key, name string) string {
	return filepath.Join(l.cluster(key), name+".node")
}

// load makes in memory what is in the directory.
func (l *lasting) load() error {
	specs, err := filepath.Glob(filepath.Join(l.dir, "*", "*", "spec"))
	for _, path := range specs {
		content, readErr := os.ReadFile(path)
		var spec backends.Spec
		if err = errors.Join(err, readErr, json.Unmarshal(content, &spec)); err != nil {
			return err
		}
		if _, err := l.Backend.Allocate(context.Background(), spec); err != nil {
			return err
		}
		for _, n := range spec.Nodes() {
			if _, missing := os.Stat(l.node(spec.Key, n.Name)); missing != nil {
				continue
			}
			if _, err := l.Backend.Create(context.Background(), spec, n.Name); err != nil {
				return err
			}
		}
	}
	return err
}

func (l *lasting) Allocate(ctx context.Context, spec backends.Spec) ([]backends.Node, error) {
	content, err := json.Marshal(spec)
	if err == nil {
		err = os.MkdirAll(l.cluster(spec.Key), 0o755)
	}
	if err == nil {
		err = replace(filepath.Join(l.cluster(spec.Key), "spec"), content)
	}
	if err != nil {
		return nil, err
	}
	return l.Backend.Allocate(ctx, spec)
}

func (l *lasting) Create(ctx context.Context, spec backends.Spec, node string) (backends.Boot, error) {
	boot, err := l.Backend.Create(ctx, spec, node)
	if err != nil {
		return boot, err
	}
	path := l.node(spec.Key, node)
	if _, missing := os.Stat(path); missing == nil {
		return boot, nil
	}
	if err := l.marks.add(fmt.Sprintf("provision.%s[%q]", spec.Cluster, node)); err != nil {
		return boot, err
	}
	return boot, replace(path, nil)
}

func (l *lasting) Discard(ctx context.Context, key backends.Key, node string) error {
	if err := os.Remove(l.node(key, node)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.Backend.Discard(ctx, key, node)
}

func (l *lasting) Delete(ctx context.Context, key backends.Key) error {
	if err := os.RemoveAll(l.cluster(key)); err != nil {
		return err
	}
	return l.Backend.Delete(ctx, key)
}

// replace writes a file in one step.
func replace(path string, content []byte) error {
	draft := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(draft, content, 0o644); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

// marks is a file with a line for everything that was done.
type marks string

func (m marks) add(line string) error {
	f, err := os.OpenFile(string(m), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// markType is the step type `mark`: it leaves its address in a file and takes
// a while.
func markType(m marks) steps.Type {
	return steps.Type{
		Name: "mark", Doc: "Leaves its address in a file.", Placement: steps.MayHaveNode,
		Schema: schema.Block{Attributes: []schema.Attribute{
			{Name: "value", Type: cty.String, Default: cty.StringVal("")},
			{Name: "took", Kind: schema.Duration, Default: cty.StringVal("4ms")},
		}},
		Outputs: []schema.Output{{Name: "value", Type: cty.String}, {Name: "secret", Type: cty.String, Sensitive: true}},
		New: func(cfg cty.Value) (steps.Step, error) {
			took, err := schema.ParseDuration(cfg.GetAttr("took").AsString())
			return mark{marks: m, value: cfg.GetAttr("value").AsString(), took: took}, err
		},
	}
}

type mark struct {
	marks marks
	value string
	took  time.Duration
}

func (s mark) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	if err := s.marks.add(env.Address); err != nil {
		return cty.NilVal, err
	}
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
		return cty.NilVal, context.Cause(ctx)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"value": cty.StringVal(s.value), "secret": cty.StringVal("secret of " + env.Address),
	}), nil
}
