package pass

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Most commits concern few apps. The inputs of an app say which: the files that a render read or looked for, by Git's names
// for their content, and its options. The record keeps them while its rows are exactly what was rendered. An app with the
// recorded inputs at a new commit is compared as at the recorded commit. Settings and the version of the tool are compared too.

// inputsUnchanged reports whether a render of the new commit would give what the record holds. It is false after a failure.
func (p reading) inputsUnchanged(ctx context.Context) bool {
	in := p.Record.Inputs
	sure := p.Record.AllHealthy
	if !p.Listed.IsOwn() {
		sure = p.Listed.AppliedAt != nil
	}
	if in == nil || !sure || p.Opts.Only != nil {
		return false
	}
	return p.Builder().Unchanged(ctx, in)
}

// noteUnchanged ends the pass of an app whose inputs the new commit does not change.
func (p reading) noteUnchanged() {
	if !p.Listed.IsOwn() {
		p.Listed.State = InputsUnchanged // the list of apps names the commit for all of them
		return
	}
	p.Say(report.Fetched, "%s, which does not touch %s", build.FetchedText(p.From.Repo, p.Revision, p.Record.Revision.Commit), p.App.Place())
	p.Record.NoteRevision(p.Revision)
	p.moved = true
}

// noteInputs records what the app was rendered from: the charts, and all inputs if the rows are exactly what was rendered.
func (p ending) noteInputs() {
	inputs := p.Built.Inputs
	if p.deferred || len(p.ignored) > 0 || len(p.Desired) != p.Record.Len() {
		inputs = nil
	}
	for _, o := range p.Desired {
		if _, recorded := p.Record.Row(o.Key()); !recorded {
			inputs = nil
		}
	}
	if trees := p.Record.NoteTrees(p.Built.Trees); p.Record.NoteInputs(inputs, p.Built.Charts, p.Built.Asked) || trees {
		p.moved = true
	}
}

// installed makes later renders ask the API server again about kinds, after a CRD was created.
func (p writing) installed(k object.Key) {
	if k.Kind == "CustomResourceDefinition" && k.Group == "apiextensions.k8s.io" {
		p.Env.Renders.ForgetCustom()
	}
}
