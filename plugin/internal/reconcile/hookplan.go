package reconcile

import (
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// hooksOf lists the hooks of one phase in the order they run: by wave, then what others need first, then by name.
func (p *pass) hooksOf(phase string) []*desired.Object {
	return desired.HooksOf(p.hooks, phase, p.rec.Due)
}

// planHooks finds out whether the hooks of this commit are to run: when the manifests of the app, hooks among them,
// are others than those whose hooks have all run. What an older version of this tool applied counts as run.
func (p *pass) planHooks() {
	if p.opts.drift != nil || p.retired() || len(p.hooks) == 0 && p.rec.Hooks.Release == "" && len(p.rec.Runs) == 0 && p.rec.Due == "" {
		return
	}
	p.manifests = p.releaseHash()
	applied := p.rec.Revision.Commit
	if p.rec.Rebuilt && p.rec.Report != nil {
		applied = p.rec.Report.Revision.Commit
	}
	switch {
	case p.rec.Hooks.Release == p.manifests && p.rec.Due == "", p.rec.Hooks.Release == "" && applied == p.commit && p.rec.Due == "":
		p.rec.Hooks.Release = p.manifests
		return
	case p.rec.Due == "" && applied == "" && !p.rec.Rebuilt:
		p.newlyDue, p.dueFor = true, record.HooksInstall
	case p.rec.Due == "":
		p.newlyDue, p.dueFor = true, record.HooksUpgrade
	case p.rec.Due == record.HooksDelete && len(p.rec.Rows) == 0: // it was about to be removed, and is back
		p.newlyDue, p.dueFor = true, record.HooksInstall
	case p.rec.Due == record.HooksDelete:
		p.newlyDue, p.dueFor = true, record.HooksUpgrade
	default:
		p.dueFor = p.rec.Due
	}
	if p.opts.DryRun {
		p.rec.Due = p.dueFor
	}
}

// releaseHash is a keyed hash of all manifests of the app.
func (p *pass) releaseHash() string {
	var lines []string
	for _, list := range [][]*desired.Object{p.desired, p.hooks} {
		for _, o := range list {
			lines = append(lines, o.ID()+" "+o.Manifest.GetGenerateName()+" "+p.rec.Hash(o.Body))
		}
	}
	slices.Sort(lines)
	return p.rec.Hash([]byte(strings.Join(lines, "\n")))
}

// hooksDue tells whether hooks are to run in this pass.
func (p *pass) hooksDue() bool { return p.dueFor != "" }

// tellHooks reports in a dry run which hooks would run.
func (p *pass) tellHooks() {
	for _, phase := range []string{desired.PreDelete, desired.PreSync, desired.Sync, desired.PostSync, desired.PostDelete} {
		for _, o := range p.hooksOf(phase) {
			p.Change(report.Change{Object: o.ID(), Short: p.shortOf(o), Origin: o.Origin.String(), Action: report.Skipped,
				Note: phase + " hook: a dry run does not run it"})
		}
	}
}

func (p *pass) shortOf(o *desired.Object) string { return p.Short(nameGiven(o)) }

// nameGiven is what a hook is called in Git, which may be the beginning of its name only.
func nameGiven(o *desired.Object) object.Ref {
	ref := o.Ref
	ref.Name = desired.HookName(o)
	return ref
}
