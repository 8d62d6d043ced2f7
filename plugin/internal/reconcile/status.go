package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// apiVersion of every versioned form the tool prints.
const apiVersion = "kubectl-gitops.dev/v1alpha1"

// Status compares the records of the instance with the live objects, of one app or, when name is empty, of all. It
// reads only: two lists for the records and one per kind for all apps together, no Git. A reader who may not read the
// records gets what their parents tell, see reduced.
func (r *Reconciler) Status(ctx context.Context, name string) (StatusList, error) {
	list := StatusList{TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: "StatusList"}, Items: []Status{}}
	known, err := r.known(ctx)
	if err != nil {
		return list, err
	}
	parents, inventories := known.parents, known.records
	if list.Limits = known.limits(r.Records.Namespace); list.Limits != "" {
		list.Items = r.reduced(ctx, known, name)
		return list, ctx.Err()
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(parents)), func(n string) bool { return name != "" && n != name })
	rows := map[record.Key]record.Row{} // of all these apps: a list of a kind must reach the namespaces of each
	for _, n := range names {
		if rec := inventories[n]; rec != nil && rec.Inventory != nil {
			maps.Copy(rows, rec.Rows)
		}
	}
	live, unread := r.look(ctx, rows)
	if err := ctx.Err(); err != nil {
		return list, err
	}
	for _, n := range names {
		rec, live, unread := inventories[n], live, unread
		if rec != nil && rec.Inventory != nil && len(names) > 1 && slices.ContainsFunc(rec.Kinds(), func(k cluster.Kind) bool { return unread[k] != nil }) {
			live, unread = r.look(ctx, rec.Rows) // what may not be read may be another app's
		}
		list.Items = append(list.Items, r.statusOf(n, parents[n].Report, rec, live, unread, name != ""))
	}
	list.addLists(known.lists, inventories, name)
	return list, ctx.Err()
}

// look reads the live objects of rows, whole, and tells which kinds could not be read.
func (r *Reconciler) look(ctx context.Context, rows map[record.Key]record.Row) (*live.Snapshot, map[cluster.Kind]error) {
	live, unread := live.New(), map[cluster.Kind]error{}
	q := observe.For(rows)
	q.Values = true
	for _, k := range slices.SortedFunc(slices.Values(q.Kinds), func(a, b cluster.Kind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Version, b.Version))
	}) {
		q.Kinds = []cluster.Kind{k}
		if err := r.reader().List(ctx, live, q); err != nil {
			unread[k] = err
		}
	}
	return live, unread
}

