package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// pass is one run over one app.
type pass struct {
	*Reconciler
	ctx     context.Context // ends when the process is told to stop
	app     App
	opts    Options
	id      string // ApplySet id
	started time.Time

	commit   string // what the ref points at
	revision record.Revision
	message  string // of the commit
	rec      *record.Record
	live     *snapshot
	verdicts map[record.Key]verdict
	desired  []*object
	plan     *plan
	newKinds map[cluster.Kind]bool // of CRDs this pass applies

	refs        map[record.Key]cluster.Ref                // everything desired
	after       map[record.Key]*unstructured.Unstructured // its last known state
	trusted     map[record.Key]bool                       // settled and not touched: as healthy as before
	failed      map[record.Key]bool
	failedWaves bool // an object of an earlier wave failed
	told        map[record.Key]string
	effects     []Effect
	pushed      bool // this run is in the history
	report      AppReport
}

// Effect is what a pass did, or with a dry run would do, to one object. Before is nil for a created object, After for
// a pruned one.
type Effect struct {
	Ref           cluster.Ref
	Origin        render.Origin
	Before, After *unstructured.Unstructured
}

// errNothingToDo ends a pass early: Git, record and cluster agree.
var errNothingToDo = errors.New("nothing to do")

// stages of a pass, in order. A stage that returns an error ends the pass; what was written so far is recorded.
var stages = []struct {
	name string
	run  func(*pass, context.Context) error
}{
	{"poll", (*pass).poll},
	{"load record", (*pass).load},
	{"observe", (*pass).observeRecorded},
	{"decide", (*pass).decide},
	{"render", (*pass).render},
	{"observe", (*pass).observeDesired},
	{"plan", (*pass).makePlan},
	{"write ahead", (*pass).writeAhead},
	{"apply", (*pass).apply},
	{"prune", (*pass).prune},
	{"save", (*pass).saveApplied},
	{"wait for health", (*pass).waitForHealth},
}

// Run makes one pass over app. The report is filled as far as the pass came, whatever the error; an error means that
// the result is Failed.
func (r *Reconciler) Run(ctx context.Context, app App, opts Options) (AppReport, error) {
	p := r.newPass(ctx, app, opts)
	err := p.runStages(ctx)
	return p.finish(err)
}

// Preview makes the pass as a dry run and returns what it would do to each object.
func (r *Reconciler) Preview(ctx context.Context, app App) (AppReport, []Effect, error) {
	p := r.newPass(ctx, app, Options{Cause: record.CauseManual, DryRun: true})
	err := p.runStages(ctx)
	report, err := p.finish(err)
	return report, p.effects, err
}

func (r *Reconciler) newPass(ctx context.Context, app App, opts Options) *pass {
	p := &pass{Reconciler: r, ctx: ctx, app: app, opts: opts, id: r.Records.ID(app.Name), started: r.Now(),
		live: newSnapshot(), newKinds: map[cluster.Kind]bool{}, refs: map[record.Key]cluster.Ref{},
		after: map[record.Key]*unstructured.Unstructured{}, trusted: map[record.Key]bool{}, failed: map[record.Key]bool{}, told: map[record.Key]string{}}
	p.report = AppReport{Name: app.Name, Cause: opts.Cause, DryRun: opts.DryRun, Source: r.From,
		Changes: []record.Change{}, Pruned: []string{}}
	p.report.Source.Path = app.Path
	return p
}

func (p *pass) runStages(ctx context.Context) error {
	for _, s := range stages {
		if err := s.run(p, ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errInterrupted
		}
	}
	return nil
}

func (p *pass) poll(ctx context.Context) (err error) {
	if p.commit = p.opts.Commit; p.commit == "" {
		p.commit, err = p.Source.Poll(ctx)
	}
	p.revision = record.Revision{Commit: p.commit, Ref: p.From.Ref}
	p.report.Revision = p.revision
	return err
}

