package status

import (
	"cmp"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Input is what the status of an app is made of.
type Input struct {
	Name      string
	Set       string          // ApplySet id
	Summary   *report.Summary // of the last run
	Record    *record.Record  // nil, or without an inventory, when it is lost
	Rules     *health.Rules   // of the app, see record.Header.Health
	Live      *live.Snapshot  // with values
	Unread    map[object.Kind]error
	PerObject bool // one app was asked for: its objects, hooks and charts are listed
	Now       time.Time
}

// Of compares the record of an app with what the cluster holds.
func Of(in Input) App {
	summary, rec, unread := in.Summary, in.Record, in.Unread
	s := App{Name: in.Name, Sync: summary.Sync, Message: summary.Message, Source: summary.Source, Revision: summary.Revision,
		LastRun: LastRun{summary.LastRun.Result, summary.LastRun.Cause, summary.LastRun.Time, summary.LastRun.Duration}}
	if rec == nil || rec.Inventory == nil {
		s.Sync, s.Health, s.Message = report.SyncUnknown, health.Unknown, "the inventory is lost; the next run with --repo rebuilds it"
		return s
	}
	var worst *Resource
	drift, alsoApplied := 0, ""
	spread := spreadOver(rec.Sorted())
	for _, row := range rec.Sorted() {
		rs := resourceOf(rec.Inventory, row, in.Live, in.Set, in.Rules, unread[row.Ref.Kind])
		rs.Where = object.ShortIn(row.Ref, spread)
		s.Objects.Add(rs.Health)
		if rs.Sync == report.SyncDrifted {
			drift++
		}
		well := rs.Sync == report.Synced && rs.Health == health.Healthy // a remark on it is told with APP only
		if !well && (worst == nil || worse(rs, *worst)) {
			worst = &rs
		}
		if rs.shared {
			alsoApplied = cmp.Or(alsoApplied, rs.Short+": "+rs.Message)
		}
		if in.PerObject {
			if !row.CreateOnly && rec.ForeignFields != record.ForeignKeep {
				rs.Message = cmp.Or(rs.Message, live.Unmanaged(in.Live.Member(object.KeyOf(row.Ref), in.Set), rec.Generated[row.ID()]))
			}
			s.Resources = append(s.Resources, rs)
		}
	}
	if in.PerObject {
		s.Charts, s.Trees = rec.Charts, rec.Trees
		for _, run := range rec.Runs {
			s.Hooks = append(s.Hooks, Hook{run.Phase, run.Ref.ID(), run.Commit, run.Result, run.Message})
		}
	}
	s.Health = s.Objects.Worst()
	if worst != nil {
		s.Since = worst.Since
	}
	var unseen error // of the first of its kinds that could not be read
	for _, k := range rec.Kinds() {
		unseen = cmp.Or(unseen, unread[k])
	}
	s.Sync, s.Message = appSync(s, rec, summary, drift, worst, unseen)
	s.Message = cmp.Or(s.Message, alsoApplied)
	if rec.Suspended.At(in.Now) {
		s.Sync, s.Message, s.Suspended = report.SyncSuspended, rec.Suspended.String(), rec.Suspended
	}
	return s
}

// appSync tells the sync state of an app and the one thing worth reading about it.
func appSync(s App, rec *record.Record, summary *report.Summary, drift int, worst *Resource, unread error) (report.Sync, string) {
	about := ""
	if worst != nil && worst.Message != "" {
		about = cmp.Or(worst.Where, worst.Short) + ": " + worst.Message
	}
	switch {
	case summary.Sync == report.SyncFailed && !recovered(s, rec, summary, drift):
		return report.SyncFailed, cmp.Or(summary.Message, about)
	case unread != nil:
		return report.SyncUnknown, unread.Error()
	case drift > 0:
		return report.SyncDrifted, about
	case rec.Due != "" && rec.Due != record.HooksDelete:
		return report.SyncPending, cmp.Or(about, "hooks of a newer commit have not all run")
	case rec.Pending, summary.Seen != "" && summary.Seen != rec.Revision.Commit:
		return report.SyncPending, cmp.Or(about, "commit "+report.Revision{Commit: summary.Seen}.Short()+" is not fully applied")
	}
	return report.Synced, about
}

// recovered tells whether a run that failed only because something was not healthy in time is over: all of the commit
// was applied, and all is well now.
func recovered(s App, rec *record.Record, summary *report.Summary, drift int) bool {
	return !rec.Pending && rec.Due == "" && summary.Seen == rec.Revision.Commit && s.Health == health.Healthy && drift == 0
}

func worse(a, b Resource) bool {
	order := func(rs Resource) int {
		switch {
		case rs.Health == health.Degraded:
			return 0
		case rs.Sync == report.SyncDrifted:
			return 1
		case rs.Health == health.Missing:
			return 2
		case rs.Sync != report.Synced:
			return 3
		case rs.Health != health.Healthy:
			return 4
		case rs.Message != "":
			return 5
		}
		return 6
	}
	return order(a) < order(b)
}

// resourceOf is how one recorded object is.
func resourceOf(inv *record.Inventory, row record.Row, snapshot *live.Snapshot, id string, rules *health.Rules, unread error) Resource {
	rs := Resource{Object: row.ID(), Short: row.Ref.String(), Namespace: row.Namespace, Sync: report.Synced}
	if unread != nil {
		rs.Sync, rs.Health, rs.Message = report.SyncUnknown, health.Unknown, unread.Error()
		return rs
	}
	u := snapshot.Values(object.KeyOf(row.Ref), id)
	if h, why, gone := expired(row, u); gone {
		rs.Health, rs.Message = h, why
	} else if rs.Health, rs.Message = rules.Of(u); rs.Health != health.Healthy {
		rs.Since = health.UnhealthySince(u)
	}
	switch state := live.Compare(inv, row, snapshot, id); state {
	case live.Drifted, live.Missing, live.Replaced, live.KindGone:
		rs.Sync, rs.Message = report.SyncDrifted, cmp.Or(owners.WhyDrifted(row.Ref, state, u), rs.Message)
	case live.NotApplied:
		rs.Sync, rs.Message = report.SyncPending, cmp.Or(rs.Message, "not applied yet")
	}
	if o, is := owners.Also(row.Ref, u); is && rs.Message == "" {
		rs.Message, rs.shared = o.String()+" applies it too", true
	}
	return rs
}

// spreadOver tells whether rows lie in more than one namespace: then names alone do not tell them apart.
func spreadOver(rows []record.Row) bool {
	var s object.Spread
	for _, row := range rows {
		s.See(row.Namespace)
	}
	return s.Many()
}

// expired is the health of a recorded object that is not in the cluster, if that is as it should be.
func expired(row record.Row, u *unstructured.Unstructured) (health.State, string, bool) {
	if u != nil || !row.Expires || row.Manifest == "" {
		return "", "", false
	}
	return health.Healthy, "has run, and was removed by its time to live", true
}
