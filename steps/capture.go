package steps

import (
	"fmt"
	"io"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// CaptureLimit is the most of a stream that an output holds.
const CaptureLimit = 8 << 20

// Capture keeps what is written to it, up to CaptureLimit, and passes
// everything on.
type Capture struct {
	// Pass receives every byte; nil discards.
	Pass  io.Writer
	kept  []byte
	total int
}

// Write never fails by itself; it returns what Pass returns.
func (c *Capture) Write(p []byte) (int, error) {
	c.total += len(p)
	c.kept = append(c.kept, p[:min(len(p), CaptureLimit-len(c.kept))]...)
	if c.Pass == nil {
		return len(p), nil
	}
	return c.Pass.Write(p)
}

// Bytes returns what was kept: the beginning of the stream.
func (c *Capture) Bytes() []byte { return c.kept }

// Excess returns an error when the stream was longer than what is kept.
func (c *Capture) Excess() error {
	if c.total <= CaptureLimit {
		return nil
	}
	return fmt.Errorf("%d bytes are more than the %d MiB that an output holds", c.total, CaptureLimit>>20)
}

// Value returns the stream as a string, or null when it was too long to keep.
// Bytes that are no UTF-8 become U+FFFD.
func (c *Capture) Value() cty.Value {
	if c.Excess() != nil {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(strings.ToValidUTF8(string(c.kept), "\uFFFD"))
}
