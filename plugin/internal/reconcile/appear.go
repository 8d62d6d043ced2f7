package reconcile

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// Templates of a chart may ask what the server serves. What they asked about in vain is recorded, and looked for again:
// kinds that this commit brings count at once, and kinds that somebody else installs are found by the next process.

// shareKinds renders apps again whose charts asked about kinds that apps they depend on bring in this commit. They are
// applied, and healthy, when it is the turn of these apps.
func (rd *round) shareKinds(ctx context.Context, open []*pass) {
	for range open { // a kind may bring objects that bring a kind
		again := false
		for _, p := range open {
			if p.failure != nil || len(p.built.Asked) == 0 {
				continue
			}
			var brought []string
			for _, dep := range rd.dependencies(p) {
				if r := dep.env.renders.Of(dep.app.Name); r != nil && r.Commit == dep.commit {
					brought = append(brought, manifest.DefinedVersions(r.Objects)...)
				}
			}
			slices.Sort(brought)
			if !slices.ContainsFunc(p.built.Asked, func(name string) bool { return slices.Contains(brought, name) }) {
				continue
			}
			p.brought, again = slices.Compact(brought), true
			p.env.renders.ForgetRendering(p.app.Name)
			p.reading().renderListed(ctx)
		}
		if !again {
			return
		}
	}
}
