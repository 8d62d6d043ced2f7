package reconcile

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// renderOpen renders the apps in open, and then those that the commit seemed not to touch and that hold an object which
// one of these claims: the files tell whether both sides define it. It returns all that were rendered.
func (rd *round) renderOpen(ctx context.Context, open []*pass) []*pass {
	for next := open; len(next) > 0; open = append(open, next...) {
		concurrent.Each(ctx, len(next), build.AtOnce, func(i int) { next[i].reading().renderListed(ctx) })
		next = rd.disputed(next)
	}
	rd.shareKinds(ctx, open)
	rd.tellRendered(open)
	return open
}

// disputed takes up the untouched apps that hold what one of claimants claims.
func (rd *round) disputed(claimants []*pass) []*pass {
	claimed := map[record.Key]bool{}
	for _, p := range claimants {
		for _, k := range p.claimed() {
			claimed[k] = true
		}
	}
	var again []*pass
	for _, p := range rd.passes {
		if p.listed.untouched && slices.ContainsFunc(p.claimed(), func(k record.Key) bool { return claimed[k] }) {
			p.listed.untouched, p.listed.idle = false, false
			p.Report.Counts = report.Counts{}
			again = append(again, p)
		}
	}
	return again
}

// tellRendered tells how many apps were rendered, when the commit spares others.
func (rd *round) tellRendered(open []*pass) {
	if !slices.ContainsFunc(rd.passes, func(p *pass) bool { return p.listed.untouched }) {
		return
	}
	inGit := func(passes []*pass) int {
		return len(slices.DeleteFunc(slices.Clone(passes), func(p *pass) bool { return p.listed.retired }))
	}
	rd.tell(report.Rendered, "", "%d of %s: the commit does not touch the others", inGit(open), report.Plural(inGit(rd.passes), "app"))
}
