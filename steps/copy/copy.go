package copy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"github.com/dcosflow/dcosflow/backends"
	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

type config struct {
	Source      *string `cty:"source"`
	Content     *string `cty:"content"`
	Destination string  `cty:"destination"`
	Mode        *string `cty:"mode"`
	Owner       *string `cty:"owner"`
}

type step struct{ config }

var _ steps.Step = (*step)(nil)

func newStep(cfg cty.Value) (steps.Step, error) {
	s := &step{}
	if err := schema.Decode(cfg, &s.config); err != nil {
		return nil, fmt.Errorf("read the arguments of copy: %w", err)
	}
	if s.Source == nil && s.Content == nil {
		return nil, errors.New("copy needs source or content")
	}
	s.Destination = path.Clean(s.Destination)
	return s, nil
}

// Run streams the files to the node and checks them there.
func (s *step) Run(ctx context.Context, env steps.Env) (cty.Value, error) {
	if env.Node == nil {
		return cty.NilVal, errors.New("copy has no node: write node or nodes")
	}
	r := &rewriter{base: path.Base(s.Destination)}
	if s.Mode != nil {
		mode, err := parseMode(*s.Mode)
		if err != nil {
			return cty.NilVal, err
		}
		r.mode = &mode
	}
	if s.Owner != nil {
		var err error
		if r.uid, r.gid, err = resolveOwner(ctx, env.Node.Transport, *s.Owner); err != nil {
			return cty.NilVal, s.wrap(env, err)
		}
	}
	if err := s.stream(ctx, env, r); err != nil {
		return cty.NilVal, s.wrap(env, err)
	}
	if err := s.verify(ctx, env.Node.Transport, r.files); err != nil {
		return cty.NilVal, s.wrap(env, err)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"destination": cty.StringVal(s.Destination),
		"sha256":      cty.StringVal(r.digest()),
		"bytes":       cty.NumberIntVal(r.bytes()),
	}), nil
}

func (s *step) wrap(env steps.Env, err error) error {
	what := "content"
	if s.Source != nil {
		what = *s.Source
	}
	return fmt.Errorf("copy %s to %s:%s: %w", what, env.Node.Name, s.Destination, err)
}

// stream reads, rewrites and writes the archive side by side. A side that fails
// ends the others through the pipes; the first cause is what counts.
func (s *step) stream(ctx context.Context, env steps.Env, r *rewriter) error {
	original, packed := io.Pipe()
	rewritten, out := io.Pipe()
	var g errgroup.Group
	g.Go(func() error {
		err := s.read(ctx, env, packed)
		packed.CloseWithError(err)
		return nil // the rewriter reads the error
	})
	g.Go(func() error {
		err := r.rewrite(original, out)
		original.CloseWithError(cmp.Or(err, errEnded))
		out.CloseWithError(err)
		return nil // the transport reads the error
	})
	err := env.Node.Transport.Put(ctx, rewritten, path.Dir(s.Destination))
	rewritten.CloseWithError(cmp.Or(err, errEnded))
	return errors.Join(err, g.Wait())
}

// errEnded tells a writer that nobody reads any more.
var errEnded = errors.New("the reader ended")

// read writes the archive of what is copied.
func (s *step) read(ctx context.Context, env steps.Env, w io.Writer) error {
	if s.Source == nil {
		return packContent(w, *s.Content)
	}
	real, err := filepath.EvalSymlinks(*s.Source)
	if err != nil {
		return err
	}
	return env.Local.Get(ctx, real, w)
}

// ownerIDs lets the node's own chown say what a name means.
const ownerIDs = `f=$(mktemp) || exit
chown -- "$1" "$f" && stat -c '%u %g' -- "$f"
code=$?
rm -f -- "$f"
exit $code`

func resolveOwner(ctx context.Context, tr backends.Transport, owner string) (uid, gid int, err error) {
	var out bytes.Buffer
	err = tr.Run(ctx, backends.Command{Args: []string{"/bin/sh", "-c", ownerIDs, "sh", owner}, Stdout: &out})
	var exit *backends.ExitError
	if errors.As(err, &exit) {
		return 0, 0, fmt.Errorf("owner %q: %s", owner, strings.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscan(out.String(), &uid, &gid); err != nil {
		return 0, 0, fmt.Errorf("owner %q: the node answered %q", owner, out.String())
	}
	return uid, gid, nil
}

// verify compares the digests on the node with those of the stream.
func (s *step) verify(ctx context.Context, tr backends.Transport, files []file) error {
	if len(files) == 0 {
		return nil
	}
	var list strings.Builder
	for _, f := range files {
		list.WriteString(checkLine(f.sha256, path.Join(path.Dir(s.Destination), f.name)))
	}
	var out bytes.Buffer
	err := tr.Run(ctx, backends.Command{
		Args: []string{"sha256sum", "--check", "--quiet", "--strict"}, Env: map[string]string{"LC_ALL": "C"},
		Stdin: strings.NewReader(list.String()), Stdout: &out,
	})
	var exit *backends.ExitError
	if errors.As(err, &exit) && exit.Code == 1 && out.Len() > 0 {
		return fmt.Errorf("the copy differs from its source: %s", strings.TrimSpace(out.String()))
	}
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	return nil
}

// checkLine is a line of sha256sum; it escapes names with unusual characters.
func checkLine(sum, name string) string {
	escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(name)
	if escaped != name {
		sum = `\` + sum
	}
	return sum + "  " + escaped + "\n"
}

// digest is the SHA-256 of a single file, or of the sorted list of a directory.
func (r *rewriter) digest() string {
	if !r.directory && len(r.files) == 1 {
		return r.files[0].sha256
	}
	sorted := slices.SortedFunc(slices.Values(r.files), func(a, b file) int { return cmp.Compare(a.name, b.name) })
	sum := sha256.New()
	for _, f := range sorted {
		sum.Write([]byte(checkLine(f.sha256, strings.TrimPrefix(f.name, r.base+"/"))))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (r *rewriter) bytes() int64 {
	var total int64
	for _, f := range r.files {
		total += f.size
	}
	return total
}
