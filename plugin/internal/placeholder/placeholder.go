// Package placeholder recognises files whose bytes are not what people mean by them: pointers to content that lies
// elsewhere, and ciphertext that only a Git filter reads. Deploying such bytes is never what somebody wants.
//
// It does NOT fetch or decrypt anything.
package placeholder

import (
	"bytes"
	"fmt"
	"regexp"
)

// Kind says what a file holds instead of its content. The zero value: it holds its content.
type Kind struct {
	What string // completes "the file is ..."
	Hint string // what its owner can do
}

// maxPointer is the size from which a file is no pointer: Git LFS writes less than 1,024 bytes.
const maxPointer = 1024

var (
	// lfsPointer follows the specification of Git LFS, https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: the
	// version comes first. The second address is that of its first version.
	lfsPointer = regexp.MustCompile(`^version https?://(git-lfs\.github\.com|hawser\.github\.com)/spec/[^\n]*\n`)
	// annexPointer is what git-annex commits for an unlocked file: the key below this path.
	annexPointer = regexp.MustCompile(`^/annex/objects/[^\n]+\n?$`)
	missing      = regexp.MustCompile(`^\x00kubectl-gitops: not in this clone: ([0-9a-f]{40})\n$`)

	// gitCrypt begins every file that git-crypt encrypted.
	gitCrypt = []byte("\x00GITCRYPT\x00")
)

// Of tells what data is a placeholder for. found is false for a file that holds its content.
func Of(data []byte) (k Kind, found bool) {
	if bytes.HasPrefix(data, gitCrypt) {
		return Kind{"encrypted with git-crypt", "git-crypt is not supported: encrypt Secrets with SOPS, and commit other files unencrypted"}, true
	}
	if len(data) >= maxPointer {
		return Kind{}, false
	}
	if m := missing.FindSubmatch(data); m != nil {
		return Kind{"missing in this clone, which was made without all contents (partial clone)",
			fmt.Sprintf("run `git cat-file -e %s` in the clone: git then fetches the content", m[1])}, true
	}
	if IsNotFetched(data) {
		return Unfetched, true
	}
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case lfsPointer.Match(text):
		return Kind{"a Git LFS pointer, not its content", "Git LFS is not supported: commit the file itself (`git lfs untrack` ends its tracking)"}, true
	case annexPointer.Match(text):
		return Kind{"a git-annex pointer, not its content", "git-annex is not supported: commit the file itself"}, true
	}
	return Kind{}, false
}

// Missing returns what stands in a checkout for a blob that the repository does not hold.
func Missing(hash string) []byte {
	return fmt.Appendf(nil, "\x00kubectl-gitops: not in this clone: %s\n", hash)
}

// Unfetched is the kind of a file that source.Tree.Fetch fetches.
var Unfetched = Kind{"not fetched from the repository", "this is a bug of kubectl-gitops: please report it with the command that you ran"}

const notFetched = "\x00kubectl-gitops: not fetched\n"

// NotFetched returns what stands in a checkout for a file that is fetched when somebody asks for it.
func NotFetched() []byte { return []byte(notFetched) }

// IsNotFetched tells whether data is what NotFetched returns.
func IsNotFetched(data []byte) bool { return string(data) == notFetched }
