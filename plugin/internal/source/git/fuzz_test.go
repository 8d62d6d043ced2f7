package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// Whatever a server sends for a pack is refused or indexed. What passes the check unpacks to no more than the limits.
func FuzzPack(f *testing.F) {
	pack := func(header []byte, content string, count uint32) []byte {
		b := bytes.NewBufferString("PACK\x00\x00\x00\x02")
		_ = binary.Write(b, binary.BigEndian, count)
		b.Write(header)
		z := zlib.NewWriter(b)
		_, _ = z.Write([]byte(content))
		_ = z.Close()
		sum := sha1.Sum(b.Bytes())
		return append(b.Bytes(), sum[:]...)
	}
	f.Add(pack([]byte{3<<4 | 5}, "hello", 1))
	f.Add(pack([]byte{6<<4 | 3, 5}, "\x05\x05\x90", 1))
	f.Add(pack([]byte{3<<4 | 5}, "hello", 1<<31))
	f.Add([]byte("PACK"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		r := bytes.NewReader(data)
		limits := Limits{Bytes: 1 << 20, Files: 100, Object: 1 << 16}.orDefault()
		if err := checkPack(r, limits); err != nil {
			return
		}
		_, _ = indexPack(r, new(idxfile.Writer))
	})
}
