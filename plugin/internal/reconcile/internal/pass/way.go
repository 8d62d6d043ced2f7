package pass

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func (p *Pass) HasWork() bool {
	l := p.Listed
	return p.Failure == nil && !l.UpToDate && !l.NotSelected && !l.Applied && (p.Plan != nil || l.WaitsForKinds)
}

// AllDone tells whether nothing is left to wait for: all is applied and healthy, and no hook is due.
func (p *Pass) AllDone() bool {
	return len(p.Exec.Failed) == 0 && !p.Hooks.AreDue() && len(p.Track.Unhealthy(p.keys())) == 0
}

// Behind tells why the objects of an app do not all equal the commit, or why one that left still has some.
func (p ending) Behind() (record.Behind, bool) {
	b := record.Behind{App: p.App.Name}
	l := p.Listed
	if p.Record != nil {
		b.At = cmp.Or(l.AppliedBefore, p.At(p.Record).Commit)
	}
	switch {
	case l.Gone:
		return b, false
	case p.Failure != nil && l.Applied && len(p.Exec.Failed) == 0 && !l.LeftList && l.NotPruned == "":
		return b, false // all is applied; that it is not healthy is in its own record
	case p.Failure != nil:
		b.Failed, b.Message = true, p.Report.Message
	case l.Waiting != "":
		b.Message = l.Waiting
	case l.NotPruned != "":
		b.Message = l.NotPruned
	case l.LeftList:
		b.Message = "it left gitops.yaml and still has objects"
	default:
		return b, false
	}
	b.Message, _, _ = strings.Cut(b.Message, "\n")
	p.noteRender(&b)
	return b, true
}

// IsRemoved tells whether nothing is left of an app that left gitops.yaml. What another app takes over is none of its
// objects any more.
func (p *Pass) IsRemoved() bool {
	if p.Failure != nil || !p.Listed.Applied {
		return false
	}
	for k := range p.Record.Rows {
		if !p.HandsOver[k] && !p.Opts.DryRun {
			return false
		}
	}
	return true
}

// WhyWaitFor says why an app that has to be removed after p waits.
func (p *Pass) WhyWaitFor() string {
	text := fmt.Sprintf("waits until the app %s is removed", p.App.Name)
	switch {
	case p.Failure != nil:
		text += ", which failed"
	case p.Listed.Suspended:
		text += "; that one is suspended"
	}
	return text
}

// WaitForRender lets an app wait for its render.
func (p *Pass) WaitForRender() {
	p.Listed.WaitsForKinds, p.Listed.Waiting, p.Failure = false, build.ErrSlow.Error(), nil
}

// noteRender adds to what the list says of an app how its render went.
func (p ending) noteRender(b *record.Behind) {
	if p.unrendered == nil {
		return
	}
	p.Env.Renders.Describe(p.App.Name, p.Commit, p.Config, p.Failure != nil, p.Listed.WaitsForRender, b)
}

// DependencyError skips an app for the sake of another one.
type DependencyError struct{ App, Why string }

// Error names the app that is in the way.
func (e *DependencyError) Error() string {
	return fmt.Sprintf("skipped: it depends on the app %s, %s", e.App, e.Why)
}
