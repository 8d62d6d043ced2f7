package git

import (
	"context"
	"fmt"
	"os"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Unpacker is a source.Source that unpacks the commits of a repository into temporary directories.
type Unpacker struct{ Repo }

// Open fetches a commit into a new temporary directory. Closing the tree removes the directory.
func (u Unpacker) Open(ctx context.Context, commit string) (*source.Tree, error) {
	dir, err := os.MkdirTemp("", "gitops-")
	if err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	remove := func() { os.RemoveAll(dir) }
	rev, objects, err := u.Fetch(ctx, commit, dir)
	if err != nil {
		remove()
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		remove()
		return nil, err
	}
	return &source.Tree{Root: root, Revision: rev, Objects: objects, Close: func() { root.Close(); remove() }}, nil
}
