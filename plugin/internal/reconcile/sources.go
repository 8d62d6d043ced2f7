package reconcile

import (
	"context"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
)

// resolver asks about each source once in a run, whatever the number of apps that name it.
type resolver struct {
	ask   func(ctx context.Context, s render.NamedSource) (sources.Version, error)
	mu    sync.Mutex
	known map[render.NamedSource]resolved
}

type resolved struct {
	version sources.Version
	err     error
}

// resolve asks what the ref of a source stands for.
func (r *resolver) resolve(ctx context.Context, s render.NamedSource) (sources.Version, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Origin, s.Layer = render.Origin{}, ""
	answer, known := r.known[s]
	if !known {
		answer.version, answer.err = r.ask(ctx, s)
		if r.known == nil {
			r.known = map[render.NamedSource]resolved{}
		}
		r.known[s] = answer
	}
	return answer.version, answer.err
}
