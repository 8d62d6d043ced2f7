package reconcile

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

func (p reading) render(ctx context.Context) error {
	r, err := p.builder().Build(ctx)
	if err != nil {
		p.unrendered = err
		if errors.Is(err, build.ErrSlow) && p.listed != nil {
			p.listed.slow = true
		}
		return err
	}
	p.fetched(r.Revision)
	p.built = *r
	p.Hide(r.Objects)
	if p.opts.drift != nil && r.Desired != nil {
		p.sort(r.Desired)
		return nil
	}
	objects, err := desired.Prepare(ctx, p.app, r.Objects, p.id, desired.Cluster{Kind: p.Cluster.KindOr, Refused: p.guardInstance})
	first := err == nil && r.Desired == nil
	if first {
		p.tellMisunderstood(objects)
	}
	p.sort(objects)
	if err == nil {
		err = p.keepHooks(first)
	}
	r.Desired = objects
	defined, _ := desired.DefinedKinds(p.app.Allow, r.Objects) // prepare told what is wrong
	for _, k := range defined {
		p.newKinds[k] = true
	}
	return err
}

func (p *pass) fetched(rev source.Revision) {
	p.revision = build.RevisionOf(rev)
	p.Report.Revision = p.revision
	p.tip = rev
}

func (p *pass) openTree(ctx context.Context) (*source.Tree, error) {
	if p.opts.open != nil {
		return p.opts.open(ctx, p.commit)
	}
	return p.Source.Open(ctx, p.commit)
}

// builder renders with what the pass knows by now.
func (p *pass) builder() *build.Builder {
	return &build.Builder{Renders: p.env.renders, Client: p.Cluster, Now: p.Now, Say: p.Teller, Dir: p.Render, Open: p.openTree, Fetched: p.fetched,
		App: p.app, Vars: p.vars, Config: p.config, Commit: p.commit, Repo: p.From.Repo, Record: p.rec, Brought: p.brought,
		Listed: p.listed != nil, Loop: p.opts.Loop, DryRun: p.opts.DryRun, RanOut: p.opts.ranOut}
}

// variables reads what the app's variables are. They are asked for in every pass, so that a change of one renders the app anew.
func (p reading) variables(ctx context.Context) error {
	read, err := (&build.VariableReader{Client: p.Cluster, Namespace: p.Records.Namespace, App: p.app, IsCredentials: p.isCredentials}).Read(ctx)
	if read == nil || err != nil {
		return err
	}
	p.vars, p.Hidden = read, sealed.New(sealed.Lines(read.Hidden()))
	a := p.app
	a.Timeout = p.timeout
	p.config = p.settings(a, read.Version)
	return nil
}
