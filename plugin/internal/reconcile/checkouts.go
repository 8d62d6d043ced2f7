package reconcile

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// open returns the checkout of a commit, which all apps share; close closes it.
func (r *run) open(ctx context.Context, commit string) (*source.Tree, error) {
	r.opening.Lock()
	defer r.opening.Unlock()
	o, known := r.opened[commit]
	if !known {
		o.tree, o.err = r.Source.Open(ctx, commit)
		r.opened[commit] = o
	}
	if o.err != nil {
		return nil, o.err
	}
	shared := *o.tree
	shared.Close = func() {}
	return &shared, nil
}

// close closes the checkouts of the run.
func (r *run) close() {
	for _, o := range r.opened {
		if o.tree != nil {
			o.tree.Close()
		}
	}
}
