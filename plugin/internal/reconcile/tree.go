package reconcile

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// open returns the checkout of a commit, which all apps share; close closes it.
func (rd *run) open(ctx context.Context, commit string) (*source.Tree, error) {
	rd.opening.Lock()
	defer rd.opening.Unlock()
	o, known := rd.opened[commit]
	if !known {
		o.tree, o.err = rd.Source.Open(ctx, commit)
		rd.opened[commit] = o
	}
	if o.err != nil {
		return nil, o.err
	}
	shared := *o.tree
	shared.Close = func() {}
	return &shared, nil
}

// close closes the checkouts of the run.
func (rd *run) close() {
	for _, o := range rd.opened {
		if o.tree != nil {
			o.tree.Close()
		}
	}
}
