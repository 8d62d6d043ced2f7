package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// removal is an app that left gitops.yaml, as its record has it.
type removal struct {
	app   App
	rec   *record.Record
	hooks []*desired.Object
	first []string // the apps that are removed before it, if they leave too
}

// removals lists the apps that left gitops.yaml in the order of their removal: each after those that depend on it, and
// after those whose hooks live in what it holds.
func (rd observing) removals() []*removal {
	if rd.revertOnly {
		return nil // nobody knows
	}
	var all []*removal
	for name, rec := range rd.records {
		if rd.finding().lists(rec) && !slices.ContainsFunc(rd.apps, func(a App) bool { return a.Name == name }) {
			hooks, _ := plan.KeptHooks(rec) // what cannot be read is told when they are to run
			all = append(all, &removal{app: recorded.Settings(rec), rec: rec, hooks: hooks})
		}
	}
	slices.SortFunc(all, holdersLast)
	return inOrder(all)
}

// RemovalOrder returns the names of apps in the order of their removal, as a run removes apps that leave gitops.yaml
// together. records are those of the instance; an app without one is in no other's way.
func RemovalOrder(names []string, records map[string]*record.Record) []string {
	var all []*removal
	for _, name := range names {
		l := &removal{app: App{Name: name}, rec: records[name]}
		if l.rec == nil || l.rec.Inventory == nil {
			l.rec = &record.Record{Inventory: &record.Inventory{}}
		} else {
			l.app = recorded.Settings(l.rec)
			l.hooks, _ = plan.KeptHooks(l.rec) // what cannot be read is told when they are to run
		}
		all = append(all, l)
	}
	slices.SortFunc(all, holdersLast)
	var out []string
	for _, l := range inOrder(all) {
		out = append(out, l.app.Name)
	}
	return out
}

// inOrder takes from rest whatever nothing else in it has to go before. In a circle, which only records of different
// commits can make, nobody waits for those behind him.
func inOrder(rest []*removal) []*removal {
	var out []*removal
	for len(rest) > 0 {
		i := max(0, slices.IndexFunc(rest, func(l *removal) bool {
			return !slices.ContainsFunc(rest, func(other *removal) bool { return other.goesBefore(l) })
		}))
		next := rest[i]
		for _, l := range out {
			if l.goesBefore(next) {
				next.first = append(next.first, l.app.Name)
			}
		}
		out, rest = append(out, next), slices.Delete(rest, i, i+1)
	}
	return out
}

// goesBefore tells whether other is removed after l. Where both say that of each other, hooks have the last word: with
// their Namespace they would be gone without having run.
func (l *removal) goesBefore(other *removal) bool {
	return other.hostsHooksOf(l) || slices.Contains(l.app.DependsOn, other.app.Name) && !l.hostsHooksOf(other)
}

// hostsHooksOf tells whether other has hooks that run when it is removed, and it or they live in what l holds.
func (l *removal) hostsHooksOf(other *removal) bool {
	if l == other || len(other.rec.Kept) == 0 {
		return false
	}
	var inside []cluster.Ref
	for _, o := range other.hooks {
		inside = append(inside, o.Ref)
	}
	for _, row := range other.rec.Rows {
		inside = append(inside, row.Ref)
	}
	for _, row := range l.rec.Rows {
		if record.HoldsOthers(row.Ref.Kind) && slices.ContainsFunc(inside, func(ref cluster.Ref) bool { return record.Contains(row.Ref, ref) }) {
			return true
		}
	}
	return false
}

// holdersLast puts apps that hold Namespaces or CustomResourceDefinitions behind those that may live in them, and apps
// without a service account behind those with one, whose rights they may hold.
func holdersLast(a, b *removal) int {
	holds := func(l *removal) int {
		for _, row := range l.rec.Rows {
			if record.HoldsOthers(row.Ref.Kind) {
				return 1
			}
		}
		return 0
	}
	bare := func(l *removal) int {
		if l.app.ServiceAccount == "" {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(holds(a), holds(b)), cmp.Compare(bare(a), bare(b)), strings.Compare(a.app.Name, b.app.Name))
}

// removedFirst lists the apps that have to be removed before p and are not yet.
func (rd working) removedFirst(p *pass.Pass) []*pass.Pass {
	var first []*pass.Pass
	for _, q := range rd.passes {
		if slices.Contains(p.Listed.RemovedAfter, q.App.Name) && !pass.IsRemoved(q) {
			first = append(first, q)
		}
	}
	return first
}
