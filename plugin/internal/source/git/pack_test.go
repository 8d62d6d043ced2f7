package git_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// entry is one object of a packfile: a type, a declared length and what is really there.
type entry struct {
	kind    byte
	length  uint64
	base    []byte // of a reference delta
	content []byte
}

func packOf(entries ...entry) []byte {
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02")
	_ = binary.Write(&b, binary.BigEndian, uint32(len(entries)))
	for _, e := range entries {
		first, rest := e.kind<<4|byte(e.length&15), e.length>>4
		for rest > 0 {
			b.WriteByte(first | 0x80)
			first, rest = byte(rest&0x7f), rest>>7
		}
		b.WriteByte(first)
		b.Write(e.base)
		z := zlib.NewWriter(&b)
		_, _ = z.Write(e.content)
		_ = z.Close()
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

// A delta of a few bytes can describe gigabytes: it is refused before they are allocated.
func TestSmallPacksThatUnpackToALotAreRefusedEarly(t *testing.T) {
	const blob, refDelta = 3, 7
	r := newRepository(t)
	commit := r.commit("first")
	base := bytes.Repeat([]byte("x"), 1<<16)
	baseHash := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(base)), base...))
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(base))), 8<<30)
	for range 8 << 30 >> 16 {
		delta = append(delta, 0x80) // copy 64 KiB from offset 0
	}
	for name, pack := range map[string][]byte{
		"declared length":       packOf(entry{kind: blob, length: 1 << 40}),
		"negative length":       packOf(entry{kind: blob, length: 1 << 62}),
		"more than declared":    packOf(entry{kind: blob, length: 10, content: make([]byte, 64<<20)}),
		"delta bomb":            packOf(entry{kind: blob, length: 1 << 16, content: base}, entry{kind: refDelta, length: uint64(len(delta)), base: baseHash[:], content: delta}),
		"delta without base":    packOf(entry{kind: refDelta, length: 3, base: baseHash[:], content: []byte{1, 1, 0x90}}),
		"delta without numbers": packOf(entry{kind: refDelta, length: 0, base: baseHash[:]}),
		"no objects":            packOf(),
		"another object":        packOf(entry{kind: blob, length: 1, content: []byte("x")}),
	} {
		t.Run(name, func(t *testing.T) {
			url := r.serve(servePack(commit, pack)).URL + "/config/.git"
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := git.Repo{URL: url, Limits: git.Limits{Bytes: 32 << 20}}.Fetch(t.Context(), commit, t.TempDir())
			runtime.ReadMemStats(&after)
			mustFail(t, err, url)
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 64 {
				t.Errorf("%d MiB allocated", mib)
			}
		})
	}
}

func servePack(commit string, pack []byte) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method != http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = io.WriteString(w, "0034shallow "+commit+"00000008NAK\n")
			for len(pack) > 0 {
				n := min(len(pack), 60000)
				_, _ = fmt.Fprintf(w, "%04x\x01%s", n+5, pack[:n])
				pack = pack[n:]
			}
			_, _ = io.WriteString(w, "0000")
		})
	}
}

func BenchmarkFetch5000FilesOverHTTP(b *testing.B) {
	r := newRepository(b)
	for i := range 5000 {
		r.write(fmt.Sprintf("apps/%d/f%d.yaml", i%100, i), strings.Repeat(fmt.Sprintf("line: %d\n", i*7919), 400))
	}
	commit := r.commit("5,000 files")
	url := r.serve(nil).URL + "/config/.git"
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := (git.Repo{URL: url}).Fetch(b.Context(), commit, b.TempDir()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetch5000FilesLocally(b *testing.B) {
	r := newRepository(b)
	for i := range 5000 {
		r.write(fmt.Sprintf("apps/%d/f%d.yaml", i%100, i), strings.Repeat(fmt.Sprintf("line: %d\n", i*7919), 400))
	}
	commit := r.commit("5,000 files")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := (git.Repo{URL: r.dir}).Fetch(b.Context(), commit, b.TempDir()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPollOverHTTP(b *testing.B) {
	r := newRepository(b)
	r.commit("first")
	repo := git.Repo{URL: r.serve(nil).URL + "/config/.git"}
	for b.Loop() {
		poll(b, repo)
	}
}

func BenchmarkPollLocally(b *testing.B) {
	r := newRepository(b)
	r.commit("first")
	repo := git.Repo{URL: r.dir}
	for b.Loop() {
		poll(b, repo)
	}
}
