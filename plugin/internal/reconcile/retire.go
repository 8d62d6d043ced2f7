package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// guardRetired holds the apps that left gitops.yaml in one commit to one deletion budget. Each alone may be too small for
// its own: a directory that moved away from under a glob takes many with it.
func (rd *round) guardRetired() {
	var leaving []*pass
	var doomed []removal
	for _, p := range rd.passes {
		if !p.listed.retired || p.listed.aside || p.failure != nil || p.plan == nil || p.goesOn() {
			continue
		}
		if gone, _ := p.plan.doomed(); len(gone) > 0 {
			leaving, doomed = append(leaving, p), append(doomed, gone...)
		}
	}
	total := 0
	for _, rec := range rd.records {
		if rd.lists(rec) {
			total += len(rec.Rows)
		}
	}
	n, budget := len(doomed), DefaultBudget
	small := n <= budget.Count && (n <= budget.Free || n*100 <= budget.Percent*total)
	if len(leaving) < 2 || small || allowedDeletions(rd.message) >= n {
		return
	}
	err := hint.Errorf(fmt.Sprintf("refused to prune %s of %s that left gitops.yaml together: the deletion budget is %d objects and %d %% of %d\n%s",
		plural(n, "object"), plural(len(leaving), "app"), budget.Count, budget.Percent, total, listOf(doomed)),
		"nothing was pruned; if it is meant, commit with the trailer %s: %d", trailerAllow, n)
	for _, p := range leaving {
		p.failure = err
	}
}

// removedFirst lists the apps that leave gitops.yaml together with p and whose hooks must have run before p is removed:
// they live in Namespaces of p, or are of kinds that it defines.
func (rd *round) removedFirst(p *pass) []*pass {
	var first []*pass
	for _, q := range rd.passes {
		if q == p {
			break // two apps do not wait for each other
		}
		if p.retired() && q.retired() && p.rec != nil && q.rec != nil && len(q.rec.Kept) > 0 && p.hostsAny(q) {
			first = append(first, q)
		}
	}
	return first
}

// hostsAny tells whether an object of q, or one of its hooks, lives in what p holds.
func (p *pass) hostsAny(q *pass) bool {
	var inside []cluster.Ref
	for _, o := range q.hooks {
		inside = append(inside, o.Ref)
	}
	for _, row := range q.rec.Rows {
		inside = append(inside, row.Ref)
	}
	for _, row := range p.rec.Rows {
		if record.HoldsOthers(row.Ref.Kind) && slices.ContainsFunc(inside, func(ref cluster.Ref) bool { return hosts(row.Ref, ref) }) {
			return true
		}
	}
	return false
}

// hosts tells whether deleting the one object takes the other along: it is its Namespace, or defines its kind.
func hosts(holder, ref cluster.Ref) bool {
	if !record.HoldsOthers(holder.Kind) {
		return false
	}
	if holder.Kind.Kind == "Namespace" {
		return ref.Namespace == holder.Name
	}
	return ref.Resource+"."+ref.Group == holder.Name
}

// holdersLast puts apps that hold Namespaces or CustomResourceDefinitions behind those that may live in them.
func (rd *round) holdersLast(a, b string) int {
	holds := func(name string) int {
		for _, row := range rd.records[name].Rows {
			if record.HoldsOthers(row.Ref.Kind) {
				return 1
			}
		}
		return 0
	}
	return cmp.Or(cmp.Compare(holds(a), holds(b)), strings.Compare(a, b))
}
