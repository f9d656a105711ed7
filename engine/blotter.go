package engine

import (
	"bytes"
	"slices"
	"strings"
)

// blotter finds texts in a stream of bytes. Two bytes decide almost everywhere
// that none begins; the zero value finds nothing.
type blotter struct {
	// first and pairs have a bit for every byte, every two bytes, with which a
	// text begins.
	first [4]uint64
	pairs []uint64
	// byStart has the texts by their first three bytes, the longest first.
	byStart map[[minSecret]byte][]string
}

// span is a piece of a text, from its first byte to behind its last.
type span struct{ from, to int }

// add makes it look for one more text of at least minSecret bytes.
func (b *blotter) add(text string) {
	if b.byStart == nil {
		b.pairs = make([]uint64, 1<<16/64)
		b.byStart = map[[minSecret]byte][]string{}
	}
	start := [minSecret]byte([]byte(text))
	list := b.byStart[start]
	at, known := slices.BinarySearchFunc(list, text, longestFirst)
	if known {
		return
	}
	b.byStart[start] = slices.Insert(list, at, text)
	b.first[text[0]>>6] |= 1 << (text[0] & 63)
	pair := uint16(text[0])<<8 | uint16(text[1])
	b.pairs[pair>>6] |= 1 << (pair & 63)
}

func (b *blotter) empty() bool { return b.byStart == nil }

func longestFirst(a, b string) int {
	if len(a) != len(b) {
		return len(b) - len(a)
	}
	return strings.Compare(a, b)
}

// find returns where texts stand, sorted; of those that begin at one place the
// longest. Open is where one may stand that goes on behind the end of data, and
// len(data) when there is no such place.
func (b *blotter) find(data []byte) (found []span, open int) {
	open = len(data)
	if b.empty() {
		return nil, open
	}
	for i := 0; i+1 < len(data); i++ {
		if !b.begins(data[i], data[i+1]) {
			continue
		}
		if i+minSecret > len(data) {
			return found, min(open, i)
		}
		length, unfinished := b.at(data[i:])
		if length > 0 {
			found = append(found, span{i, i + length})
		}
		if unfinished {
			open = min(open, i)
		}
	}
	if last := len(data) - 1; last >= 0 && b.first[data[last]>>6]&(1<<(data[last]&63)) != 0 {
		open = min(open, last)
	}
	return found, open
}

// begins says whether texts begin with two bytes.
func (b *blotter) begins(one, two byte) bool {
	pair := uint16(one)<<8 | uint16(two)
	return b.pairs[pair>>6]&(1<<(pair&63)) != 0
}

// at returns the length of the longest text that data begins with, and whether
// data is the beginning of a longer one.
func (b *blotter) at(data []byte) (length int, unfinished bool) {
	for _, text := range b.byStart[[minSecret]byte(data)] {
		if len(text) > len(data) {
			unfinished = unfinished || text[:len(data)] == string(data)
		} else if text == string(data[:len(text)]) {
			return len(text), unfinished
		}
	}
	return 0, unfinished
}

// ellipsis stands where a message was cut; minCut is how much of a text must
// stand before it to be taken for one that was cut in two.
const (
	ellipsis = "..."
	minCut   = 4
)

// cut finds the beginnings of texts that end in an ellipsis.
func (b *blotter) cut(data []byte) []span {
	if !bytes.Contains(data, []byte(ellipsis)) {
		return nil
	}
	var found []span
	for i := 0; i+minCut < len(data); i++ {
		if !b.begins(data[i], data[i+1]) {
			continue
		}
		for _, text := range b.byStart[[minSecret]byte(data[i:])] {
			length := common(text, data[i:])
			if length >= minCut && bytes.HasPrefix(data[i+length:], []byte(ellipsis)) {
				found = append(found, span{i, i + length})
			}
		}
	}
	return found
}

// common returns how many bytes two texts begin with alike.
func common(text string, data []byte) int {
	n := min(len(text), len(data))
	for i := range n {
		if text[i] != data[i] {
			return i
		}
	}
	return n
}

// blotted is a stream of bytes without the texts that a blotter finds. It holds
// back no more than what may be the beginning of one.
type blotted struct {
	held []byte
	// covered is how many of the held bytes belong to a text whose mark is
	// written already.
	covered int
	// joined and out are the room of earlier calls.
	joined, out []byte
}

// next returns what can be passed on after more data; with final all of it. The
// result is valid until the next call and may be a part of data itself.
func (s *blotted) next(b *blotter, data []byte, final bool) []byte {
	if len(s.held) > 0 {
		s.joined = append(append(s.joined[:0], s.held...), data...)
		data = s.joined
	}
	found, open := b.find(data)
	if final {
		open = len(data)
	}
	out := data[:open]
	if len(found) > 0 || s.covered > 0 {
		var done int
		s.out, done = blot(s.out[:0], data, found, s.covered, open)
		s.covered = max(0, done-open)
		out = s.out
	}
	s.held = append(s.held[:0], data[open:]...)
	return out
}

// blot adds data up to open to out, without its covered beginning, with a mark
// in the place of each run of texts that overlap. Done is how far the last of
// them reaches, if that is more.
func blot(out, data []byte, found []span, covered, open int) (blotted []byte, done int) {
	done = covered
	for _, f := range found {
		if f.from >= open {
			break
		}
		if f.from >= done {
			out = append(append(out, data[done:f.from]...), redacted...)
		}
		done = max(done, f.to)
	}
	if done < open {
		out = append(out, data[done:open]...)
	}
	return out, done
}
