package reconcile

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// addLists completes the status of apps that a gitops.yaml lists by what only its list knows: the commit that apps equal
// which it did not change, why others are behind, and apps that have no record yet. An empty name is all apps.
func (l *StatusList) addLists(lists []*record.AppList, records map[string]*record.Record, name string) {
	at := map[string]int{}
	for i, s := range l.Items {
		at[s.Name] = i
	}
	for _, list := range lists {
		names := list.Apps
		for _, b := range list.Behind {
			if !list.Names(b.App) {
				names = append(names, b.App) // it left the file, and still has objects
			}
		}
		for _, app := range names {
			if name != "" && name != app {
				continue
			}
			i, known := at[app]
			rec := records[app]
			if known && (rec == nil || rec.Inventory == nil || rec.List != list.Source.Path || rec.Source.Repo != list.Source.Repo) {
				continue // of another source
			}
			if !known {
				l.Items = append(l.Items, Status{Name: app, Sync: record.SyncPending, Health: cluster.Missing, Source: list.Source,
					Message: "not applied yet"})
				i = len(l.Items) - 1
			}
			l.Items[i].complete(list)
		}
	}
}

func (s *Status) complete(list *record.AppList) {
	b, behind := list.IsBehind(s.Name)
	switch {
	case behind && b.Failed:
		s.Sync, s.Message = record.SyncFailed, firstOf(b.Message, s.Message)
	case behind && s.Sync == record.Synced, behind && s.Sync == record.SyncPending:
		s.Sync, s.Message = record.SyncPending, firstOf(b.Message, s.Message)
	case !behind:
		s.Revision = list.Revision
	}
	if problem := firstOf(list.Problem, list.Held); problem != "" && (s.Sync == record.Synced || s.Sync == record.SyncPending) {
		s.Sync, s.Message = record.SyncPending, problem
	}
}
