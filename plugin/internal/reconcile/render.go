package reconcile

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// renderOpen renders the apps in open. It then renders the apps with unchanged inputs that hold an object which one of these
// claims: only the files say whether both define it. It returns all apps that were rendered.
func (r deciding) renderOpen(ctx context.Context, open []*pass.Pass) []*pass.Pass {
	for next := open; len(next) > 0; open = append(open, next...) {
		r.fetchFor(ctx, next)
		concurrent.Each(ctx, len(next), build.AtOnce, func(i int) { next[i].Reading().RenderListed(ctx) })
		next = r.disputed(next)
	}
	r.shareKinds(ctx, open)
	r.tellRendered(open)
	return open
}

// fetchFor fetches together what the renders of apps are going to read. Renders fetch what is missing then, and say why that
// cannot be done.
func (r deciding) fetchFor(ctx context.Context, passes []*pass.Pass) {
	tree, err := r.open(ctx, r.commit)
	if err != nil || tree.Lacking == nil {
		return
	}
	var paths []string
	for _, p := range passes {
		if !p.Listed.LeftList {
			paths = append(paths, p.Builder().Reads(ctx, tree)...)
		}
	}
	_ = tree.Fetch(ctx, paths...)
}

// disputed returns the apps with unchanged inputs that hold an object which one of claimants claims. They are no longer up to
// date.
func (r deciding) disputed(claimants []*pass.Pass) []*pass.Pass {
	claimed := map[object.Key]bool{}
	for _, p := range claimants {
		for _, k := range pass.Claimed(p) {
			claimed[k] = true
		}
	}
	var again []*pass.Pass
	for _, p := range r.passes {
		if p.Listed.State == pass.InputsUnchanged && slices.ContainsFunc(pass.Claimed(p), func(k object.Key) bool { return claimed[k] }) {
			p.Listed.State = pass.Open
			p.Report.Counts = report.Counts{}
			again = append(again, p)
		}
	}
	return again
}

// tellRendered emits how many apps were rendered, when others were not.
func (r deciding) tellRendered(open []*pass.Pass) {
	if !slices.ContainsFunc(r.passes, func(p *pass.Pass) bool { return p.Listed.State == pass.InputsUnchanged }) {
		return
	}
	inGit := func(passes []*pass.Pass) int {
		return len(slices.DeleteFunc(slices.Clone(passes), func(p *pass.Pass) bool { return p.Listed.LeftList }))
	}
	r.tell(report.Rendered, "", "%d of %s: the commit does not touch the others", inGit(open), report.Plural(inGit(r.passes), "app"))
}
