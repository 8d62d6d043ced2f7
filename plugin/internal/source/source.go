// Package source has the words for where files come from: a source of commits, one commit, and its files. It reads nothing
// itself: source/git speaks Git, source/signed shows signed commits only, source/worktree reads a checkout.
package source

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Source reads one ref of one repository.
type Source interface {
	// Poll returns what the ref points at now.
	Poll(ctx context.Context) (commit string, err error)
	// Open makes the files of a commit readable until the tree is closed.
	Open(ctx context.Context, commit string) (*Tree, error)
	// Commits lists what to reaches and from does not, parents after their children. Both are full commits. With paths, clean
	// slash paths from the top, Commit.Touches and Commit.Touched are filled.
	Commits(ctx context.Context, from, to string, paths ...string) ([]Commit, error)
}

// Tree is the files of one commit.
type Tree struct {
	Root     *os.Root
	Revision Revision
	Objects  Objects // Git's names for the files; nil where they are no commit's
	// Lacking fetches contents that the checkout lacks, see Fetch; nil where all are there.
	Lacking func(ctx context.Context, paths []string) error
	Close   func()
}

// Fetch makes the contents at paths readable, which are slash paths from the top, in as few requests as possible. For a
// directory it does that with all that is below, unless that is a lot or a file is large: such a file has to be named itself.
// Paths at which nothing lies are left out. Until then such a file is a placeholder, which package placeholder recognises.
// Several goroutines may call Fetch, also while others read.
func (t *Tree) Fetch(ctx context.Context, paths ...string) error {
	if t.Lacking == nil {
		return nil
	}
	return t.Lacking(ctx, paths)
}

// Objects are the names that Git has for the files and directories of one commit.
type Objects interface {
	// At returns Git's name for what lies at a clean slash path from the top, symbolic links not followed: the mode and the
	// hash of the content, which for a directory covers everything below it. It is "" where nothing lies.
	At(name string) string
}

// Revision describes a commit. Ref is the short name of the branch or tag it was found by, "" when it was asked for
// as a commit. Parent is the full hash of the commit before it, "" when there is none and for a merge. Signer is who signed
// the commit, or the tag it was found by; "" when nobody asked. Time is the committer's. Control characters of the commit
// are replaced, so that the fields can be printed.
type Revision struct {
	Commit, Parent, Ref, Author, Email, Subject, Body, Signer string
	Merge                                                     bool // it has more than one parent
	Time                                                      time.Time
}

// Commit is one commit of a range. Parents are full hashes, the first one is that of the branch it was made on. Touches
// tells whether it changes one of the paths that were asked for, and Touched which; a merge changes a path that differs
// from that of all its parents. Untrusted says why the signature is not accepted; nil where signatures are not verified.
type Commit struct {
	Revision
	Parents   []string
	Touches   bool
	Touched   []string
	Untrusted error
}

// UntrustedError says that a commit is not signed by anybody who may.
type UntrustedError struct {
	Commit string
	Err    error
}

// Error names the commit by its first digits.
func (e *UntrustedError) Error() string {
	return fmt.Sprintf("commit %.7s is not trusted: %v", e.Commit, e.Err)
}

// Unwrap returns the reason.
func (e *UntrustedError) Unwrap() error { return e.Err }
