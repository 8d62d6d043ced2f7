package git

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Bytes of one object that is decoded as a whole. A directory has as many entries as a commit may have files, at most.
const (
	maxTreeBytes   = 16 << 20
	maxCommitBytes = 4 << 20
)

// getTree reads a directory, unless it is so large that its entries would fill the memory.
func getTree(s storer.EncodedObjectStorer, h plumbing.Hash) (*object.Tree, error) {
	if err := notLarger(s, h, maxTreeBytes, "directory"); err != nil {
		return nil, err
	}
	return object.GetTree(s, h)
}

// getCommit reads a commit, unless it is larger than people write them.
func getCommit(s storer.EncodedObjectStorer, h plumbing.Hash) (*object.Commit, error) {
	if err := notLarger(s, h, maxCommitBytes, "commit"); err != nil {
		return nil, err
	}
	return object.GetCommit(s, h)
}

// notLarger looks at the size of an object without decoding it. One that cannot be found is left to who reads it.
func notLarger(s storer.EncodedObjectStorer, h plumbing.Hash, limit int64, what string) error {
	if size, err := s.EncodedObjectSize(h); err == nil && size > limit {
		return fmt.Errorf("%s %s is larger than %s", what, h, byteSize(limit))
	}
	return nil
}

// describe is what a run knows of a commit. Ref and Signer are left to the caller.
func describe(c *object.Commit) source.Revision {
	subject, body, _ := strings.Cut(strings.Trim(strings.ReplaceAll(c.Message, "\r\n", "\n"), "\n"), "\n\n")
	parent := ""
	if len(c.ParentHashes) == 1 {
		parent = c.ParentHashes[0].String()
	}
	return source.Revision{
		Commit:  c.Hash.String(),
		Parent:  parent,
		Merge:   len(c.ParentHashes) > 1,
		Author:  safetext.Line(c.Author.Name),
		Email:   safetext.Line(c.Author.Email),
		Subject: safetext.Line(strings.Join(strings.Fields(subject), " ")),
		Body:    safetext.Lines(strings.TrimSpace(body)),
		Time:    c.Committer.When,
	}
}

// peel follows annotated tags to their commit.
func peel(s storer.EncodedObjectStorer, h plumbing.Hash) (plumbing.Hash, error) {
	for range 10 {
		tag, err := object.GetTag(s, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return h, nil // a commit, or missing: reading it will tell
		}
		if err != nil {
			return plumbing.ZeroHash, err
		}
		h = tag.Target
	}
	return plumbing.ZeroHash, errors.New("tags of tags of tags")
}
