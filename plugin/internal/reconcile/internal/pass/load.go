package pass

import (
	"context"
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// ErrRecordChanged ends a pass that reads only changed objects: somebody else has saved the record, to suspend it perhaps.
var ErrRecordChanged = errors.New("the record has changed")

// Load loads the record of the app and the names of the apps of the instance, and calls Open. A pass that reads only changed
// objects keeps the record of the last run: Load then returns ErrRecordChanged if somebody else has saved it.
func (p reading) Load(ctx context.Context) error {
	if d := p.Opts.Only; d != nil {
		if p.Records.Unchanged(ctx, d.rec) != nil {
			return ErrRecordChanged
		}
		p.Record, p.Apps = d.rec, d.apps
		return nil
	}
	loaded := p.Opts.Records
	if loaded == nil {
		var err error
		if loaded, err = p.Records.Load(ctx); err != nil {
			return err
		}
	}
	rec, known := loaded.Record(p.App.Name)
	p.Record = rec
	p.Apps = map[string]string{}
	for name := range loaded.Apps {
		p.Apps[p.Records.ID(name)] = name
	}
	return p.Open(ctx, known)
}

// Open makes the loaded record ready for use, or a new one unless known. It returns ErrSuspended for a suspended app.
func (p reading) Open(ctx context.Context, known bool) error {
	rec := p.Record
	if !known || rec.Inventory == nil {
		groupKinds, err := p.Records.LoadParent(ctx, rec, p.App.Name)
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
	p.Was = lastKnown{p.At(rec).Commit, rec.Inputs, rec.Config}
	p.Report.Previous, p.Report.WasHealthy = p.At(rec).Commit, rec.AllHealthy
	return p.checkSuspended()
}

// At returns the commit that the objects of a record equal.
func (p *Pass) At(rec *record.Record) report.Revision {
	if l := p.Listed; l != nil && l.AppliedAt != nil {
		return *l.AppliedAt
	}
	return rec.Revision
}

// Bases returns the commits that the objects may have equalled last. There are several when a run was interrupted before it
// saved its list, and when no commit changed the app for long: its record is then behind its list.
func (p *Pass) Bases() []string {
	bases := []string{p.Record.Revision.Commit}
	if at := p.At(p.Record).Commit; at != bases[0] {
		bases = append(bases, at)
	}
	if l := p.Listed; l != nil && l.AppliedBefore != "" && l.AppliedBefore != bases[0] {
		bases = append(bases, l.AppliedBefore)
	}
	return bases
}

// rebuild fills a lost inventory with the objects that carry our label and the entry of our field manager.
func (p reading) rebuild(ctx context.Context, groupKinds []string) error {
	p.Say(report.Warning, "the inventory of %s is lost; it is rebuilt from the labels of its objects, and nothing is pruned in this run", p.App.Name)
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
	if err := p.Env.Reader.List(ctx, p.Live, observe.ListRequest{Kinds: kinds}); err != nil {
		return err
	}
	byGroupKind := map[[2]string]cluster.Kind{}
	for _, k := range kinds {
		byGroupKind[[2]string{k.Group, k.Kind}] = k
	}
	for _, key := range p.Live.Carrying(p.Set) {
		if u := p.Live.Object(key); live.AppliedByUs(u) {
			p.Record.Restore(cluster.Ref{Kind: byGroupKind[[2]string{key.Group, key.Kind}], Namespace: key.Namespace, Name: key.Name}, u.GetUID())
		}
	}
	return nil
}

// observeRecorded lists the kinds of the record and compares what the cluster holds with the rows.
func (p reading) observeRecorded(ctx context.Context) error {
	if p.Opts.Only != nil {
		return p.observeDrift(ctx, p.Opts.Only.keys)
	}
	q := observe.For(p.Record.All())
	q.NotOlderThan = p.Record.Newest()
	if err := p.Env.Reader.List(ctx, p.Live, q); err != nil {
		return err
	}
	p.Record.NoteForeignFields(string(p.App.ForeignFields))
	app := &observe.Recorded{Inventory: p.Record.Inventory, Set: p.Set}
	if err := p.Env.Reader.Compare(ctx, p.Live, app); err != nil {
		return err
	}
	p.States = app.States
	return p.Compared(ctx)
}

// Compared checks the identity of the cluster if that would explain the states, and notes fields that others added.
func (p reading) Compared(ctx context.Context) error {
	if p.maybeOtherCluster() {
		if err := p.Planning().checkCluster(ctx, true); err != nil {
			return err
		}
	}
	p.noteAll()
	return nil
}

// observeDrift reads the objects at keys, which a watch reported. All other objects count as in sync.
func (p reading) observeDrift(ctx context.Context, keys []object.Key) error {
	p.States = make(map[object.Key]live.State, p.Record.Len())
	for k := range p.Record.All() {
		p.States[k] = live.InSync
	}
	var refs []cluster.Ref
	for _, k := range keys {
		row, _ := p.Record.Row(k)
		refs = append(refs, row.Ref)
	}
	if err := p.Env.Reader.Values(ctx, p.Live, refs, p.Set); err != nil {
		return err
	}
	for _, k := range keys {
		row, _ := p.Record.Row(k)
		p.States[k] = live.Compare(p.Record.Inventory, row, p.Live, p.Set)
	}
	return nil
}

// Decide returns ErrNothingToDo when commit (or inputs) and settings are the recorded ones and no object has drifted.
func (p reading) Decide(ctx context.Context) error {
	rec := p.Record
	newCommit := p.At(rec).Commit != p.Commit
	if newCommit {
		p.Report.Cause = report.CauseCommit
	}
	if p.Listed != nil && p.Listed.Unfinished || rec.Pending || rec.Due != "" || rec.Config != p.Config || rec.Tool != p.Tool || rec.Len() == 0 || newCommit && !p.inputsUnchanged(ctx) ||
		p.Opts.Upgrade && rec.HasRanges() {
		return nil
	}
	if !newCommit {
		p.Revision = p.At(rec)
		if p.Listed.IsOwn() {
			p.Revision = Under(p.Revision, rec.Source.Ref, p.From.Ref)
		}
		p.Report.Revision = p.Revision
	}
	left, work := plan.Drift(p.Planning().leavesDrift(), p.States)
	if len(left) > 0 || work {
		p.Report.Cause = report.CauseDrift
	}
	if work {
		return nil
	}
	if p.Opts.Only == nil && p.Builder().Appeared(ctx) {
		return nil
	}
	if err := p.writing().renameShares(ctx); err != nil {
		return err
	}
	p.Report.Counts.Unchanged = rec.Len() - len(left)
	for k, row := range rec.All() {
		p.Track.Refs[k] = row.Ref
	}
	if err := p.Planning().readUnknownHealth(ctx, slices.Collect(rec.Keys())); err != nil {
		return err
	}
	p.Planning().leaveDrift(left)
	p.Planning().tellUnowned()
	if newCommit {
		p.noteUnchanged()
	}
	return ErrNothingToDo
}
