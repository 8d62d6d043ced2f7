package reconcile

import (
	"context"
	"errors"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
)

// resolver asks about each source once in a run, whatever the number of apps that name it.
type resolver struct {
	ask   func(ctx context.Context, s render.NamedSource) (sources.Version, error)
	mu    sync.Mutex // of known: several sources may be asked about at the same time
	known map[render.NamedSource]func() (sources.Version, error)
}

// resolve asks what the ref of a source stands for.
func (r *resolver) resolve(ctx context.Context, s render.NamedSource) (sources.Version, error) {
	s.Origin, s.Layer = render.Origin{}, ""
	r.mu.Lock()
	answer := r.known[s]
	if answer == nil {
		answer = sync.OnceValues(func() (sources.Version, error) { return r.ask(ctx, s) })
		if r.known == nil {
			r.known = map[render.NamedSource]func() (sources.Version, error){}
		}
		r.known[s] = answer
	}
	r.mu.Unlock()
	return answer()
}

// asRecorded answers as the record of an app does, and asks no server: drift is reverted to what was applied.
func asRecorded(p *pass.Pass) build.Resolve {
	return func(_ context.Context, s render.NamedSource) (sources.Version, error) {
		t, known := p.Record.Tree(s.URL(), s.Ref)
		if !known {
			return sources.Version{}, errors.New("nothing of it was applied")
		}
		return sources.Version{Name: t.Version, Digest: t.Digest, Branch: t.Branch}, nil
	}
}

// followed returns the source of an app that an entry is about, nil when the app has none such.
func followed(a app.App, e pins.Entry) *render.NamedSource {
	for _, s := range a.Trees() {
		if named := rendering.Source(&s); named.URL() == e.URL && s.Ref == e.Constraint {
			return named
		}
	}
	return nil
}