func (r *Reconciler) statusOf(name string, summary *report.Summary, rec *record.Record, live *live.Snapshot,
	unread map[cluster.Kind]error, perObject bool) Status {
	s := Status{Name: name, Sync: summary.Sync, Message: summary.Message, Source: summary.Source, Revision: summary.Revision,
		LastRun: LastRun{summary.LastRun.Result, summary.LastRun.Cause, summary.LastRun.Time, summary.LastRun.Duration}}
	if rec == nil || rec.Inventory == nil {
		s.Sync, s.Health, s.Message = report.SyncUnknown, health.Unknown, "the inventory is lost; the next run with --repo rebuilds it"
		return s
	}
	id := r.Records.ID(name)
	rules, _ := r.memory().checks.compile(rec.Health) // they were compiled when they were recorded
	var worst *ResourceStatus
	drift, alsoApplied := 0, ""
	spread := spreadOver(rec.Sorted())
	for _, row := range rec.Sorted() {
		rs := resourceStatus(rec.Inventory, row, live, id, rules, unread[row.Ref.Kind])
		rs.Where = ShortIn(row.Ref, spread)
		s.Objects.Add(rs.Health)
		if rs.Sync == report.SyncDrifted {
			drift++
		}
		well := rs.Sync == report.Synced && rs.Health == health.Healthy // a remark on it is told with APP only
		if !well && (worst == nil || worse(rs, *worst)) {
			worst = &rs
		}
		if rs.shared {
			alsoApplied = firstOf(alsoApplied, rs.Short+": "+rs.Message)
		}
		if perObject {
			if !row.CreateOnly && rec.ForeignFields != string(ForeignKeep) {
				rs.Message = firstOf(rs.Message, beside(live.Member(record.KeyOf(row.Ref), id)))
			}
			s.Resources = append(s.Resources, rs)
		}
	}
	if perObject {
		s.Charts = rec.Charts
		for _, run := range rec.Runs {
			s.Hooks = append(s.Hooks, HookStatus{run.Phase, run.Ref.ID(), run.Commit, run.Result, run.Message})
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
	s.Message = firstOf(s.Message, alsoApplied)
	if rec.Suspended.At(r.Now()) {
		s.Sync, s.Message, s.Suspended = report.SyncSuspended, rec.Suspended.String(), rec.Suspended
	}
	return s
}

// appSync tells the sync state of an app and the one thing worth reading about it.
func appSync(s Status, rec *record.Record, summary *report.Summary, drift int, worst *ResourceStatus, unread error) (report.Sync, string) {
	about := ""
	if worst != nil && worst.Message != "" {
		about = firstOf(worst.Where, worst.Short) + ": " + worst.Message
	}
	switch {
	case summary.Sync == report.SyncFailed && !recovered(s, rec, summary, drift):
		return report.SyncFailed, firstOf(summary.Message, about)
	case unread != nil:
		return report.SyncUnknown, unread.Error()
	case drift > 0:
		return report.SyncDrifted, about
	case rec.Due != "" && rec.Due != record.HooksDelete:
		return report.SyncPending, firstOf(about, "hooks of a newer commit have not all run")
	case rec.Pending, summary.Seen != "" && summary.Seen != rec.Revision.Commit:
		return report.SyncPending, firstOf(about, "commit "+report.Revision{Commit: summary.Seen}.Short()+" is not fully applied")
	}
	return report.Synced, about
}

// recovered tells whether a run that failed only because something was not healthy in time is over: all of the commit
// was applied, and all is well now.
func recovered(s Status, rec *record.Record, summary *report.Summary, drift int) bool {
	return !rec.Pending && rec.Due == "" && summary.Seen == rec.Revision.Commit && s.Health == health.Healthy && drift == 0
}

func worse(a, b ResourceStatus) bool {
	order := func(rs ResourceStatus) int {
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

// resourceStatus is how one recorded object is.
func resourceStatus(inv *record.Inventory, row record.Row, snapshot *live.Snapshot, id string, rules *health.Rules, unread error) ResourceStatus {
	rs := ResourceStatus{Object: row.ID(), Short: row.Ref.String(), Namespace: row.Namespace, Sync: report.Synced}
	if unread != nil {
		rs.Sync, rs.Health, rs.Message = report.SyncUnknown, health.Unknown, unread.Error()
		return rs
	}
	u := snapshot.Values(record.KeyOf(row.Ref), id)
	if h, why, expired := expiredHealth(row, u); expired {
		rs.Health, rs.Message = h, why
	} else if rs.Health, rs.Message = rules.Of(u); rs.Health != health.Healthy {
		rs.Since = health.UnhealthySince(u)
	}
	switch live.Compare(inv, row, snapshot, id) {
	case live.Drifted:
		rs.Sync = report.SyncDrifted
		rs.Message = firstOf(changedBy(row.Ref, u), rs.Message)
	case live.Missing:
		rs.Sync, rs.Message = report.SyncDrifted, "deleted, or its label "+record.LabelPartOf+" was removed"
	case live.Replaced:
		rs.Sync, rs.Message = report.SyncDrifted, "deleted and recreated by somebody else"
		if by, is := owners.Also(row.Ref, u); is {
			rs.Message = "deleted and recreated by " + by.String()
		}
	case live.KindGone:
		rs.Sync, rs.Message = report.SyncDrifted, "the cluster does not serve its kind any more"
	case live.NotApplied:
		rs.Sync, rs.Message = report.SyncPending, firstOf(rs.Message, "not applied yet")
	}
	if o, is := owners.Also(row.Ref, u); is && rs.Message == "" {
		rs.Message, rs.shared = o.String()+" applies it too", true
	}
	return rs
}

// changedBy names the likely author of the drift: the tool that applies the object too, or the manager whose entry is
// the newest.
func changedBy(ref cluster.Ref, u *unstructured.Unstructured) string {
	if !appliedByUs(u) {
		return "its managedFields were removed"
	}
	if by, _ := owners.Writer(ref, u); by != "" {
		return "changed by " + by
	}
	return ""
}

// beside words what was added to an object beside what Git sets: it stays, but somebody may want to know.
func beside(u metav1.Object) string {
	if u == nil {
		return ""
	}
	extras := fields.Beside(u, record.Manager)
	if len(extras) == 0 {
		return ""
	}
	text := "not in Git: " + strings.TrimPrefix(extras[0].Path, "spec.")
	if by := extras[0].Manager; by != "" {
		text += ", set by " + by
	} else {
		text += ", owned by nobody"
	}
	if more := len(extras) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}
