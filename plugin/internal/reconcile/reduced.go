package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// reduced is Status for a user without the right to read the records: what the last run of each app reported, and the health of
// the live objects with its label. Drift and missing objects cannot be found without the record.
func (r *Reconciler) reduced(ctx context.Context, k known, name string) []Status {
	items := []Status{}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(k.parents)), func(n string) bool { return name != "" && n != name })
	var parents []*record.Record
	for _, n := range names {
		parents = append(parents, k.parents[n])
	}
	all := r.members(ctx, parents...)
	for _, n := range names {
		items = append(items, r.reducedApp(n, k.parents[n], all, name != ""))
	}
	return items
}

func (r *Reconciler) reducedApp(name string, parent *record.Record, all *members, perObject bool) Status {
	summary := parent.Report
	s := Status{Name: name, Sync: summary.Sync, Message: summary.Message, Source: summary.Source, Revision: summary.Revision,
		LastRun: LastRun{summary.LastRun.Result, summary.LastRun.Cause, summary.LastRun.Time, summary.LastRun.Duration}}
	id := r.Records.ID(name)
	rules, _ := r.memory().checks.compile(nil)
	rows, unread := all.of(id, parent)
	spread := spreadOver(rows)
	var worst *ResourceStatus
	for _, row := range rows {
		rs := ResourceStatus{Object: row.ID(), Short: row.Ref.String(), Where: ShortIn(row.Ref, spread), Namespace: row.Namespace,
			Sync: report.SyncUnknown, Health: health.Unknown}
		if u := all.live.Values(record.KeyOf(row.Ref), id); u != nil {
			rs.Health, rs.Message = rules.Of(u)
			if rs.Health != health.Healthy {
				rs.Since = health.UnhealthySince(u)
			}
		}
		s.Objects.Add(rs.Health)
		if rs.Health != health.Healthy && rs.Message != "" && (worst == nil || worse(rs, *worst)) {
			worst = &rs
		}
		if perObject {
			s.Resources = append(s.Resources, rs)
		}
	}
	s.Health = s.Objects.Worst()
	if s.Objects.Total == 0 {
		s.Health = summary.Health
	}
	if hidden := summary.Objects.Total - s.Objects.Total; hidden > 0 {
		s.Objects.Total, s.Objects.Unknown = summary.Objects.Total, s.Objects.Unknown+hidden
	}
	switch {
	case s.Message != "":
	case worst != nil:
		s.Message, s.Since = worst.Where+": "+worst.Message, worst.Since
	case len(unread) > 0:
		s.Message = fmt.Sprintf("%s you may not list", report.Plural(len(unread), "kind"))
	}
	if s.Sync == report.Synced && summary.Seen != "" && summary.Seen != summary.Revision.Commit {
		s.Sync, s.Message = report.SyncPending, firstOf(s.Message, "commit "+report.Revision{Commit: summary.Seen}.Short()+" is not fully applied")
	}
	return s
}
