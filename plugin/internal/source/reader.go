package source

import (
	"context"
	"os"
)

// Source reads one ref of one repository.
type Source interface {
	// Poll returns what the ref points at now.
	Poll(ctx context.Context) (commit string, err error)
	// Open makes the files of a commit readable until the tree is closed.
	Open(ctx context.Context, commit string) (*Tree, error)
	// Commits lists what from does not reach and to does, see Repo.Commits.
	Commits(ctx context.Context, from, to string, paths ...string) ([]Commit, error)
}

// Tree is the files of one commit.
type Tree struct {
	Root     *os.Root
	Revision Revision
	Objects  *Objects // Git's names for the files; nil where they are no commit's
	Close    func()
}
