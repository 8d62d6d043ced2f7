package git_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// sum is the name that Git gives an object.
func sum(kind string, content []byte) []byte {
	h := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...))
	return h[:]
}

// doubled is a delta that writes base twice.
func doubled(base int) []byte {
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(base)), uint64(2*base))
	for at := 0; at < 2*base; at += 1 << 16 {
		from := at % base
		delta = append(delta, 0x80|1|2|4|8, byte(from), byte(from>>8), byte(from>>16), byte(from>>24)) // 64 KiB from there
	}
	return delta
}

// What a pack makes of a few bytes has to fit into the memory of a small container, in which half of the default limit of bytes would not.
func TestAttackPacksThatGrowInMemory(t *testing.T) {
	const commitType, treeType, blobType, refDelta = 1, 2, 3, 7
	r := newRepository(t)
	commit := r.commit("first")
	zeros := make([]byte, 100<<20)
	base := bytes.Repeat([]byte("x"), 1<<20)
	var chain []entry
	chain = append(chain, entry{kind: blobType, length: uint64(len(base)), content: base})
	name, content := sum("blob", base), base
	for range 6 { // 64 MiB in the end
		delta := doubled(len(content))
		chain = append(chain, entry{kind: refDelta, length: uint64(len(delta)), base: name, content: delta})
		content = append(content, content...)
		name = sum("blob", content)
	}
	for name, pack := range map[string][]byte{
		"X6 one large file":          packOf(entry{kind: blobType, length: uint64(len(zeros)), content: zeros}),
		"X6 several large files":     packOf(entry{kind: blobType, length: uint64(len(zeros)), content: zeros}, entry{kind: blobType, length: uint64(len(zeros)), content: zeros}),
		"X6 a large directory":       packOf(entry{kind: treeType, length: uint64(len(zeros)), content: zeros}),
		"X6 a large commit":          packOf(entry{kind: commitType, length: uint64(len(zeros)), content: zeros}),
		"X6 changes of changes":      packOf(chain...),
		"X6 changes of a large file": packOf(entry{kind: refDelta, length: uint64(len(zeros)), base: sum("blob", base), content: zeros}),
	} {
		t.Run(name, func(t *testing.T) {
			if len(pack) > 1<<20 {
				t.Errorf("%d bytes on the wire", len(pack))
			}
			url := r.serve(servePack(commit, pack)).URL + "/config/.git"
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := git.Repo{URL: url, Limits: git.Limits{Object: 32 << 20}}.Fetch(t.Context(), commit, t.TempDir())
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "a file of more than 32 MiB") {
				t.Error(err)
			}
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 64 {
				t.Errorf("%d MiB allocated", mib)
			}
		})
	}
}

// Directories and commits are decoded as a whole, whatever files may have.
func TestAttackDirectoriesThatGrowInMemory(t *testing.T) {
	const commitType, treeType = 1, 2
	r := newRepository(t)
	r.commit("first")
	var tree []byte
	for i := range 17 << 20 / 40 {
		tree = append(fmt.Appendf(tree, "100644 file-%08d\x00", i), sum("blob", nil)...)
	}
	for name, tt := range map[string]struct {
		tree, message []byte
		want          string
	}{
		"X6 a directory": {tree, nil, "is larger than 16 MiB"},
		"X6 a commit":    {nil, bytes.Repeat([]byte("m"), 5<<20), "is larger than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			commit := fmt.Appendf(nil, "tree %x\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n\n%s", sum("tree", tt.tree), tt.message)
			hash := fmt.Sprintf("%x", sum("commit", commit))
			pack := packOf(entry{kind: commitType, length: uint64(len(commit)), content: commit}, entry{kind: treeType, length: uint64(len(tt.tree)), content: tt.tree})
			url := r.serve(servePack(hash, pack)).URL + "/config/.git"
			_, _, err := git.Repo{URL: url}.Fetch(t.Context(), hash, t.TempDir())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Error(err)
			}
		})
	}
}

func TestLargeFilesStillFit(t *testing.T) {
	r := newRepository(t)
	r.write("large.bin", strings.Repeat("0123456789abcdef", 2<<20)) // 32 MiB
	commit := r.commit("a large file")
	url := r.serve(nil).URL + "/config/.git"
	if _, _, err := (git.Repo{URL: url, Limits: git.Limits{Object: 32 << 20}}).Fetch(t.Context(), commit, t.TempDir()); err != nil {
		t.Error(err)
	}
}
