package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// errRecordChanged ends a pass that looks at drift only: somebody has saved the record since, of another commit perhaps,
// or suspended the app.
var errRecordChanged = errors.New("the record has changed")

func (p reading) load(ctx context.Context) error {
	if d := p.opts.drift; d != nil {
		if p.Records.Unchanged(ctx, d.rec) != nil {
			return errRecordChanged
		}
		p.rec, p.apps = d.rec, d.apps
		return nil
	}
	records := p.opts.records
	if records == nil {
		var err error
		if records, err = p.Records.Load(ctx); err != nil {
			return err
		}
	}
	rec, ok := records[p.app.Name]
	if !ok {
		rec = record.New(p.app.Name)
	}
	p.rec = rec
	p.apps = map[string]string{}
	for name := range records {
		p.apps[p.Records.ID(name)] = name
	}
	return p.open(ctx, ok)
}

// open makes the record that was loaded ready for use. known is false when there was none.
func (p reading) open(ctx context.Context, known bool) error {
	rec := p.rec
	if !known || rec.Inventory == nil {
		groupKinds, err := p.Records.LoadParent(ctx, rec, p.app.Name)
		if err != nil {
			return err
		}
		if rec.Rebuilt {
			if err := p.rebuild(ctx, groupKinds); err != nil {
				return err
			}
		}
	}
	p.Cluster.Learn(rec.Kinds()...)
	p.was = lastKnown{p.at(rec).Commit, rec.Inputs, rec.Config}
	p.Report.Previous, p.Report.WasSettled = p.at(rec).Commit, rec.Settled
	return p.checkSuspended()
}

// at is the commit that the objects of a record equal.
func (p *pass) at(rec *record.Record) report.Revision {
	if l := p.listed; l != nil && l.holds != nil {
		return *l.holds
	}
	return rec.Revision
}

// bases lists the commits that the objects may have equalled last. They differ when a run was cut off before it saved
// its list, and for an app that no commit changed for long: its record names an older one than its list.
func (p *pass) bases() []string {
	bases := []string{p.rec.Revision.Commit}
	if at := p.at(p.rec).Commit; at != bases[0] {
		bases = append(bases, at)
	}
	if l := p.listed; l != nil && l.before != "" && l.before != bases[0] {
		bases = append(bases, l.before)
	}
	return bases
}

// rebuild fills a lost inventory with the objects that carry our label and our field manager's entry.
func (p reading) rebuild(ctx context.Context, groupKinds []string) error {
	p.Say(report.Warning, "the inventory of %s is lost; it is rebuilt from the labels of its objects, and nothing is pruned in this run", p.app.Name)
	var kinds []cluster.Kind
	for _, gk := range groupKinds {
		name, group, _ := strings.Cut(gk, ".")
		k, err := p.Cluster.Served(ctx, schema.GroupVersionKind{Group: group, Kind: name})
		var unknown *cluster.UnknownKindError
		if errors.As(err, &unknown) {
			continue
		}
		if err != nil {
			return err
		}
		kinds = append(kinds, k)
	}
	if err := p.env.reader.List(ctx, p.live, observe.ListRequest{Kinds: kinds}); err != nil {
		return err
	}
	byGroupKind := map[[2]string]cluster.Kind{}
	for _, k := range kinds {
		byGroupKind[[2]string{k.Group, k.Kind}] = k
	}
	for _, key := range p.live.Carrying(p.id) {
		if u := p.live.Object(key); live.AppliedByUs(u) {
			p.rec.Restore(cluster.Ref{Kind: byGroupKind[[2]string{key.Group, key.Kind}], Namespace: key.Namespace, Name: key.Name}, u.GetUID())
		}
	}
	return nil
}

func (p reading) observeRecorded(ctx context.Context) error {
	if p.opts.drift != nil {
		return p.observeDrift(ctx, p.opts.drift.keys)
	}
	q := observe.For(p.rec.Rows)
	q.NotOlderThan = p.rec.Newest()
	if err := p.env.reader.List(ctx, p.live, q); err != nil {
		return err
	}
	p.rec.ForeignFields = string(p.app.ForeignFields)
	app := &observe.Recorded{Inventory: p.rec.Inventory, Set: p.id}
	if err := p.env.reader.Compare(ctx, p.live, app); err != nil {
		return err
	}
	p.states = app.States
	return p.compared(ctx)
}

// compared looks once more at states that another cluster would explain, and notes what others did.
func (p reading) compared(ctx context.Context) error {
	if p.maybeOtherCluster() {
		if err := p.checkCluster(ctx, true); err != nil {
			return err
		}
	}
	p.noteAll()
	return nil
}

// observeDrift reads the objects that a watch has brought up, and takes all others as clean.
func (p reading) observeDrift(ctx context.Context, keys []record.Key) error {
	p.states = make(map[record.Key]live.State, len(p.rec.Rows))
	for k := range p.rec.Rows {
		p.states[k] = live.InSync
	}
	var refs []cluster.Ref
	for _, k := range keys {
		refs = append(refs, p.rec.Rows[k].Ref)
	}
	if err := p.env.reader.Values(ctx, p.live, refs, p.id); err != nil {
		return err
	}
	for _, k := range keys {
		p.states[k] = live.Compare(p.rec.Inventory, p.rec.Rows[k], p.live, p.id)
	}
	return nil
}

// decide ends the pass when nothing is to be done: the commit, or what the app is rendered from, and our settings are
// the recorded ones and every object is as we left it.
func (p reading) decide(ctx context.Context) error {
	rec := p.rec
	newCommit := p.at(rec).Commit != p.commit
	if newCommit {
		p.Report.Cause = report.CauseCommit
	}
	if rec.Pending || rec.Due != "" || rec.Config != p.config || rec.Tool != p.Tool || len(rec.Rows) == 0 || newCommit && !p.untouched(ctx) {
		return nil
	}
	if !newCommit {
		p.revision = p.at(rec)
		if p.listed == nil {
			p.revision = under(p.revision, rec.Source.Ref, p.From.Ref)
		}
		p.Report.Revision = p.revision
	}
	for _, v := range p.states {
		if v != live.InSync {
			p.Report.Cause = report.CauseDrift
			return nil
		}
	}
	if p.opts.drift == nil && p.builder().Appeared(ctx) {
		return nil
	}
	if err := p.writing().renameShares(ctx); err != nil {
		return err
	}
	p.Report.Counts.Unchanged = len(rec.Rows)
	for k, row := range rec.Rows {
		p.track.Refs[k] = row.Ref
	}
	if err := p.planning().readUnsettled(ctx, slices.Collect(maps.Keys(rec.Rows))); err != nil {
		return err
	}
	p.planning().tellUnowned()
	if newCommit {
		p.passOver()
	}
	return errNothingToDo
}
