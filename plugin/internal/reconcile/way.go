package reconcile

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func (p *pass) hasWork() bool {
	l := p.listed
	return p.failure == nil && !l.idle && !l.aside && !l.applied && (p.plan != nil || l.late)
}

// allDone tells whether nothing is left to wait for: all is applied and healthy, and no hook is due.
func (p *pass) allDone() bool {
	return len(p.exec.Failed) == 0 && !p.hooks.AreDue() && len(p.track.Unhealthy(p.keys())) == 0
}

// behind tells why the objects of an app do not all equal the commit, or why one that left still has some.
func (p ending) behind() (record.Behind, bool) {
	b := record.Behind{App: p.app.Name}
	l := p.listed
	if p.rec != nil {
		b.At = cmp.Or(l.before, p.at(p.rec).Commit)
	}
	switch {
	case l.gone:
		return b, false
	case p.failure != nil && l.applied && len(p.exec.Failed) == 0 && !l.retired && l.keeps == "":
		return b, false // all is applied; that it is not healthy is in its own record
	case p.failure != nil:
		b.Failed, b.Message = true, p.Report.Message
	case l.waits != "":
		b.Message = l.waits
	case l.keeps != "":
		b.Message = l.keeps
	case l.retired:
		b.Message = "it left gitops.yaml and still has objects"
	default:
		return b, false
	}
	b.Message, _, _ = strings.Cut(b.Message, "\n")
	p.noteRender(&b)
	return b, true
}

// isRemoved tells whether nothing is left of an app that left gitops.yaml. What another app takes over is none of its
// objects any more.
func (p *pass) isRemoved() bool {
	if p.failure != nil || !p.listed.applied {
		return false
	}
	for k := range p.rec.Rows {
		if !p.HandsOver[k] && !p.opts.DryRun {
			return false
		}
	}
	return true
}

// inTheWay says why an app that has to be removed after p waits.
func (p *pass) inTheWay() string {
	text := fmt.Sprintf("waits until the app %s is removed", p.app.Name)
	switch {
	case p.failure != nil:
		text += ", which failed"
	case p.listed.suspended:
		text += "; that one is suspended"
	}
	return text
}

// waitForRender lets an app wait for its render.
func (p *pass) waitForRender() {
	p.listed.late, p.listed.waits, p.failure = false, build.ErrSlow.Error(), nil
}

// noteRender adds to what the list says of an app how its render went.
func (p ending) noteRender(b *record.Behind) {
	if p.unrendered == nil {
		return
	}
	p.env.renders.Describe(p.app.Name, p.commit, p.config, p.failure != nil, p.listed.slow, b)
}

// dependencyError skips an app for the sake of another one.
type dependencyError struct{ app, why string }

// Error names the app that is in the way.
func (e *dependencyError) Error() string {
	return fmt.Sprintf("skipped: it depends on the app %s, %s", e.app, e.why)
}
