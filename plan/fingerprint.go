package plan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/zclconf/go-cty/cty"

	"github.com/dcosflow/dcosflow/schema"
	"github.com/dcosflow/dcosflow/steps"
)

// Fingerprint digests what an instance does: its type, its node, its arguments
// as Configure returned them, and the content of files given by path. No other
// meta-argument is in it. It is keyed, so that it tells nothing of sensitive
// arguments. The error says that a file cannot be read.
func (p *Plan) Fingerprint(key []byte, i *Instance, cfg cty.Value) ([]byte, error) {
	f := fingerprint{sum: hmac.New(sha256.New, key), digests: p.digests}
	f.text(i.Type.Name)
	f.text(i.Cluster)
	f.text(i.Node)
	// What makes a node is given the whole cluster, and is not about the others.
	if i.Type.Role != steps.Provisions {
		if err := f.block(&i.Type.Schema, cfg); err != nil {
			return nil, err
		}
	}
	return f.sum.Sum(nil), nil
}

// fingerprint writes values so that different ones never look alike: each with
// its kind, and texts and lists with their length.
type fingerprint struct {
	sum     hash.Hash
	digests *digests
}

func (f *fingerprint) text(s string) {
	f.size(len(s))
	f.sum.Write([]byte(s))
}

func (f *fingerprint) size(n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	f.sum.Write(b[:])
}

// block leaves out what is null, so that a newer version with more arguments
// finds the same fingerprint.
func (f *fingerprint) block(b *schema.Block, v cty.Value) error {
	for i := range b.Attributes {
		a := &b.Attributes[i]
		if !v.Type().HasAttribute(a.Name) {
			continue
		}
		if err := f.argument(a, v.GetAttr(a.Name)); err != nil {
			return err
		}
	}
	for i := range b.Blocks {
		n := &b.Blocks[i]
		if !v.Type().HasAttribute(n.Name) || v.GetAttr(n.Name).IsNull() {
			continue
		}
		if err := f.nested(n, v.GetAttr(n.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (f *fingerprint) nested(n *schema.Nested, v cty.Value) error {
	f.text(n.Name)
	if n.Max == 1 {
		return f.block(&n.Block, v)
	}
	f.size(v.LengthInt())
	for _, one := range v.AsValueSlice() {
		if err := f.block(&n.Block, one); err != nil {
			return err
		}
	}
	return nil
}

func (f *fingerprint) argument(a *schema.Attribute, v cty.Value) error {
	if v.IsNull() {
		return nil
	}
	f.text(a.Name)
	f.value(v)
	if a.Kind != schema.Path {
		return nil
	}
	digest, err := f.digests.of(v.AsString())
	if err != nil {
		return fmt.Errorf("digest %s: %w", v.AsString(), err)
	}
	f.sum.Write(digest)
	return nil
}

// value writes a value that is known and without marks, as all are that
// Configure returns.
func (f *fingerprint) value(v cty.Value) {
	ty := v.Type()
	switch {
	case v.IsNull() || !v.IsKnown():
		f.text("null")
	case ty == cty.String:
		f.text("string")
		f.text(v.AsString())
	case ty == cty.Number:
		f.text("number")
		f.text(v.AsBigFloat().Text('g', -1))
	case ty == cty.Bool:
		f.text(fmt.Sprint(v.True()))
	case ty.Equals(schema.ExpressionType):
		x := schema.ExpressionOf(v)
		f.text(x.Text)
		if x.Inputs != cty.NilVal {
			f.value(x.Inputs)
		}
	case v.CanIterateElements():
		f.elements(v)
	}
}

// elements writes a collection; maps and objects are iterated in the order of
// their keys, and sets in one that only their elements decide.
func (f *fingerprint) elements(v cty.Value) {
	keyed := v.Type().IsObjectType() || v.Type().IsMapType()
	f.text("elements")
	f.size(v.LengthInt())
	for key, element := range v.Elements() {
		if keyed {
			f.text(key.AsString())
		}
		f.value(element)
	}
}
