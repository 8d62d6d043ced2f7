package crossapp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Removal is an app that is removed, as its record has it.
type Removal struct {
	App    app.App
	Record *record.Record
	After  []string // the apps that are removed before it

	hooks []*desired.Object // of its removal
}

// RemovalOrder puts apps that are removed together in order: each after those that depend on it, and after those whose hooks live in
// what it holds. It fills in After. An app with a nil record is in no other's way.
func RemovalOrder(apps []*Removal) []*Removal {
	apps = slices.Clone(apps)
	for _, r := range apps {
		if r.Record == nil || r.Record.Inventory == nil {
			r.Record = &record.Record{Inventory: &record.Inventory{}}
		}
		r.hooks, _ = plan.KeptHooks(r.Record) // what cannot be read is told when they are to run
	}
	slices.SortFunc(apps, containersLast)
	return inOrder(apps)
}

// inOrder takes from rest whatever nothing else in it has to go before. In a circle, which only records of different
// commits can make, nobody waits for those behind him.
func inOrder(rest []*Removal) []*Removal {
	var out []*Removal
	for len(rest) > 0 {
		i := max(0, slices.IndexFunc(rest, func(l *Removal) bool {
			return !slices.ContainsFunc(rest, func(other *Removal) bool { return other.goesBefore(l) })
		}))
		next := rest[i]
		for _, l := range out {
			if l.goesBefore(next) {
				next.After = append(next.After, l.App.Name)
			}
		}
		out, rest = append(out, next), slices.Delete(rest, i, i+1)
	}
	return out
}

// goesBefore tells whether other is removed after l. Where both say that of each other, hooks have the last word: with
// their Namespace they would be gone without having run.
func (l *Removal) goesBefore(other *Removal) bool {
	return other.containsHooksOf(l) || slices.Contains(l.App.DependsOn, other.App.Name) && !l.containsHooksOf(other)
}

// containsHooksOf tells whether other has hooks that run when it is removed, and it or they live in what l holds.
func (l *Removal) containsHooksOf(other *Removal) bool {
	if l == other || len(other.Record.Kept) == 0 {
		return false
	}
	var inside []object.Ref
	for _, o := range other.hooks {
		inside = append(inside, o.Ref)
	}
	for _, row := range other.Record.All() {
		inside = append(inside, row.Ref)
	}
	for _, row := range l.Record.All() {
		if record.IsContainer(row.Ref.Kind) && slices.ContainsFunc(inside, func(ref object.Ref) bool { return record.Contains(row.Ref, ref) }) {
			return true
		}
	}
	return false
}

// containersLast puts apps that hold Namespaces or CustomResourceDefinitions behind those that may live in them, and apps
// without a service account behind those with one, whose rights they may hold.
func containersLast(a, b *Removal) int {
	holds := func(l *Removal) int {
		for _, row := range l.Record.All() {
			if record.IsContainer(row.Ref.Kind) {
				return 1
			}
		}
		return 0
	}
	bare := func(l *Removal) int {
		if l.App.ServiceAccount == "" {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(holds(a), holds(b)), cmp.Compare(bare(a), bare(b)), strings.Compare(a.App.Name, b.App.Name))
}
