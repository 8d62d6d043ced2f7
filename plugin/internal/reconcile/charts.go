package reconcile

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// RenderOptions says how the app's directory is rendered without asking a cluster.
func RenderOptions(a App) render.Options {
	release := a.Helm.Release
	if release == "" {
		release = a.Name
	}
	var vars *render.Substitute
	if a.Substitute != nil {
		vars = &render.Substitute{Vars: maps.Clone(a.Substitute.Vars)}
	}
	return render.Options{Keys: a.Keys(), AllowPlainSecrets: a.AllowPlainSecrets, Substitute: vars, Layout: a.Layout, MayHold: a.AllowSealedValues,
		Helm: &render.Helm{Release: release, Namespace: a.Namespace, Values: a.Helm.Values, Set: a.Helm.Set}}
}

// renderOptions adds what charts see of the server and of the past.
func (p *pass) renderOptions(ctx context.Context, root *os.Root) (render.Options, error) {
	o := RenderOptions(p.app)
	if v := p.vars; v != nil && p.app.Substitute != nil {
		o.Substitute = &render.Substitute{Vars: v.values, Secret: v.secret, Plain: v.plain}
	}
	if _, err := root.Lstat(path.Join(p.app.Path, "Chart.yaml")); err != nil {
		return o, nil
	}
	versions, err := p.versions(ctx)
	if err != nil {
		return o, err
	}
	o.Capabilities = render.Capabilities{KubeVersion: versions.Kubernetes, APIVersions: versions.Served}
	if len(p.brought) > 0 {
		all := slices.Concat(versions.Served, p.brought)
		slices.Sort(all)
		o.Capabilities.APIVersions = slices.Compact(all)
	}
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

// chartOf is what the record keeps of a chart that was fetched.
func chartOf(d render.Dependency) record.Chart {
	c := record.Chart{Name: d.Name, Version: d.Version, Digest: d.Digest, Lock: d.Lock}
	if at, err := url.Parse(d.Repository); err == nil {
		c.Repository = (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String()
	}
	return c
}

// checkChart refuses a chart that was published anew since it was applied. A Chart.lock that was written anew as well
// says that this is meant.
func (p *pass) checkChart(c record.Chart) error {
	i := slices.IndexFunc(p.rec.Charts, func(was record.Chart) bool {
		return was.Name == c.Name && was.Version == c.Version && was.Repository == c.Repository
	})
	if i < 0 || p.rec.Charts[i].Digest == c.Digest {
		return nil
	}
	text := fmt.Sprintf("it was published anew: %s was applied, and now it is %s", p.rec.Charts[i].Digest, c.Digest)
	if p.rec.Charts[i].Lock != c.Lock {
		p.Say(report.Warning, "chart %s %s from %s: %s", c.Name, c.Version, c.Repository, text)
		return nil
	}
	return hint.Errorf(text, "find out why; to accept it, commit the Chart.lock that `helm dependency update` writes, or another version; to keep the one before, commit its archive to charts/")
}