func (p *pass) load(ctx context.Context) error {
	records, err := p.Records.Load(ctx)
	if err != nil {
		return err
	}
	rec, ok := records[p.app.Name]
	if !ok {
		rec = p.Records.New(p.app.Name)
	}
	p.rec = rec
	if !ok || rec.Inventory == nil {
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
	p.report.Previous = rec.Revision.Commit
	return nil
}

// rebuild fills a lost inventory with the objects that carry our label and our field manager's entry.
func (p *pass) rebuild(ctx context.Context, groupKinds []string) error {
	p.tell(Warning, p.app.Name, "the inventory of %s is lost; it is rebuilt from the labels of its objects, and nothing is pruned in this run", p.app.Name)
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
	if err := p.observe(ctx, p.live, look{kinds: kinds, namespaces: map[cluster.Kind][]string{}}); err != nil {
		return err
	}
	byGroupKind := map[[2]string]cluster.Kind{}
	for _, k := range kinds {
		byGroupKind[[2]string{k.Group, k.Kind}] = k
	}
	for key := range p.live.objects {
		if u := p.live.member(key, p.id); u != nil && appliedByUs(u) {
			p.rec.Restore(cluster.Ref{Kind: byGroupKind[[2]string{key.Group, key.Kind}], Namespace: key.Namespace, Name: key.Name}, u.GetUID())
		}
	}
	return nil
}

func appliedByUs(u metav1.Object) bool {
	_, ok, err := fields.Applied(u, record.Manager)
	return ok && err == nil
}

func (p *pass) observeRecorded(ctx context.Context) error {
	l := lookFor(p.rec.Rows)
	l.after = p.rec.Newest()
	err := p.observe(ctx, p.live, l)
	if err != nil {
		return err
	}
	p.verdicts, err = p.judgeAll(ctx, p.rec.Inventory, p.live, p.id)
	return err
}

// decide ends the pass when nothing is to be done: the commit and our settings are the recorded ones and every
// object is as we left it.
func (p *pass) decide(ctx context.Context) error {
	rec := p.rec
	newCommit := rec.Revision.Commit != p.commit
	if newCommit || rec.Pending || rec.Config != p.settings(p.app) || rec.Tool != p.Tool || len(rec.Rows) == 0 {
		if newCommit {
			p.report.Cause = record.CauseCommit
		}
		return nil
	}
	p.revision = rec.Revision
	p.report.Revision = p.revision
	for _, v := range p.verdicts {
		if v != clean {
			p.report.Cause = record.CauseDrift
			return nil
		}
	}
	p.report.Counts.Unchanged = len(rec.Rows)
	for k, row := range rec.Rows {
		p.refs[k] = row.Ref
	}
	if err := p.readUnsettled(ctx, slices.Collect(maps.Keys(rec.Rows))); err != nil {
		return err
	}
	return errNothingToDo
}

// rendering is the last commit that was rendered, with what it was rendered for.
type rendering struct {
	commit, settings string
	objects          []render.Object
	revision         source.Revision
}

func (p *pass) render(ctx context.Context) error {
	if r := p.rendered; r.commit != p.commit || r.settings != p.settings(p.app) {
		if err := p.renderCommit(ctx); err != nil {
			return err
		}
	}
	p.fetched(p.rendered.revision)
	var err error
	p.desired, err = p.prepare(ctx, p.app, p.rendered.objects)
	for _, k := range definedKinds(p.rendered.objects) {
		p.newKinds[k] = true
	}
	return err
}

func (p *pass) fetched(rev source.Revision) {
	p.revision = record.Revision{Commit: rev.Commit, Ref: rev.Ref, Author: rev.Author, Subject: rev.Subject, Time: rev.Time}
	p.report.Revision = p.revision
	p.message = rev.Subject + "\n\n" + rev.Body
}

// renderCommit fetches and renders, and keeps the result for the next passes of a loop.
func (p *pass) renderCommit(ctx context.Context) error {
	tree, err := p.Source.Open(ctx, p.commit)
	if err != nil {
		return err
	}
	defer tree.Close()
	p.fetched(tree.Revision)
	p.tell(Fetched, p.app.Name, "%s", p.fetchedText(tree.Revision))
	objects, err := render.Dir(ctx, tree.Root, p.app.Path, render.Options{AllowPlainSecrets: p.app.AllowPlainSecrets})
	if err != nil {
		return err
	}
	p.rendered = rendering{p.commit, p.settings(p.app), objects, tree.Revision}
	p.tell(Rendered, p.app.Name, "%s from %s", plural(len(objects), "object"), p.app.Path)
	return nil
}

func (p *pass) fetchedText(rev source.Revision) string {
	was := ""
	if prev := p.rec.Revision; prev.Commit != "" && prev.Commit != rev.Commit {
		was = " (was " + record.Revision{Commit: prev.Commit}.Short() + ")"
	}
	short := record.Revision{Commit: rev.Commit, Ref: rev.Ref}.Short()
	return fmt.Sprintf("%s %s%s  %q", p.From.Repo, short, was, rev.Subject)
}

func (p *pass) observeDesired(ctx context.Context) error {
	var kinds []cluster.Kind
	spaces := map[cluster.Kind][]string{}
	for _, o := range p.desired {
		p.refs[o.key()] = o.Ref
		if p.newKinds[o.Ref.Kind] {
			var unknown *cluster.UnknownKindError
			if _, err := p.Cluster.Kind(ctx, o.GVK()); errors.As(err, &unknown) {
				p.live.absent[o.Ref.Kind] = true // its CRD comes with this commit: there is nothing to list
			}
		}
		if !slices.Contains(kinds, o.Ref.Kind) {
			kinds = append(kinds, o.Ref.Kind)
		}
		if o.Namespace != "" && !slices.Contains(spaces[o.Ref.Kind], o.Namespace) {
			spaces[o.Ref.Kind] = append(spaces[o.Ref.Kind], o.Namespace)
		}
	}
	return p.observe(ctx, p.live, look{kinds: kinds, namespaces: spaces, after: p.rec.Newest()})
}

func (p *pass) makePlan(ctx context.Context) error {
	p.plan = makePlan(p.desired, p.rec, p.live, p.verdicts, p.id)
	if len(p.plan.foreign) > 0 {
		return p.plan.foreign
	}
	if p.rec.Rebuilt {
		p.plan.removals = nil
	}
	if err := p.plan.guard(p.rec, p.app.Budget, p.message); err != nil {
		return err
	}
	p.report.Counts.Unchanged += len(p.plan.same)
	var same []record.Key
	for _, o := range p.plan.same {
		same = append(same, o.key())
	}
	if err := p.readUnsettled(ctx, same); err != nil {
		return err
	}
	return p.readBefore(ctx)
}

// readUnsettled reads objects that need not be applied but whose health is not known: the last run ended before all
// was healthy. Otherwise they are taken to be as healthy as they were; status asks anew.
func (p *pass) readUnsettled(ctx context.Context, keys []record.Key) error {
	if p.rec.Settled {
		for _, k := range keys {
			p.trusted[k] = true
		}
		return nil
	}
	var refs []cluster.Ref
	for _, k := range keys {
		refs = append(refs, p.refs[k])
	}
	if err := p.readValues(ctx, p.live, refs, p.id); err != nil {
		return err
	}
	for _, k := range keys {
		p.after[k] = p.live.values(k, p.id)
	}
	return nil
}

// readBefore reads the objects that are about to change, to tell what changes, and who set what is reverted.
func (p *pass) readBefore(ctx context.Context) error {
	var refs []cluster.Ref
	for _, s := range p.plan.steps {
		if p.live.member(s.key(), p.id) != nil {
			refs = append(refs, s.Ref)
		}
	}
	if err := p.readValues(ctx, p.live, refs, p.id); err != nil {
		return err
	}
	for _, s := range p.plan.steps {
		s.live = p.live.values(s.key(), p.id)
	}
	return nil
}

// writeAhead records every object that is about to be created, so that none is orphaned if this process dies, and
// marks the record pending. Nothing is written ahead of changes to objects that are recorded already: if they are cut
// off, the record still names the old commit and manifests, and the next pass does them again.
func (p *pass) writeAhead(ctx context.Context) error {
	if p.opts.DryRun {
		return nil
	}
	if !p.rec.HasParent() { // before the first write: another tool's parent, or another reconciler at work, is found now
		if _, err := p.Records.LoadParent(ctx, p.rec, p.app.Name); err != nil {
			return err
		}
	}
	added := false
	for _, s := range p.plan.steps {
		if s.row == nil {
			p.rec.Rows[s.key()] = record.Row{Ref: s.Ref}
			added = true
		}
	}
	if !added {
		return nil
	}
	if err := p.ensureNamespace(ctx); err != nil {
		return err
	}
	p.rec.Pending = true
	p.rec.Source = p.report.Source // with its settings: the next run may have to finish this one without flags
	p.rec.Target, p.rec.PlainSecrets = p.app.Namespace, p.app.AllowPlainSecrets
	return p.Records.Save(ctx, p.rec)
}

// saveApplied records what was applied, before the wait for health: that can be long.
func (p *pass) saveApplied(ctx context.Context) error {
	if len(p.failed) > 0 {
		return nil // finish saves
	}
	p.complete()
	keys := p.keys()
	if p.opts.DryRun || len(p.unhealthy(keys)) == 0 {
		return nil
	}
	return p.save(ctx, record.ResultSucceeded, "", false)
}

func (p *pass) waitForHealth(ctx context.Context) error {
	if p.opts.DryRun || len(p.failed) > 0 {
		return nil
	}
	if p.opts.Loop {
		return p.healthySoon(p.keys())
	}
	return p.healthy(ctx, p.keys())
}

func (p *pass) keys() []record.Key {
	keys := make([]record.Key, 0, len(p.desired))
	for _, o := range p.desired {
		keys = append(keys, o.key())
	}
	return keys
}

// complete marks the record as holding all of this commit.
func (p *pass) complete() {
	if p.rec.Revision.Commit != p.revision.Commit || len(p.plan.steps) > 0 {
		p.rec.Applied = p.started.UTC().Truncate(time.Second)
	}
	p.rec.Source, p.rec.Revision = p.report.Source, p.revision
	p.rec.Target, p.rec.PlainSecrets = p.app.Namespace, p.app.AllowPlainSecrets
	p.rec.Config, p.rec.Tool = p.settings(p.app), p.Tool
	p.rec.Pending = p.rec.Rebuilt // a rebuilt inventory is compared with Git once more before anything is pruned
}
