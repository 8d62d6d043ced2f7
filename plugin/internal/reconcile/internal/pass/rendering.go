package pass

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Render renders the app and sorts its objects. Errors are those of build.Builder.Build, or manifest.Problems.
func (p reading) Render(ctx context.Context) error {
	r, err := p.Builder().Build(ctx)
	if err != nil {
		p.unrendered = err
		if errors.Is(err, build.ErrSlow) && !p.Listed.IsOwn() {
			p.Listed.State = WaitsForRender
		}
		return err
	}
	p.fetched(r.Revision)
	p.Built = *r
	p.Hide(r.Objects)
	if p.Opts.Only != nil && r.Desired != nil {
		p.sort(r.Desired)
		return nil
	}
	objects, err := desired.Prepare(ctx, p.App, r.Objects, p.Set, desired.Cluster{Kind: p.Cluster.KindOr, Refused: p.instance().Guard})
	first := err == nil && r.Desired == nil
	if first {
		p.tellMisunderstood(objects)
	}
	p.sort(objects)
	if err == nil {
		err = p.keepHooks(first)
	}
	r.Desired = objects
	defined, _ := desired.DefinedKinds(p.App.Allow, r.Objects) // Prepare has returned its errors
	for _, k := range defined {
		p.NewKinds[k] = true
	}
	return err
}

// fetched notes the commit with its message.
func (p *Pass) fetched(rev source.Revision) {
	p.Revision = build.RevisionOf(rev)
	p.Report.Revision = p.Revision
	p.Tip = rev
}

// OpenTree opens the checkout of the commit. The caller closes it.
func (p *Pass) OpenTree(ctx context.Context) (*source.Tree, error) {
	if p.Opts.Open != nil {
		return p.Opts.Open(ctx, p.Commit)
	}
	return p.Source.Open(ctx, p.Commit)
}

// Builder returns what renders the app, with what the pass knows by now.
func (p *Pass) Builder() *build.Builder {
	return &build.Builder{Renders: p.Env.Renders, Client: p.Cluster, Now: p.Now, Say: p.Teller, Dir: p.Render, Open: p.OpenTree, Fetched: p.fetched,
		App: p.App, Vars: p.vars, Config: p.Config, Commit: p.Commit, Repo: p.From.Repo, Record: p.Record, Brought: p.Brought, Followed: p.Followed,
		Listed: !p.Listed.IsOwn(), Loop: p.Opts.Loop, DryRun: p.Opts.DryRun, Upgrade: p.Opts.Upgrade, RanOut: p.Opts.RanOut}
}

// Follow finds out what the branches of the app's sources point at.
func (p *Pass) Follow(ctx context.Context) (err error) {
	if p.Opts.Resolve != nil {
		f := build.Follower{App: p.App, Record: p.Record, Config: p.Config, Say: p.Teller, Open: p.OpenTree}
		p.Followed, p.Config, err = f.Follow(ctx, p.Opts.Resolve)
	}
	return err
}

// Variables reads the variables of the app from ConfigMaps and Secrets, in every run: a change renders the app anew.
func (p reading) Variables(ctx context.Context) error {
	read, err := (&build.VariableReader{Client: p.Cluster, Namespace: p.Records.Namespace, App: p.App, IsCredentials: p.instance().IsCredentials}).Read(ctx)
	if read == nil || err != nil {
		return err
	}
	p.vars, p.Hidden = read, sealed.New(sealed.Lines(read.Hidden()))
	a := p.App
	a.Timeout = p.timeout
	p.Config = p.Settings(a, read.Version)
	return nil
}
