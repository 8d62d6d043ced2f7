package inspect

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// Status compares the records of the instance with the live objects, of one app or, when name is empty, of all. It
// reads only: two lists for the records and one per kind for all apps together, no Git. A reader who may not read the
// records gets what their parents tell, see reduced.
func (i *Inspector) Status(ctx context.Context, name string) (status.List, error) {
	list := status.List{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "StatusList"}, Items: []status.App{}}
	known, err := i.known(ctx)
	if err != nil {
		return list, err
	}
	parents, inventories := known.parents, known.records
	if list.Limits = known.limits(i.Records.Instance()); list.Limits != "" {
		list.Items = i.reduced(ctx, known, name)
		return list, ctx.Err()
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(parents)), func(n string) bool { return name != "" && n != name })
	rows := map[object.Key]record.Row{} // of all these apps: a list of a kind must reach the namespaces of each
	for _, n := range names {
		if rec := inventories[n]; rec != nil && rec.Inventory != nil {
			maps.Insert(rows, rec.All())
		}
	}
	live, unread := i.look(ctx, maps.All(rows))
	if err := ctx.Err(); err != nil {
		return list, err
	}
	for _, n := range names {
		rec, live, unread := inventories[n], live, unread
		if rec != nil && rec.Inventory != nil && len(names) > 1 && slices.ContainsFunc(rec.Kinds(), func(k object.Kind) bool { return unread[k] != nil }) {
			live, unread = i.look(ctx, rec.All()) // what may not be read may be another app's
		}
		list.Items = append(list.Items, status.Of(i.input(n, parents[n].Report, rec, live, unread, name != "")))
	}
	list.AddLists(known.lists, inventories, name)
	return list, ctx.Err()
}

// look reads the live objects of rows, whole, and tells which kinds could not be read.
func (i *Inspector) look(ctx context.Context, rows iter.Seq2[object.Key, record.Row]) (*live.Snapshot, map[object.Kind]error) {
	live, unread := live.New(), map[object.Kind]error{}
	q := observe.For(rows)
	q.Values = true
	for _, k := range slices.SortedFunc(slices.Values(q.Kinds), func(a, b object.Kind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Version, b.Version))
	}) {
		q.Kinds = []object.Kind{k}
		if err := i.reader.List(ctx, live, q); err != nil {
			unread[k] = err
		}
	}
	return live, unread
}

// reduced is App for a user without the right to read the records: what the last run of each app reported, and the health of
// the live objects with its label. Drift and missing objects cannot be found without the record.
func (i *Inspector) reduced(ctx context.Context, k known, name string) []status.App {
	items := []status.App{}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(k.parents)), func(n string) bool { return name != "" && n != name })
	var parents []*record.Record
	for _, n := range names {
		parents = append(parents, k.parents[n])
	}
	all := i.members(ctx, parents...)
	for _, n := range names {
		in := i.input(n, k.parents[n].Report, nil, all.live, nil, name != "")
		rows, unread := all.of(in.Set, k.parents[n])
		items = append(items, status.Reduced(in, rows, unread))
	}
	return items
}

// input is what the status of an app is made of.
func (i *Inspector) input(name string, summary *report.Summary, rec *record.Record, snapshot *live.Snapshot, unread map[object.Kind]error, perObject bool) status.Input {
	var rules []health.Rule
	if rec != nil && rec.Inventory != nil {
		rules = rec.Health
	}
	compiled, _ := i.compiled.Compile(rules) // they were compiled when they were recorded
	return status.Input{Name: name, Set: i.Records.ID(name), Summary: summary, Record: rec, Rules: compiled, Live: snapshot, Unread: unread,
		PerObject: perObject, Now: i.Now()}
}
