package reconcile

import (
	"context"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// rendering is the last commit that was rendered, with what it was rendered for.
type rendering struct {
	commit, settings string
	objects          []render.Object
	revision         source.Revision
	desired          []*object // the objects, prepared
}

func (p *pass) render(ctx context.Context) error {
	if r := p.rendered; r.commit != p.commit || r.settings != p.settings(p.app) {
		if err := p.renderCommit(ctx); err != nil {
			return err
		}
	}
	p.fetched(p.rendered.revision)
	if p.opts.drift != nil && p.rendered.desired != nil {
		p.sort(p.rendered.desired)
		return nil
	}
	objects, err := p.prepare(ctx, p.app, p.rendered.objects)
	if err == nil && p.rendered.desired == nil {
		p.tellMisunderstood(objects)
	}
	p.sort(objects)
	p.rendered.desired = objects
	for _, k := range definedKinds(p.rendered.objects) {
		p.newKinds[k] = true
	}
	return err
}

func (p *pass) fetched(rev source.Revision) {
	p.revision = record.Revision{Commit: rev.Commit, Ref: rev.Ref, Author: rev.Author, Subject: rev.Subject, Signer: rev.Signer, Time: rev.Time}
	p.report.Revision = p.revision
	p.message = rev.Subject + "\n\n" + rev.Body
}

// renderCommit fetches and renders, and keeps the result for the next passes of a loop.
func (p *pass) renderCommit(ctx context.Context) error {
	tree, err := p.Source.Open(ctx, p.commit)
	if err != nil {
		return err
	}
	defer tree.Close()
	p.fetched(tree.Revision)
	p.tell(Fetched, p.app.Name, "%s", p.fetchedText(tree.Revision))
	dir := p.Render
	if dir == nil {
		dir = render.Dir
	}
	options, err := p.renderOptions(ctx, tree.Root)
	if err != nil {
		return err
	}
	objects, err := dir(ctx, tree.Root, p.app.Path, options)
	if err != nil {
		return err
	}
	p.rendered = rendering{p.commit, p.settings(p.app), objects, tree.Revision, nil}
	p.tell(Rendered, p.app.Name, "%s from %s", plural(len(objects), "object"), p.app.Path)
	return nil
}

func (p *pass) fetchedText(rev source.Revision) string {
	was := ""
	if prev := p.rec.Revision; prev.Commit != "" && prev.Commit != rev.Commit {
		was = " (was " + record.Revision{Commit: prev.Commit}.Short() + ")"
	}
	short := record.Revision{Commit: rev.Commit, Ref: rev.Ref}.Short()
	return fmt.Sprintf("%s %s%s  %q", p.From.Repo, short, was, rev.Subject)
}
