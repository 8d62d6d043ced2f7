package pass

import (
	"context"
	"io"
	"path"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// mostText is how many bytes of a file are searched for a line.
const mostText = 16 << 20

// textOf returns the text of the file of an origin in the commit, nil when it cannot be read.
func (p reading) textOf(origin manifest.Origin) []byte {
	tree, err := p.OpenTree(context.WithoutCancel(p.ctx))
	if err != nil {
		return nil
	}
	defer tree.Close()
	if tree.Fetch(context.WithoutCancel(p.ctx), origin.File) != nil {
		return nil
	}
	f, err := tree.Root.Open(path.Clean(origin.File))
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostText))
	if err != nil {
		return nil
	}
	return data
}
