package reconcile

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

// shareKinds renders apps again whose charts asked about kinds that their dependencies define in this commit. Those are
// applied, and healthy, before these apps. Kinds that somebody else installs are found by build.Builder.Appeared.
func (r deciding) shareKinds(ctx context.Context, open []*pass.Pass) {
	for range open { // a kind may make a chart define another kind
		again := false
		for _, p := range open {
			if p.Failure != nil || len(p.Built.Asked) == 0 {
				continue
			}
			var brought []string
			for _, name := range r.order().Dependencies(p.App.Name) {
				dep := r.passOf(name)
				if b := dep.Env.Renders.Of(dep.App.Name); b != nil && b.Commit == dep.Commit {
					brought = append(brought, manifest.DefinedVersions(b.Objects)...)
				}
			}
			slices.Sort(brought)
			if !slices.ContainsFunc(p.Built.Asked, func(name string) bool { return slices.Contains(brought, name) }) {
				continue
			}
			p.Brought, again = slices.Compact(brought), true
			p.Env.Renders.ForgetRendering(p.App.Name)
			p.Reading().RenderListed(ctx)
		}
		if !again {
			return
		}
	}
}
