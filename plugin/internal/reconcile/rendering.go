package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// rendering is the last commit that an app was rendered at, with what it was rendered for.
type rendering struct {
	commit, settings string
	objects          []manifest.Object
	revision         source.Revision
	desired          []*desired.Object // the objects, prepared
	inputs           *record.Inputs    // nil where they are not known
	charts           []record.Chart
	asked            []string // what charts asked about in vain
}

func (m *memory) renderingOf(app string) *rendering {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rendered[app]
}

func (m *memory) keep(app string, r *rendering) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rendered[app] = r
}

func (p *pass) render(ctx context.Context) error {
	r := p.memory().renderingOf(p.app.Name)
	if r == nil || r.commit != p.commit || r.settings != p.config {
		err := p.remembered()
		if err == nil {
			r, err = p.renderCommit(ctx)
		}
		if err != nil {
			p.unrendered = err
			if errors.Is(err, errSlow) && p.listed != nil {
				p.listed.slow = true
			}
			return err
		}
	}
	p.fetched(r.revision)
	p.inputs, p.charts, p.asked = r.inputs, r.charts, r.asked
	p.Hide(r.objects)
	if p.opts.drift != nil && r.desired != nil {
		p.sort(r.desired)
		return nil
	}
	objects, err := desired.Prepare(ctx, p.app, r.objects, p.id, desired.Cluster{Kind: p.Cluster.KindOr, Refused: p.guardInstance})
	first := err == nil && r.desired == nil
	if first {
		p.tellMisunderstood(objects)
	}
	p.sort(objects)
	if err == nil {
		err = p.keepHooks(first)
	}
	r.desired = objects
	defined, _ := desired.DefinedKinds(p.app.Allow, r.objects) // prepare told what is wrong
	for _, k := range defined {
		p.newKinds[k] = true
	}
	return err
}

func (p *pass) fetched(rev source.Revision) {
	p.revision = revisionOf(rev)
	p.Report.Revision = p.revision
	p.tip = rev
}

func revisionOf(rev source.Revision) report.Revision {
	return report.Revision{Commit: rev.Commit, Ref: rev.Ref, Author: rev.Author, Subject: rev.Subject, Signer: rev.Signer, Time: rev.Time}
}

func (p *pass) openTree(ctx context.Context) (*Tree, error) {
	if p.opts.open != nil {
		return p.opts.open(ctx, p.commit)
	}
	return p.Source.Open(ctx, p.commit)
}

// renderCommit fetches and renders, and keeps the result for the next passes of a loop.
func (p *pass) renderCommit(ctx context.Context) (*rendering, error) {
	if p.isSlow(p.commit) {
		return nil, errSlow
	}
	tree, err := p.openTree(ctx)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	p.fetched(tree.Revision)
	if p.listed == nil {
		p.Say(report.Fetched, "%s", p.fetchedText(revisionOf(tree.Revision), p.rec.Revision.Commit))
	}
	options, err := p.renderOptions(ctx, tree.Root)
	if err != nil {
		return nil, err
	}
	if r := p.carry(tree, options); r != nil {
		return r, nil
	}
	if len(p.rec.Rows) == 0 { // all kinds are new
		go p.Cluster.Discover(ctx)
	}
	if p.isSlow("") {
		p.noteSlow()
		return nil, errSlow
	}
	r, err := p.renderTree(ctx, tree, options, p.slice())
	if err != nil {
		return nil, err
	}
	if p.listed == nil {
		p.Say(report.Rendered, "%s from %s", report.Plural(len(r.objects), "object"), p.app.Path)
	}
	return r, nil
}

// renderTree renders a checkout for at most slice, without such a bound when that is 0, and keeps the result: the objects, or why
// there are none.
func (p *pass) renderTree(ctx context.Context, tree *Tree, options render.Options, slice time.Duration) (*rendering, error) {
	dir := p.Render
	if dir == nil {
		dir = render.Dir
	}
	given, paths, asked, charts := options, []string(nil), []string(nil), []record.Chart(nil)
	options.Asked = func(names []string) { asked = names }
	options.Inputs = func(read []string) { paths = read }
	options.Fetched = func(d render.Dependency) error {
		c := chartOf(d)
		charts = append(charts, c)
		return p.checkChart(c)
	}
	options.Limits.Time = p.renderTime()
	within, cancel := ctx, func() {}
	if slice > 0 {
		within, cancel = context.WithTimeout(ctx, slice)
	}
	defer cancel()
	started := p.Now()
	objects, err := dir(within, tree.Root, p.app.Path, options)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, err
	case within.Err() != nil && err != nil:
		if p.opts.ranOut != nil {
			p.opts.ranOut.Add(1)
		}
		p.noteSlow()
		return nil, errSlow
	}
	p.wasSlow(p.Now().Sub(started))
	if err != nil {
		p.memory().noteFailure(p.app.Name, p.commit, p.config, tree.Revision, p.Now(), err)
		return nil, err
	}
	r := &rendering{p.commit, p.config, objects, tree.Revision, nil, inputsOf(tree, paths, given), charts,
		inVain(asked, given.Capabilities.APIVersions, objects)}
	p.memory().keep(p.app.Name, r)
	return r, nil
}

func (r *Reconciler) fetchedText(rev report.Revision, before string) string {
	was := ""
	if before != "" && before != rev.Commit {
		was = " (was " + report.Revision{Commit: before}.Short() + ")"
	}
	return fmt.Sprintf("%s %s%s  %q", r.From.Repo, rev.Short(), was, rev.Subject)
}
