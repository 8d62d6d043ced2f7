package status

import (
	"cmp"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// AddLists completes the status of apps that a gitops.yaml lists by what only its list knows: the commit that apps equal
// which it did not change, why others are behind, and apps that have no record yet. An empty name is all apps.
func (l *List) AddLists(lists record.AppLists, records map[string]*record.Record, name string) {
	at := map[string]int{}
	for i, s := range l.Items {
		at[s.Name] = i
	}
	for _, list := range lists {
		names := slices.Clone(list.Apps)
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
				l.Items = append(l.Items, App{Name: app, Sync: report.SyncPending, Health: health.Missing, Source: list.Source,
					Message: "not applied yet"})
				i = len(l.Items) - 1
			}
			l.Items[i].complete(list, rec)
		}
	}
}

// AtOf is the commit that the objects of an app equal, the one source of truth for status, trace and history: what the record
// says if it was saved after the list, otherwise what the list says. list is nil for an app that none lists.
func AtOf(rec *record.Record, list *record.AppList) report.Revision {
	if list == nil || rec.After(list) {
		return rec.Revision
	}
	b, behind := list.IsBehind(rec.App)
	switch {
	case !behind:
		return list.Revision
	case b.At != "" && b.At != rec.Revision.Commit:
		return report.Revision{Commit: b.At, Ref: rec.Revision.Ref}
	}
	return rec.Revision
}

func (s *App) complete(list *record.AppList, rec *record.Record) {
	after := rec != nil && rec.Inventory != nil && rec.After(list) // what the list says of the app is out of date
	b, behind := list.IsBehind(s.Name)
	if rec != nil && rec.Inventory != nil {
		s.Revision = AtOf(rec, list)
	}
	switch {
	case after:
	case behind && b.Failed:
		s.Sync, s.Message = report.SyncFailed, cmp.Or(b.Message, s.Message)
	case behind && s.Sync == report.Synced, behind && s.Sync == report.SyncPending:
		s.Sync, s.Message = report.SyncPending, cmp.Or(b.Message, s.Message)
	}
	if list.Suspends(s.Name) && s.Suspended == nil {
		s.Suspended = &report.Suspension{InFile: true}
		s.Sync, s.Message = report.SyncSuspended, s.Suspended.String()
	}
	if problem := cmp.Or(list.Problem, list.Withheld); problem != "" && (s.Sync == report.Synced || s.Sync == report.SyncPending) {
		s.Sync, s.Message = report.SyncPending, problem
	}
}
