package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// known is what a reader may know of the apps of an instance. The inventories are Secrets. A person with the ClusterRole
// view may not read them: records is empty then, and hidden says why. The parents are ConfigMaps; they tell what the
// last run reported, and where the objects of the app are.
type known struct {
	parents map[string]*record.Record
	records map[string]*record.Record
	lists   record.AppLists
	hidden  error
}

func (i *Inspector) known(ctx context.Context) (known, error) {
	var k known
	var err error
	if k.parents, err = i.Records.Parents(ctx); err != nil {
		return k, err
	}
	loaded, err := i.Records.Load(ctx)
	switch {
	case apierrors.IsForbidden(err):
		k.records, k.hidden = map[string]*record.Record{}, err
		return k, nil
	case err != nil:
		return k, err
	}
	k.records, k.lists = loaded.Apps, loaded.Lists
	return k, nil
}

// limits words what a reader without the records cannot know, "" for one who has them.
func (k known) limits(namespace string) string {
	if k.hidden == nil {
		return ""
	}
	return fmt.Sprintf("you may not list the Secrets in namespace %s, where the records are: drift, suspension and what is missing are not known to you; "+
		"sync is what the last run reported", namespace)
}

// applied is what is known of an app for rendering it again.
func (k known) applied(name string) (record.Applied, bool) {
	if rec := k.records[name]; rec != nil && rec.Inventory != nil {
		return appOf(rec), true
	}
	p := k.parents[name]
	if p == nil || p.Report == nil {
		return record.Applied{}, false
	}
	return record.Applied{Name: name, Source: p.Report.Source, List: p.Report.List}, true
}

// members are live objects of apps, found by their label.
type members struct {
	live   *live.Snapshot
	kinds  map[string]object.Kind // by Kind.group
	unread map[kindIn]error       // why objects of a kind could not be listed
}

// kindIn is a kind, Kind.group, in a namespace; in all of them when that is empty.
type kindIn struct{ groupKind, namespace string }

// members lists the objects of apps, each kind once, where the parents of the apps say that there are some.
func (i *Inspector) members(ctx context.Context, parents ...*record.Record) *members {
	m := &members{live: live.New(), kinds: map[string]object.Kind{}, unread: map[kindIn]error{}}
	spaces := map[string]map[string]bool{}
	for _, p := range parents {
		for _, gk := range p.GroupKinds {
			if spaces[gk] == nil {
				spaces[gk] = map[string]bool{i.Records.Instance(): true}
			}
			for _, ns := range p.Namespaces {
				spaces[gk][ns] = true
			}
		}
	}
	names := slices.Sorted(maps.Keys(spaces))
	for _, gk := range names {
		name, group, _ := strings.Cut(gk, ".")
		k, err := i.Cluster.Latest(ctx, schema.GroupVersionKind{Group: group, Kind: name})
		if err == nil {
			m.kinds[gk] = k
		} else if !errors.As(err, new(*cluster.UnknownKindError)) {
			m.unread[kindIn{gk, ""}] = err
		}
	}
	failed := make([]map[string]error, len(names))
	concurrent.Each(ctx, len(names), observe.AtOnce, func(n int) {
		if k, known := m.kinds[names[n]]; known {
			failed[n] = i.listMembers(ctx, m.live, k, slices.Sorted(maps.Keys(spaces[names[n]])))
		}
	})
	for n, byNamespace := range failed {
		for ns, err := range byNamespace {
			m.unread[kindIn{names[n], ns}] = err
		}
	}
	return m
}

// listMembers lists one kind in the whole cluster or, where that is forbidden, in each of the namespaces. It returns what
// failed, by namespace.
func (i *Inspector) listMembers(ctx context.Context, live *live.Snapshot, k object.Kind, namespaces []string) map[string]error {
	q := observe.ListRequest{Values: !k.IsSecret()}
	failed := map[string]error{}
	err := i.reader.ListIn(ctx, live, k, []string{""}, q)
	switch {
	case err == nil:
	case !apierrors.IsForbidden(err) || !k.Namespaced:
		failed[""] = err
	default:
		for _, ns := range namespaces {
			if err := i.reader.ListIn(ctx, live, k, []string{ns}, q); err != nil {
				failed[ns] = err
			}
		}
	}
	return failed
}

