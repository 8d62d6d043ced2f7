package reconcile

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan/crossapp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

// Apps with sync: manual or suspend: true may be behind for long. The list of apps remembers what they, and the apps that depend on
// them, wait for: a run at the same commit needs neither the repository nor a render of theirs.

// waiting returns the apps that wait for somebody, given those that do so themselves.
func (r *run) waiting(itself func(*pass.Pass) bool) map[string]bool {
	dependsOn, themselves := map[string][]string{}, map[string]bool{}
	for _, p := range r.passes {
		dependsOn[p.App.Name], themselves[p.App.Name] = p.App.DependsOn, itself(p)
	}
	return crossapp.Waiting(dependsOn, themselves)
}

// noteStillWaiting notes what apps wait for as an earlier run found it at this commit, unless this run is a dry run or somebody
// names the app. It needs a list that knows of all apps: an object may have moved into an app that is not rendered.
func (r observing) noteStillWaiting() {
	if !r.known || r.opts.DryRun {
		return
	}
	waiting := r.waiting(func(p *pass.Pass) bool {
		b, _ := r.list.IsBehind(p.App.Name)
		return b.IsWaiting() && (p.App.Manual || p.App.Suspend) && !p.Opts.Named
	})
	for _, p := range r.passes {
		if b, _ := r.list.IsBehind(p.App.Name); b.IsWaiting() && waiting[p.App.Name] {
			p.Listed.StillWaits = b.Message
		}
	}
}
