package archive

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// xzWriter makes a valid .xz stream of stored (uncompressed) LZMA2 chunks. No
// xz library is at hand where the stand-in is built, and the archives are
// small; readers cannot tell. Source: the .xz file format, version 1.1.0.
type xzWriter struct {
	w       io.Writer
	written int64 // bytes after the stream header
	size    int64 // uncompressed
	check   uint32
	first   bool
	err     error
}

const (
	xzChunk   = 1 << 16
	checkCRC  = 1 // CRC32
	dictCode  = 8 // 64 KiB, the least that holds a chunk
	filterLZ2 = 0x21
)

func newXZWriter(w io.Writer) *xzWriter {
	x := &xzWriter{w: w, first: true}
	_, x.err = w.Write(append([]byte{0xFD, '7', 'z', 'X', 'Z', 0}, withCRC([]byte{0, checkCRC})...))
	x.put(withCRC(pad([]byte{0x02, 0x00, filterLZ2, 1, dictCode})))
	return x
}

// Write stores p as chunks of at most 64 KiB.
func (x *xzWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		chunk := p[:min(len(p), xzChunk)]
		p = p[len(chunk):]
		control := byte(2)
		if x.first {
			control, x.first = 1, false
		}
		x.put(binary.BigEndian.AppendUint16([]byte{control}, uint16(len(chunk)-1)))
		x.put(chunk)
		x.size += int64(len(chunk))
		x.check = crc32.Update(x.check, crc32.IEEETable, chunk)
	}
	return n, x.err
}

// Close ends the block and writes the index and the footer.
func (x *xzWriter) Close() error {
	x.put([]byte{0})
	unpadded := x.written + 4
	x.put(make([]byte, (4-x.written%4)%4))
	x.put(binary.LittleEndian.AppendUint32(nil, x.check))

	index := []byte{0, 1}
	index = binary.AppendUvarint(index, uint64(unpadded))
	index = binary.AppendUvarint(index, uint64(x.size))
	index = withCRC(pad(index))
	x.put(index)

	size := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	body := append(size, 0, checkCRC)
	footer := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	x.put(bytes.Join([][]byte{footer, body, {'Y', 'Z'}}, nil))
	return x.err
}

func (x *xzWriter) put(b []byte) {
	if x.err != nil {
		return
	}
	var n int
	n, x.err = x.w.Write(b)
	x.written += int64(n)
}

// pad fills b with zeros up to a multiple of four.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func withCRC(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
