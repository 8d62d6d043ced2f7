package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// A render that exceeds a limit takes minutes, and the other apps of the run wait for it. The list of apps remembers that, so that
// one app does not hold up the others at every pass.

// costlyAgain is how long an app whose render exceeded a limit is left alone at the same commit: the machine may have been busy.
const costlyAgain = time.Hour

// costly returns what the list remembers of a render of the app that exceeded a limit and would again, nil when it should be tried.
func costly(list *record.AppList, app, commit, tool, config string, now time.Time) *record.Behind {
	if list == nil || list.Revision.Commit != commit || list.Tool != tool {
		return nil
	}
	b, behind := list.IsBehind(app)
	if !behind || !b.Failed || b.Rendered == nil || b.Config != config || !now.Before(b.Rendered.Add(costlyAgain)) || now.Before(*b.Rendered) {
		return nil
	}
	return &b
}

// renderUnlessCostly renders what one app of several is to hold. Runs that a person starts always do.
func (rd *round) renderUnlessCostly(ctx context.Context, p *pass) {
	if p.listed.retired {
		return
	}
	if rd.opts.Loop && !rd.opts.DryRun {
		if b := costly(rd.list, p.app.Name, p.commit, rd.Tool, p.config, rd.Now()); b != nil {
			p.listed.costly = b.Rendered
			p.failure = hint.Errorf(b.Message, "it is rendered again at the next commit, after an hour, or by `kubectl gitops reconcile %s`", p.app.Name)
			return
		}
	}
	p.renderListed(ctx)
	if errors.Is(p.failure, render.ErrLimit) {
		now := rd.Now().UTC().Truncate(time.Second)
		p.listed.costly = &now
	}
}
