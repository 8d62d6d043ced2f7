package reconcile

import (
	"context"
	"os"
	"path"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// RenderOptions says how the app's directory is rendered without asking a cluster.
func (a App) RenderOptions() render.Options {
	release := a.Helm.Release
	if release == "" {
		release = a.Name
	}
	return render.Options{AllowPlainSecrets: a.AllowPlainSecrets, Substitute: a.Substitute.options(),
		Helm: &render.Helm{Release: release, Namespace: a.Namespace, Values: a.Helm.Values, Set: a.Helm.Set}}
}

// renderOptions adds what charts see of the server and of the past.
func (p *pass) renderOptions(ctx context.Context, root *os.Root) (render.Options, error) {
	o := p.app.RenderOptions()
	if _, err := root.Lstat(path.Join(p.app.Path, "Chart.yaml")); err != nil {
		return o, nil
	}
	versions, err := p.versions(ctx)
	if err != nil {
		return o, err
	}
	o.Capabilities = render.Capabilities{KubeVersion: versions.Kubernetes, APIVersions: versions.Served}
	o.Helm.Upgrade = p.upgrades()
	if o.Helm.Revision = 1; o.Helm.Upgrade {
		o.Helm.Revision = 2 // a number that counts would change the objects with every commit
	}
	return o, nil
}

// upgrades tells whether the commit is not the first one of the app. The first one stays an install however often it
// is rendered, so that nothing changes without a commit.
func (p *pass) upgrades() bool {
	inv := p.rec.Inventory
	return inv != nil && (p.rec.Rebuilt || inv.Revision.Commit != "" && inv.Installed != p.commit)
}
