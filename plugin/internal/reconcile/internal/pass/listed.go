package pass

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// settings are what the record names beside the source of the app.
func (p ending) settings() record.Settings {
	s := record.Settings{Namespace: p.App.Namespace, PlainSecrets: p.App.AllowPlainSecrets}
	if !p.Listed.IsOwn() {
		s.List, s.Listed = p.Listed.dir, p.Listed.setting
	}
	return s
}

// noteBefore writes into the record the commit that the objects equal before anything is written. If no commit changed the app
// for long, only the list of apps has that commit, and an interrupted run does not save the list.
func (p writing) noteBefore() {
	l, was := p.Listed, p.Record.Revision.Commit
	switch {
	case l == nil || was == "":
		return
	case l.AppliedAt != nil:
		p.Record.NoteRevision(*l.AppliedAt)
	case l.AppliedBefore != "" && l.AppliedBefore != was:
		p.Record.NoteRevision(report.Revision{Commit: l.AppliedBefore, Ref: p.Record.Revision.Ref})
	}
	l.recorded = was
}

// NewListed returns a pass for an app of the gitops.yaml in dir. opts.Timeout is the budget where the settings have none.
func NewListed(ctx context.Context, e *Env, a app.App, dir string, opts Options) (*Pass, error) {
	said := a
	said.Suspend = false // it shapes nothing that is applied, and the list of apps has it
	raw, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	config := e.Settings(said, "")
	a.Timeout = cmp.Or(a.Timeout, opts.Timeout, app.DefaultTimeout)
	p := New(ctx, e, a, opts)
	p.Config, p.timeout, p.Teller.Listed = config, said.Timeout, true
	p.Listed = &Listed{dir: dir, setting: raw}
	return p, nil
}

// NewOwn returns a pass for an app that no gitops.yaml lists, as part of a run.
func NewOwn(ctx context.Context, e *Env, a app.App, opts Options) *Pass {
	p := New(ctx, e, a, opts)
	p.Listed = &Listed{own: true}
	return p
}
