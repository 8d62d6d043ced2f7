package status

import (
	"cmp"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Reduced is the status of an app for a reader without the right to read its record: what the last run reported, and the
// health of the live objects with the app's label, rows. unread is why there may be more.
func Reduced(in Input, rows []record.Row, unread []error) App {
	summary := in.Summary
	s := App{Name: in.Name, Sync: summary.Sync, Message: summary.Message, Source: summary.Source, Revision: summary.Revision,
		LastRun: LastRun{summary.LastRun.Result, summary.LastRun.Cause, summary.LastRun.Time, summary.LastRun.Duration}}
	spread := spreadOver(rows)
	var worst *Resource
	for _, row := range rows {
		rs := Resource{Object: row.ID(), Short: row.Ref.String(), Where: object.ShortIn(row.Ref, spread), Namespace: row.Namespace,
			Sync: report.SyncUnknown, Health: health.Unknown}
		if u := in.Live.Values(object.KeyOf(row.Ref), in.Set); u != nil {
			rs.Health, rs.Message = in.Rules.Of(u)
			if rs.Health != health.Healthy {
				rs.Since = health.UnhealthySince(u)
			}
		}
		s.Objects.Add(rs.Health)
		if rs.Health != health.Healthy && rs.Message != "" && (worst == nil || worse(rs, *worst)) {
			worst = &rs
		}
		if in.PerObject {
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
		s.Sync, s.Message = report.SyncPending, cmp.Or(s.Message, "commit "+report.Revision{Commit: summary.Seen}.Short()+" is not fully applied")
	}
	return s
}