// of are the members of one app as rows of an inventory, sorted, and why there may be more: one error for each kind. The
// namespace of the instance is looked into, and not expected to hold any.
func (m *members) of(id string, parent *record.Record) (rows []record.Row, unread []error) {
	byGroupKind := map[schema.GroupKind]object.Kind{}
	for _, k := range m.kinds {
		byGroupKind[schema.GroupKind{Group: k.Group, Kind: k.Kind}] = k
	}
	inv := record.NewInventory("")
	for _, key := range m.live.Carrying(id) {
		ref := object.Ref{Kind: byGroupKind[schema.GroupKind{Group: key.Group, Kind: key.Kind}], Namespace: key.Namespace, Name: key.Name}
		inv.Applied(record.Row{Ref: ref, UID: m.live.Object(key).GetUID()})
	}
	for _, gk := range parent.GroupKinds {
		for _, ns := range append([]string{""}, parent.Namespaces...) {
			if err := m.unread[kindIn{gk, ns}]; err != nil {
				unread = append(unread, err)
				break
			}
		}
	}
	return inv.Sorted(), unread
}

// ownerOf names the app that an object belongs to, and the object as the app knows it: by the rows of the records, or for
// a reader without them by the label.
func (k known) ownerOf(i *Inspector, ref object.Ref, live metav1.Object) (app string, managed object.Ref) {
	if k.hidden == nil {
		app, row := ownerApp(k.records, ref, live)
		return app, row.Ref
	}
	label := live.GetLabels()[record.LabelPartOf]
	for _, name := range slices.Sorted(maps.Keys(k.parents)) {
		if label != "" && i.Records.ID(name) == label {
			return name, ref
		}
	}
	return "", object.Ref{}
}

// hookOf names the app whose hook made an object, and the run.
func (k known) hookOf(uid types.UID) (app string, run record.HookRun) {
	for _, name := range slices.Sorted(maps.Keys(k.records)) {
		rec := k.records[name]
		if rec.Inventory == nil {
			continue
		}
		for _, run := range rec.Runs {
			if uid != "" && run.UID == uid {
				return name, run
			}
		}
	}
	return "", record.HookRun{}
}

// namespaces are those where objects of apps are, and that of the instance.
func (k known) namespaces(instance string) []string {
	spaces := map[string]bool{instance: true}
	for _, p := range k.parents {
		for _, ns := range p.Namespaces {
			spaces[ns] = true
		}
	}
	for _, rec := range k.records {
		if rec.Inventory == nil {
			continue
		}
		for key := range rec.All() {
			if key.Namespace != "" {
				spaces[key.Namespace] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(spaces))
}

// revision is the commit that an app equals, as far as the reader may know.
func (k known) revision(app string) report.Revision {
	if rec := k.records[app]; rec != nil && rec.Inventory != nil {
		at := slices.IndexFunc(k.lists, func(l *record.AppList) bool {
			_, behind := l.IsBehind(app)
			return (l.Names(app) || behind) && rec.List == l.Source.Path && rec.Source.Repo == l.Source.Repo
		})
		if at < 0 {
			return rec.Revision
		}
		return status.AtOf(rec, k.lists[at])
	}
	if p := k.parents[app]; p != nil && p.Report != nil {
		return p.Report.Revision
	}
	return report.Revision{}
}

// lastCommit is the newest commit that touched what an app is rendered from, as its history tells, or why that is not known.
func (k known) lastCommit(app string) (*report.Revision, string) {
	p := k.parents[app]
	if p == nil {
		return nil, ""
	}
	for _, run := range p.History {
		switch {
		case run.Cause != report.CauseCommit || run.Result == report.ResultFailed:
		case len(run.Commits) > 0:
			return &run.Commits[0], ""
		default:
			return nil, cmp.Or(run.Unclear, "the run that applied it did not record its commits")
		}
	}
	return nil, "the history does not go back that far"
}
