package reconcile

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

func (p *pass) render(ctx context.Context) error {
	r, err := p.builder().build(ctx)
	if err != nil {
		p.unrendered = err
		if errors.Is(err, errSlow) && p.listed != nil {
			p.listed.slow = true
		}
		return err
	}
	p.fetched(r.revision)
	p.built = *r
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

// builder renders with what the pass knows by now.
func (p *pass) builder() *builder {
	return &builder{renders: p.memory().renders, client: p.Cluster, now: p.Now, say: p.Teller, dir: p.Render, open: p.openTree, fetched: p.fetched,
		app: p.app, vars: p.vars, config: p.config, commit: p.commit, repo: p.From.Repo, rec: p.rec, brought: p.brought,
		listed: p.listed != nil, loop: p.opts.Loop, dryRun: p.opts.DryRun, ranOut: p.opts.ranOut}
}

// variables reads what the app's variables are. They are asked for in every pass, so that a change of one renders the app anew.
func (p *pass) variables(ctx context.Context) error {
	read, err := (&variableReader{p.Cluster, p.Records.Namespace, p.app, p.isCredentials}).read(ctx)
	if read == nil || err != nil {
		return err
	}
	p.vars, p.Hidden = read, sealed.New(sealed.Lines(read.hidden()))
	a := p.app
	a.Timeout = p.timeout
	p.config = p.settings(a, read.version)
	return nil
}
